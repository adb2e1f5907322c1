// What happens between the rooms: connectivity, the scope, desired changes, methods from above.
#include "base/log.h"
#include "edge/hub/hub_core.h"

namespace selvage::edge::hub {
namespace {

using domain::SystemProperty;

// How this hub's own errors look to a caller above: as the status of the method's answer, as a hub would say it.
// Wire: docs/wire/edge-hub.md#methods.
int method_status(Errc code) {
    switch (code) {
        case Errc::not_online:
        case Errc::device_not_found:
        case Errc::module_not_found: return 404;
        case Errc::timeout: return 504;
        case Errc::invalid_argument: return 400;
        case Errc::throttled: return 429;
        default: return 500;
    }
}

domain::MethodResponse method_error(int status, const std::string& message) {
    JsonObject body;
    body["message"] = message;
    return {status, to_text(body)};
}

}  // namespace

void EdgeHub::Core::link_changed(const domain::Identity& identity, bool connected, const Error* why) {
    if (identity == own) {
        if (connected != was_online) log::info("edge.upstream", "the hub above is {}", connected ? "reachable" : "not reachable");
        if (was_online && !connected) ++counters.offline_periods;
        if (!was_online && connected) scope.refresh_soon();
        was_online = connected;
        if (connected) own_twin.look_again();
    }
    if (connected) {
        const auto session = sessions.find(identity);
        twins.link_connected(identity, session && session->wants(hub_api::Feed::desired));
    } else if (why != nullptr && why->code == Errc::unauthorized && identity != own) {
        // Refused on behalf of the identity: the scope knows whether it is gone for good.
        tasks.spawn("scope question", ask_scope(identity));
    }
}

async::Awaitable<> EdgeHub::Core::ask_scope(domain::Identity identity) {
    ignore(co_await scope.refresh_identity(identity), "the listener hears what came of it");
}

void EdgeHub::Core::desired_changed(const domain::Identity& identity, std::int64_t version, std::string patch) {
    twins.desired_arrived(identity, version, std::move(patch));
}

void EdgeHub::Core::desired_changed(const domain::Identity& identity, std::int64_t version, const std::string& patch) {
    if (identity == own) {
        own_twin.look_again();
        return;
    }
    if (const auto session = sessions.find(identity)) session->desired_changed(version, patch);
}

void EdgeHub::Core::reported_changed(const domain::Identity& identity, const std::string& patch) {
    // Routed like telemetry of the hub itself. Wire: docs/wire/edge-hub.md#twins.
    domain::Message message;
    message.body = patch;
    message.set(SystemProperty::message_type, "twinChangeNotification");
    message.set(SystemProperty::message_schema, "twinChangeNotification");
    message.set(SystemProperty::connection_device_id, own.device);
    message.set(SystemProperty::connection_module_id, own.module);
    message.set(SystemProperty::edge_message_id, around.random.guid());
    message.set(SystemProperty::edge_origin, "internal");
    if (store.routes().match(message).empty()) return;
    store.accept(message, [identity](const Result<>& stored) {
        if (!stored)
            log::warn("edge.twins", "twin change notification not stored identity={} reason={}", to_text(identity),
                      stored.error().detail);
    });
}

async::Awaitable<domain::MethodResponse> EdgeHub::Core::method_called(domain::Identity identity, domain::MethodRequest request) {
    if (identity == own) co_return co_await own_method(std::move(request));
    auto answer = co_await methods.invoke(identity, std::move(request));
    if (answer) co_return *std::move(answer);
    co_return method_error(method_status(answer.error().code), answer.error().detail);
}

async::Awaitable<domain::MethodResponse> EdgeHub::Core::own_method(domain::MethodRequest request) {
    if (request.name != "RefreshDeviceScopeIdentityCache")
        co_return method_error(404, "Method '" + request.name + "' is not supported by the edge hub");
    const auto body = parse_json_object(request.payload);
    const auto* ids = body ? find_array(*body, "deviceIds") : nullptr;
    if (ids == nullptr) co_return method_error(400, "expected {\"deviceIds\":[\"device\" or \"device/module\", …]}");
    std::vector<domain::Identity> identities;
    for (const auto& id : *ids) {
        if (!id.is_string()) co_return method_error(400, "deviceIds holds something that is not a string");
        const std::string_view text = id.as_string();
        const auto slash = text.find('/');
        identities.push_back(slash == text.npos
                                 ? domain::Identity::of_device(text)
                                 : domain::Identity::of_module(text.substr(0, slash), text.substr(slash + 1)));
    }
    const auto refreshed = co_await scope.refresh_now(std::move(identities));
    if (!refreshed) co_return method_error(500, refreshed.error().detail);
    co_return domain::MethodResponse{200, ""};
}

void EdgeHub::Core::c2d_arrived(const domain::Identity& identity, domain::Message message,
                                std::move_only_function<void()> acknowledge) {
    // Nobody listens: not acknowledged, so the hub above keeps it.
    if (const auto session = sessions.find(identity)) session->c2d_arrived(std::move(message), std::move(acknowledge));
}

void EdgeHub::Core::identity_changed(const ScopeIdentity& identity) {
    const auto& id = identity.identity;
    if (id == own) return;
    if (!identity.enabled) {
        disown(id);
        sessions.close(id, hub_api::CloseReason::identity_disabled);
        return;
    }
    links.allow(id);
    const auto proof = credentials.find(id);
    if (proof == credentials.end() || !sessions.find(id)) return;
    if (!authenticator.check_cached(proof->second)) sessions.close(id, hub_api::CloseReason::unauthorized);
}

void EdgeHub::Core::identity_removed(const domain::Identity& identity) {
    if (identity == own) return;
    disown(identity);
    sessions.close(identity, hub_api::CloseReason::identity_removed);
    twins.forget(identity);
    if (identity.device == settings.edge_device && identity.is_module())
        tasks.spawn("module forgotten", forget_module(identity.module));
}

void EdgeHub::Core::disown(const domain::Identity& identity) {
    credentials.erase(identity);
    proven.erase(identity);
    links.mark_gone(identity);
    pump.sender_gone(identity);
}

async::Awaitable<> EdgeHub::Core::forget_module(std::string module) {
    // While a route leads there, the module may come back for what is stored.
    for (const auto& route : store.routes().routes()) {
        const auto* input = std::get_if<query::ModuleInputSink>(&route.sink);
        if (input != nullptr && input->module == module) co_return;
    }
    co_await inputs.forget(module);
    const auto dropped = store.drop_module(module);
    if (dropped > 0) log::warn("edge.inputs", "module left the device, its messages dropped module={} count={}", module, dropped);
}

void EdgeHub::Core::client_connected(const domain::Identity& identity) { own_twin.client_connected(identity); }

void EdgeHub::Core::client_disconnected(const domain::Identity& identity) {
    own_twin.client_disconnected(identity);
    twins.release(identity);
}

}  // namespace selvage::edge::hub
