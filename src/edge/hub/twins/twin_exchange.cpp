// The exchange with the hub above: pulling documents, pushing reported changes, taking desired changes.
//
// Pushing runs beside the turns (it may wait long for a connection) and takes its results in a turn. While a patch is under
// way it stays in `pending`, so a restart sends it again: reported patches are idempotent.
#include "async/deadline.h"
#include "base/log.h"
#include "edge/hub/twins/twin_cache.h"
#include "edge/hub/twins/twin_turns.h"

namespace selvage::edge::hub {
namespace {

// Refusals that will be the same next time.
bool is_final(Errc code) {
    return code == Errc::invalid_argument || code == Errc::malformed || code == Errc::message_too_large ||
           code == Errc::quota_exceeded || code == Errc::unsupported;
}

// The hub above has answered, and does not know the identity.
bool is_unknown(Errc code) {
    return code == Errc::not_found || code == Errc::device_not_found || code == Errc::module_not_found;
}

async::Awaitable<> until_connected(std::shared_ptr<UpstreamLink> link) { static_cast<void>(co_await link->connected()); }

}  // namespace

async::Awaitable<Result<>> TwinCache::pull(ActorPtr target) {
    if (!links_.is_online()) co_return fail(Errc::unavailable, "the hub above is not reachable");
    const auto link = links_.link(target->identity);
    if (!link) co_return fail(Errc::unavailable, "no link to the hub above");
    if (!link->is_connected())
        static_cast<void>(co_await async::run_for(time_, settings_.connect_patience, until_connected(link)));
    if (!link->is_connected()) co_return fail(Errc::unavailable, "the link to the hub above is not connected");
    auto request = link->get_twin();
    SELVAGE_CO_TRY(const auto document, co_await async::with_deadline(time_, settings_.answer_patience, std::move(request)));
    SELVAGE_CO_CHECK(target->twin->take_document(document));
    co_return co_await save(target);
}

void TwinCache::desired_arrived(const domain::Identity& identity, std::int64_t version, std::string patch) {
    tasks_.spawn("desired change", run_desired(identity, version, std::move(patch)));
}

async::Awaitable<> TwinCache::run_desired(domain::Identity identity, std::int64_t version, std::string patch) {
    auto work = [this, version, patch = std::move(patch)](ActorPtr target) mutable {
        return do_desired(std::move(target), version, std::move(patch));
    };
    const auto taken = co_await in_turn<void>(identity, std::move(work));
    if (taken || taken.error().code == Errc::cancelled) co_return;
    log::warn("edge.twins", "desired change not taken identity={} version={} reason={}", to_text(identity), version,
              taken.error().detail);
    start_catch_up(actor(identity));
}

async::Awaitable<Result<>> TwinCache::do_desired(ActorPtr target, std::int64_t version, std::string patch) {
    auto& twin = *target->twin;
    if (!twin.synced) {
        listener_.desired_changed(target->identity, version, patch);
        co_return Result<>{};
    }
    if (version <= twin.desired_version) co_return Result<>{};
    if (version != twin.desired_version + 1) co_return co_await catch_up(target);
    SELVAGE_CO_TRY(const auto object, parse_json_object(patch, kDesiredDepthMax));
    twin.patch_desired(domain::without_read_only(object), version);
    // Told also when it cannot be kept: nobody would tell it later.
    const auto saved = co_await save(target);
    listener_.desired_changed(target->identity, version, patch);
    co_return saved;
}

void TwinCache::link_connected(const domain::Identity& identity, bool listening) {
    if (!listening && !actors_.contains(identity)) return;
    const auto target = actor(identity);
    start_push(target);
    if (listening) start_catch_up(target);
}

void TwinCache::start_catch_up(const ActorPtr& target) {
    if (target->catching_up) return;
    target->catching_up = true;
    tasks_.spawn("twin catch up", run_catch_up(target->identity));
}

// Until it is known, or there is nobody to ask: then the next connection begins anew.
async::Awaitable<> TwinCache::run_catch_up(domain::Identity identity) {
    for (auto pause = settings_.push_pause_min;; pause = std::min(pause * 2, settings_.push_pause_max)) {
        auto work = [this](ActorPtr target) { return catch_up(std::move(target)); };
        const auto done = co_await in_turn<void>(identity, std::move(work));
        if (done || done.error().code == Errc::cancelled || is_unknown(done.error().code)) break;
        log::warn("edge.twins", "cannot find out what was missed identity={} reason={}", to_text(identity), done.error().detail);
        const auto link = links_.link(identity);
        if (!link || !link->is_connected()) break;
        if (!co_await time_.sleep_for(pause)) break;
    }
    actor(identity)->catching_up = false;
}

async::Awaitable<Result<>> TwinCache::catch_up(ActorPtr target) {
    const auto desired = target->twin->desired;
    const auto version = target->twin->desired_version;
    // What was read may be taken and yet not kept, when the disk is full; then it is told all the same.
    const auto pulled = co_await pull(target);
    if (target->twin->desired_version == version) co_return pulled;
    auto missed = domain::difference(desired, target->twin->desired);
    missed["$version"] = target->twin->desired_version;
    listener_.desired_changed(target->identity, target->twin->desired_version, to_text(missed));
    co_return pulled;
}

void TwinCache::start_push(const ActorPtr& target) {
    if (target->pushing || !target->twin || target->twin->pending.empty()) return;
    target->pushing = true;
    tasks_.spawn("reported push", push(target));
}

async::Awaitable<> TwinCache::push(ActorPtr target) {
    auto pause = settings_.push_pause_min;
    while (!target->twin->pending.empty()) {
        auto result = co_await push_once(target);
        const bool failed = !result && !is_final(result.error().code);
        if (failed) log::debug("edge.twins", "push failed identity={} reason={}", to_text(target->identity), result.error().detail);
        if (failed && links_.is_gone(target->identity)) break;
        auto work = [this, result](ActorPtr in_turn_target) { return take_push_result(std::move(in_turn_target), result); };
        const auto taken = co_await in_turn<void>(target->identity, std::move(work));
        if (failed || !taken) {
            if (!co_await time_.sleep_for(pause)) break;
            pause = std::min(pause * 2, settings_.push_pause_max);
        } else {
            pause = settings_.push_pause_min;
        }
    }
    target->pushing = false;
}

async::Awaitable<Result<std::int64_t>> TwinCache::push_once(ActorPtr target) {
    const auto link = links_.link(target->identity);
    if (!link) co_return fail(Errc::unavailable, "no link to the hub above");
    if (!co_await link->connected()) co_return fail(Errc::connection_closed, "the link was closed");
    // Between here and the next suspension nothing else can touch the twin.
    target->sent = target->twin->pending;
    target->since.clear();
    auto request = link->patch_reported(to_text(*target->sent));
    co_return co_await async::with_deadline(time_, settings_.answer_patience, std::move(request));
}

async::Awaitable<Result<>> TwinCache::take_push_result(ActorPtr target, Result<std::int64_t> result) {
    if (!target->sent) co_return Result<>{};
    auto sent = *std::move(target->sent);
    target->sent.reset();
    auto since = std::move(target->since);
    target->since.clear();
    if (result) {
        target->twin->acknowledged(sent, std::move(since), *result);
    } else if (is_final(result.error().code)) {
        ++counters_.reported_patches_refused;
        log::warn("edge.twins", "the hub above refused reported properties, given up identity={} reason={}",
                  to_text(target->identity), result.error().detail);
        target->twin->give_up_pending(std::move(since));
    } else {
        co_return Result<>{};    // all of it is pending still
    }
    co_return co_await save(target);
}

}  // namespace selvage::edge::hub
