// Each identity has an actor: its twin, and a queue of jobs that run one at a time as a task of this cache. Callers only wait
// for their job's answer, so a client that goes away in the middle leaves no half-done work behind.
#include "edge/hub/twins/twin_cache.h"

#include "base/log.h"
#include "edge/hub/twins/twin_turns.h"

namespace selvage::edge::hub {
namespace {

constexpr const char* kBucket = "twins";
constexpr std::size_t kPatchDepthMax = 16;

domain::Identity identity_of_key(std::string_view key) {
    const auto slash = key.find('/');
    if (slash == key.npos) return domain::Identity::of_device(key);
    return domain::Identity::of_module(key.substr(0, slash), key.substr(slash + 1));
}

}  // namespace

TwinCache::TwinCache(async::Executor loop, async::TimeSource& time, SealedStore& store, LinkSource& links,
                     TwinListener& listener, HubCounters& counters, Settings settings)
    : loop_(loop),
      time_(time),
      store_(store),
      links_(links),
      listener_(listener),
      counters_(counters),
      settings_(std::move(settings)),
      tasks_(loop) {}

TwinCache::~TwinCache() = default;

async::Awaitable<Result<>> TwinCache::start() {
    SELVAGE_CO_TRY(const auto stored, co_await store_.list(kBucket));
    for (const auto& [key, text] : stored) {
        auto twin = CachedTwin::from_stored_text(text);
        if (!twin || twin->pending.empty()) continue;
        const auto target = actor(identity_of_key(key));
        target->twin = *std::move(twin);
        start_push(target);
    }
    co_return Result<>{};
}

async::Awaitable<> TwinCache::stop() {
    co_await tasks_.stop();
    // Jobs that never ran tell their callers so when they are destroyed; each holds its actor, which holds it.
    for (const auto& [identity, actor] : actors_) actor->jobs.clear();
    actors_.clear();
}

TwinCache::ActorPtr TwinCache::actor(const domain::Identity& identity) {
    auto& found = actors_[identity];
    if (!found) found = std::make_shared<Actor>(identity);
    return found;
}

bool TwinCache::enqueue(const ActorPtr& target, Job job) {
    if (target->jobs.size() >= settings_.jobs_max || tasks_.stopping()) return false;
    target->jobs.push_back(std::move(job));
    if (!target->running) {
        target->running = true;
        tasks_.spawn("twin work", run_jobs(target));
    }
    return true;
}

async::Awaitable<> TwinCache::run_jobs(ActorPtr target) {
    while (!target->jobs.empty()) {
        // Kept here: the job's captures live as long as its coroutine.
        Job job = std::move(target->jobs.front());
        target->jobs.pop_front();
        co_await job();
    }
    target->running = false;
}

async::Awaitable<Result<>> TwinCache::load(ActorPtr target) {
    if (target->twin) co_return Result<>{};
    SELVAGE_CO_TRY(const auto stored, co_await store_.get(kBucket, to_text(target->identity)));
    target->twin.emplace();
    if (!stored) co_return Result<>{};
    auto twin = CachedTwin::from_stored_text(*stored);
    if (twin)
        target->twin = *std::move(twin);
    else
        log::warn("edge.twins", "stored twin cannot be read identity={} reason={}", to_text(target->identity),
                  twin.error().detail);
    co_return Result<>{};
}

async::Awaitable<Result<>> TwinCache::save(ActorPtr target) {
    co_return co_await store_.put(kBucket, to_text(target->identity), target->twin->to_stored_text());
}

async::Awaitable<Result<std::string>> TwinCache::get(domain::Identity identity) {
    auto work = [this](ActorPtr target) { return do_get(std::move(target)); };
    co_return co_await in_turn<std::string>(std::move(identity), std::move(work));
}

async::Awaitable<Result<std::string>> TwinCache::do_get(ActorPtr target) {
    const auto pulled = co_await pull(target);
    if (pulled) co_return target->twin->document();
    const auto code = pulled.error().code;
    // The hub above has answered, and said no.
    if (code == Errc::not_found || code == Errc::device_not_found || code == Errc::module_not_found)
        co_return fail(pulled.error());
    if (!target->twin->synced)
        co_return fail(Errc::unavailable, "the twin was never read and the hub above cannot be asked: " + pulled.error().detail);
    // It may be old by now, and no new connection of the link may ever say so: the link may be there already.
    start_catch_up(target);
    co_return target->twin->document();
}

async::Awaitable<Result<std::int64_t>> TwinCache::patch_reported(domain::Identity identity, std::string patch,
                                                                 std::optional<std::int64_t> if_version) {
    auto work = [this, patch = std::move(patch), if_version](ActorPtr target) mutable {
        return do_patch(std::move(target), std::move(patch), if_version);
    };
    co_return co_await in_turn<std::int64_t>(std::move(identity), std::move(work));
}

async::Awaitable<Result<std::int64_t>> TwinCache::do_patch(ActorPtr target, std::string patch,
                                                           std::optional<std::int64_t> if_version) {
    SELVAGE_CO_TRY(const auto object, parse_json_object(patch, kPatchDepthMax));
    const auto values = domain::without_read_only(object);
    SELVAGE_CO_CHECK(domain::check_section(values, settings_.limits));
    if (if_version && *if_version != target->twin->reported_version)
        co_return fail(Errc::precondition_failed, "the reported properties have version " +
                                                      std::to_string(target->twin->reported_version));
    auto before = *target->twin;
    target->twin->report(values);
    const auto bytes = domain::counted_bytes(target->twin->reported);
    if (bytes > settings_.limits.section_bytes_max) {
        target->twin = std::move(before);
        co_return fail(Errc::invalid_argument, "reported properties of " + std::to_string(bytes) + " bytes, at most " +
                                                   std::to_string(settings_.limits.section_bytes_max));
    }
    const auto saved = co_await save(target);
    if (!saved) {
        target->twin = std::move(before);
        co_return fail(saved.error());
    }
    if (target->sent) {
        // What is under way will be applied first: what comes now is relative to that.
        JsonObject base = target->twin->reported_above;
        domain::merge_patch(base, *target->sent);
        compose_patches(target->since, values, base);
    }
    ++counters_.reported_patches;
    const auto version = target->twin->reported_version;
    start_push(target);
    listener_.reported_changed(target->identity, to_text(values));
    co_return version;
}

async::Awaitable<Result<CachedTwin>> TwinCache::cached(domain::Identity identity) {
    auto work = [](ActorPtr target) -> async::Awaitable<Result<CachedTwin>> { co_return *target->twin; };
    co_return co_await in_turn<CachedTwin>(std::move(identity), std::move(work));
}

void TwinCache::release(const domain::Identity& identity) {
    const auto found = actors_.find(identity);
    if (found == actors_.end()) return;
    const auto& target = found->second;
    if (!target->running && !target->pushing && target->jobs.empty()) actors_.erase(found);
}

void TwinCache::forget(const domain::Identity& identity) {
    // In its turn: work under way would write it back.
    const auto target = actor(identity);
    Job job = [this, target]() -> async::Awaitable<> {
        target->twin.emplace();
        const auto erased = co_await store_.erase(kBucket, to_text(target->identity));
        if (!erased) log::warn("edge.twins", "cannot forget identity={} reason={}", to_text(target->identity), erased.error().detail);
    };
    static_cast<void>(enqueue(target, std::move(job)));
}

}  // namespace selvage::edge::hub
