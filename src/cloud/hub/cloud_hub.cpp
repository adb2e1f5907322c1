#include "cloud/hub/cloud_hub.h"

#include "base/log.h"
#include "cloud/auth/chain.h"
#include "cloud/hub/cloud_session.h"

namespace selvage::cloud::hub {

using domain::Identity;
using hub_api::Grant;

namespace {

// How stale the stored time of last activity of an identity without a connection may get.
constexpr std::chrono::minutes kActivityGrain{1};

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
    return parts_.authenticator.authenticate(std::move(credentials));
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
    // it.
    if (auto allowed = co_await still_allowed(grant); !allowed || live->ended) {
        parts_.sessions.end(live);
        co_return fail(allowed ? Error{Errc::unavailable, "closed while it was opened"} : allowed.error());
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
    storage::ConnectionRecord record{.connected = connected,
                                     .connected_changed = now,
                                     .last_activity = connected ? now : session.last_activity,
                                     .model_id = session.model_id};
    tasks_.spawn("hub: remember connection", save_connection(session.identity, std::move(record)));
}

void CloudHub::remember_activity(const Identity& identity) {
    const UtcTime now = parts_.time.utc_now();
    if (const auto live = parts_.sessions.find(identity)) live->last_activity = now;
    else tasks_.spawn("hub: remember activity", save_activity(identity, now));
}

Awaitable<> CloudHub::save_activity(Identity identity, UtcTime when) {
    auto record = co_await parts_.store.connection(identity);
    if (!record || when < record->last_activity + kActivityGrain || parts_.sessions.find(identity)) co_return;
    record->last_activity = when;
    co_await save_connection(std::move(identity), *record);
}

Awaitable<> CloudHub::save_connection(Identity identity, storage::ConnectionRecord record) {
    const auto saved = co_await parts_.store.save_connection(identity, record);
    const bool gone =
        !saved && (saved.error().code == Errc::device_not_found || saved.error().code == Errc::module_not_found);
    if (!saved && !gone && saved.error().code != Errc::cancelled) {
        log::warn("hub.session", "connection time of {} not stored: {}", domain::to_text(identity),
                  saved.error().detail);
    }
}

Awaitable<> CloudHub::stop() {
    parts_.sessions.close_all(hub_api::CloseReason::shutting_down);
    co_await tasks_.stop();
}

}  // namespace selvage::cloud::hub
