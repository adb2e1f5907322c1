// `$edgeAgent`: gets the deployment, keeps the modules to it, reports.
//
// Runs on: one loop. Nothing on the way to running modules waits for the network: the deployment on disk is applied first,
// the hub is asked beside it.
#pragma once

#include <memory>
#include <string>

#include "async/event.h"
#include "async/task_group.h"
#include "async/time_source.h"
#include "base/random.h"
#include "device_client/device_client.h"
#include "edge/agent/deployment_source.h"
#include "edge/agent/reconciler.h"

namespace selvage::edge::agent {

struct AgentSettings {
    RestartRules restarts;
    std::chrono::milliseconds pass_pause{2000};            // between looks at the containers
    std::chrono::seconds twin_refresh{3600};               // ConfigRefreshFrequencySecs
    Platform platform;
};

// How the agent reaches its hub: the settings of a device_client::DeviceClient and what it needs.
struct HubAccess {
    net::Dialer& dialer;
    device_client::TokenSource& tokens;
    device_client::ClientSettings client;
};

class Agent {
public:
    Agent(async::Executor loop, async::TimeSource& time, Random& random, management::ManagementClient& daemon,
          DeploymentSource& source, HubAccess hub, AgentEnvironment environment, AgentSettings settings);
    ~Agent();

    void start();
    // Reports that the agent does not run, then ends. Modules keep running. Call before destruction.
    async::Awaitable<> stop();

    // Direct methods: ping, RestartModule. Names in any case.
    async::Awaitable<domain::MethodResponse> on_method(domain::MethodRequest request);

private:
    async::Awaitable<> keep_modules();
    async::Awaitable<> keep_twin();
    async::Awaitable<> keep_reporting();
    async::Awaitable<> fetch_twin();
    JsonObject document();
    async::Awaitable<domain::MethodResponse> restart_module(const std::string& payload);

    async::Executor loop_;
    async::TimeSource& time_;
    management::ManagementClient& daemon_;
    DeploymentSource& source_;
    AgentSettings settings_;
    async::TaskGroup tasks_;
    async::Event pass_wanted_;
    async::Event twin_wanted_;
    async::Event report_wanted_;
    Reconciler reconciler_;
    device_client::DeviceClient client_;
    ReportedStatus status_;
    std::string pass_error_;
    std::optional<JsonObject> reported_;      // what the hub has; nothing: not known yet
};

}  // namespace selvage::edge::agent
