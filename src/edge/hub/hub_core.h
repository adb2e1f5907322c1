// The rooms of the edge hub put together, and what happens between them. Private to this folder.
//
// Members are in order of construction; stop() goes the other way.
#pragma once

#include <unordered_map>

#include "async/task_group.h"
#include "edge/hub/edge_hub.h"
#include "edge/hub/inputs/module_inputs.h"
#include "edge/hub/own/own_twin.h"
#include "edge/hub/scope/client_authenticator.h"
#include "edge/hub/scope/scope_cache.h"
#include "edge/hub/scope/service_scope_api.h"
#include "edge/hub/sessions/method_calls.h"
#include "edge/hub/sessions/session_table.h"
#include "edge/hub/state/sealed_store.h"
#include "edge/hub/store/telemetry_store.h"
#include "edge/hub/twins/twin_cache.h"
#include "edge/hub/upstream/upstream_links.h"
#include "edge/hub/upstream/upstream_pump.h"

namespace selvage::edge::hub {

struct EdgeHub::Core final : UpstreamEvents, ScopeListener, TwinListener, SessionListener {
    Core(Surroundings given, HubSettings hub_settings);

    async::Awaitable<Result<>> start();
    async::Awaitable<> stop();
    void add_queue(const StoredQueue& queue);

    // ---- hub_events.cpp: what the rooms tell each other ----
    void link_changed(const domain::Identity& identity, bool connected, const Error* why) override;
    void desired_changed(const domain::Identity& identity, std::int64_t version, std::string patch) override;
    async::Awaitable<domain::MethodResponse> method_called(domain::Identity identity, domain::MethodRequest request) override;
    void c2d_arrived(const domain::Identity& identity, domain::Message message,
                     std::move_only_function<void()> acknowledge) override;
    void identity_changed(const ScopeIdentity& identity) override;
    void identity_removed(const domain::Identity& identity) override;
    void desired_changed(const domain::Identity& identity, std::int64_t version, const std::string& patch) override;
    void reported_changed(const domain::Identity& identity, const std::string& patch) override;
    void client_connected(const domain::Identity& identity) override;
    void client_disconnected(const domain::Identity& identity) override;
    async::Awaitable<domain::MethodResponse> own_method(domain::MethodRequest request);
    async::Awaitable<> ask_scope(domain::Identity identity);
    async::Awaitable<> forget_module(std::string module);
    void disown(const domain::Identity& identity);

    Surroundings around;
    HubSettings settings;
    domain::Identity own;
    HubCounters counters;
    SealedStore sealed;
    ServiceScopeApi scope_api;
    ScopeCache scope;
    ClientAuthenticator authenticator;
    TelemetryStore store;
    ModuleInputs inputs;
    UpstreamLinks links;
    UpstreamPump pump;
    TwinCache twins;
    OwnTwin own_twin;
    MethodCalls methods;
    SessionParts session_parts;
    SessionTable sessions;
    // What connected clients proved themselves with, to check again when keys change. In memory only.
    std::unordered_map<domain::Identity, hub_api::Credentials> credentials;
    // The same, before a connection is made of it; a module that only calls methods over HTTPS never makes one.
    std::unordered_map<domain::Identity, hub_api::Credentials> proven;
    bool was_online = false;
    async::TaskGroup tasks;
};

}  // namespace selvage::edge::hub
