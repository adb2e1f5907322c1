#include "cloud/hub/cloud_hub.h"

#include "base/log.h"
#include "cloud/auth/chain.h"
#include "cloud/hub/cloud_session.h"

namespace selvage::cloud::hub {

using domain::Identity;
using hub_api::Grant;

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
    SELVAGE_CO_TRY(auto live,
                   parts_.sessions.open(grant.identity, std::move(chain), std::move(sink), parts_.time.utc_now()));
    // First in the table, then the second look: whoever takes the right away in between finds the session and closes
    // it.
    if (auto allowed = co_await still_allowed(grant); !allowed || live->ended) {
        parts_.sessions.end(live);
        co_return fail(allowed ? Error{Errc::unavailable, "closed while it was opened"} : allowed.error());
    }
    remember_connection(*live, true);
    telemetry::Sender sender{.identity = grant.identity,
                             .generation_id = std::move(grant.generation_id),
                             .auth_method = std::move(grant.auth_method),
                             .model_id = std::move(info.model_id)};
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
    const storage::ConnectionRecord record{
        .connected = connected, .connected_changed = now, .last_activity = connected ? now : session.last_activity};
    tasks_.spawn("hub: remember connection", save_connection(session.identity, record));
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
