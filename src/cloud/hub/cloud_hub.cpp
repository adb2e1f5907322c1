#include "cloud/hub/cloud_hub.h"

#include <algorithm>
#include <utility>

#include "base/log.h"
#include "cloud/auth/chain.h"
#include "cloud/hub/cloud_session.h"

namespace selvage::cloud::hub {

using domain::Identity;
using hub_api::Grant;

namespace {

// How stale the stored time of last activity of an identity without a connection may get.
constexpr std::chrono::minutes kActivityGrain{1};
// Devices come and go in crowds; losing the last of their times in a crash is harmless.
constexpr std::chrono::seconds kSaveEvery{1};
constexpr std::size_t kSavedAtOnce = 256;   // others wait for the store too

telemetry::Sender sender_of(const Grant& grant, const hub_api::ConnectionInfo& info) {
    return {.identity = grant.identity,
            .generation_id = grant.generation_id,
            .auth_method = grant.auth_method,
            .model_id = info.model_id};
}

}  // namespace

CloudHub::CloudHub(async::Executor loop, std::string host_name, Parts parts)
    : host_name_(std::move(host_name)), parts_(parts), tasks_(std::move(loop)) {}

Awaitable<Result<Grant>> CloudHub::authenticate(hub_api::Credentials credentials) {
    const auto changes = parts_.store.changes();
    auto grant = co_await parts_.authenticator.authenticate(std::move(credentials));
    if (grant) grant->proven_after = changes;
    co_return grant;
}

Awaitable<Result<std::unique_ptr<hub_api::DeviceSession>>> CloudHub::open(Grant grant, hub_api::ConnectionInfo info,
                                                                          std::weak_ptr<hub_api::DeviceSink> sink) {
    if (tasks_.stopping()) co_return fail(Errc::unavailable, "the hub is shutting down");
    std::vector<std::string> chain;
    if (!grant.auth_chain.empty()) {
        SELVAGE_CO_TRY(const auto members, auth::split_chain(grant.auth_chain));
        SELVAGE_CO_TRY(chain, auth::devices_of_chain(members));
    }
    if (info.transient) {
        remember_activity(grant.identity);
        auto one = sessions::SessionTable::make_transient(grant.identity, std::move(chain), std::move(sink),
                                                          parts_.time.utc_now());
        auto its_sender = sender_of(grant, info);
        co_return std::make_unique<CloudSession>(*this, std::move(one), std::move(its_sender));
    }
    SELVAGE_CO_TRY(auto live,
                   parts_.sessions.open(grant.identity, std::move(chain), std::move(sink), parts_.time.utc_now()));
    live->model_id = info.model_id;
    // First in the table, then the second look: whoever takes the right away in between finds the session and closes
    // it. When nothing has changed since the first look, it would see the same.
    if (grant.proven_after != parts_.store.changes()) {
        if (auto allowed = co_await still_allowed(grant); !allowed || live->ended) {
            parts_.sessions.end(live);
            co_return fail(allowed ? Error{Errc::unavailable, "closed while it was opened"} : allowed.error());
        }
    }
    remember_connection(*live, true);
    auto sender = sender_of(grant, info);
    co_return std::make_unique<CloudSession>(*this, std::move(live), std::move(sender));
}

Awaitable<Result<>> CloudHub::still_allowed(Grant grant) {
    SELVAGE_CO_TRY(const auto device, co_await parts_.store.device(grant.identity.device));
    if (!device.enabled) co_return fail(Errc::device_disabled, "device '" + device.device_id + "' is disabled");
    std::string generation = device.generation_id;
    if (grant.identity.is_module()) {
        SELVAGE_CO_TRY(const auto module, co_await parts_.store.module(grant.identity.device, grant.identity.module));
        generation = module.generation_id;
    }
    if (generation != grant.generation_id) {
        co_return fail(Errc::unauthorized, "'" + domain::to_text(grant.identity) + "' was removed and made again");
    }
    co_return Result<>{};
}

Awaitable<Result<domain::MethodResponse>> CloudHub::invoke_method(Identity target, domain::MethodRequest request) {
    return parts_.methods.invoke(std::move(target), std::move(request));
}

Awaitable<Result<std::optional<std::vector<hub_api::StoredFilter>>>> CloudHub::load_filters(Identity identity) {
    return parts_.stored_sessions.load(std::move(identity));
}

Awaitable<Result<>> CloudHub::save_filters(Identity identity, std::vector<hub_api::StoredFilter> filters) {
    return parts_.stored_sessions.save(std::move(identity), std::move(filters));
}

Awaitable<Result<>> CloudHub::forget_filters(Identity identity) {
    return parts_.stored_sessions.forget(std::move(identity));
}

void CloudHub::remember_connection(const sessions::LiveSession& session, bool connected) {
    const UtcTime now = parts_.time.utc_now();
    auto& record = parts_.sessions.unsaved()[session.identity];
    record.connected = connected;
    record.connected_changed = now;
    record.last_activity = connected ? now : session.last_activity;
    if (!session.model_id.empty()) record.model_id = session.model_id;
    if (!std::exchange(saving_, true)) tasks_.spawn("hub: save connection times", save_now_and_then());
}

void CloudHub::remember_activity(const Identity& identity) {
    const UtcTime now = parts_.time.utc_now();
    auto& unsaved = parts_.sessions.unsaved();
    if (const auto live = parts_.sessions.find(identity)) live->last_activity = now;
    else if (const auto recent = unsaved.find(identity); recent != unsaved.end()) recent->second.last_activity = now;
    else tasks_.spawn("hub: remember activity", save_activity(identity, now));
}

Awaitable<> CloudHub::save_activity(Identity identity, UtcTime when) {
    auto record = co_await parts_.store.connection(identity);
    if (!record || when < record->last_activity + kActivityGrain || parts_.sessions.find(identity)) co_return;
    record->last_activity = when;
    if (!parts_.sessions.unsaved().try_emplace(std::move(identity), *std::move(record)).second) co_return;
    if (!std::exchange(saving_, true)) co_await save_now_and_then();
}

Awaitable<> CloudHub::save_now_and_then() {
    bool stopping = false;
    while (!stopping && !parts_.sessions.unsaved().empty()) {
        const auto slept = co_await parts_.time.sleep_for(kSaveEvery);
        stopping = !slept;
        if (!stopping) co_await save_unsaved();
    }
    saving_ = false;
}

// Each stays where readers find it until it is stored.
Awaitable<> CloudHub::save_unsaved() {
    auto& unsaved = parts_.sessions.unsaved();
    std::vector<std::pair<Identity, storage::ConnectionRecord>> all(unsaved.begin(), unsaved.end());
    for (std::size_t at = 0; at < all.size(); at += kSavedAtOnce) {
        const auto begin = all.begin() + static_cast<std::ptrdiff_t>(at);
        const auto end = begin + static_cast<std::ptrdiff_t>(std::min(kSavedAtOnce, all.size() - at));
        const auto saved = co_await parts_.store.save_connections({begin, end});
        if (!saved && saved.error().code != Errc::cancelled)
            log::warn("hub.session", "connection times not stored: {}", saved.error().detail);
        for (auto entry = begin; entry != end; ++entry) {
            const auto now = unsaved.find(entry->first);
            if (now != unsaved.end() && now->second == entry->second) unsaved.erase(now);
        }
    }
}

Awaitable<> CloudHub::stop() {
    parts_.sessions.close_all(hub_api::CloseReason::shutting_down);
    co_await tasks_.stop();
    co_await save_unsaved();
}

}  // namespace selvage::cloud::hub
