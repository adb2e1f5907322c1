#include "simulation/agent_process.h"

#include "simulation/cloud_process.h"

namespace selvage::simulation {
namespace {

edge::ModuleEnvironment environment_of(const Engine::Container& container) {
    const auto variable = [&container](std::string_view name) {
        for (const auto& [key, value] : container.spec.env)
            if (key == name) return value;
        return std::string();
    };
    edge::ModuleEnvironment environment;
    environment.workload_uri = variable("IOTEDGE_WORKLOADURI");
    environment.management_uri = variable("IOTEDGE_MANAGEMENTURI");
    environment.api_version = variable("IOTEDGE_APIVERSION");
    environment.iothub_host = variable("IOTEDGE_IOTHUBHOSTNAME");
    environment.gateway_host = variable("IOTEDGE_GATEWAYHOSTNAME");
    environment.edge_device_host = variable("EdgeDeviceHostName");
    environment.device_id = variable("IOTEDGE_DEVICEID");
    environment.module_id = variable("IOTEDGE_MODULEID");
    environment.generation_id = variable("IOTEDGE_MODULEGENERATIONID");
    return environment;
}

edge::agent::AgentEnvironment agent_environment(const edge::ModuleEnvironment& module) {
    edge::agent::AgentEnvironment environment;
    environment.module = module;
    environment.network_id = "azure-iot-edge";
    // Not the daemon's folder: that is another one in each run, and this text goes over the wire.
    environment.workload_listen_uri = "unix:///run/simulated";
    return environment;
}

edge::agent::AgentSettings agent_settings() {
    edge::agent::AgentSettings settings;
    // Looks at containers that nothing has been told about: the default would be most of the work of a simulated day.
    settings.pass_pause = std::chrono::minutes(2);
    settings.platform = {"linux", "amd64", "simulated"};
    return settings;
}

device_client::ClientSettings client_settings(const edge::ModuleEnvironment& module) {
    device_client::ClientSettings client;
    client.identity = domain::Identity::of_module(module.device_id, module.module_id);
    client.hub_host = module.iothub_host;
    client.target.host = module.iothub_host;
    client.target.port = kMqttPort;
    client.product_info = "EdgeAgent/simulated";
    return client;
}

}  // namespace

struct AgentProcess::Parts {
    Parts(const async::Executor& loop, Seat& seat, const edge::ModuleEnvironment& environment)
        : files("simulated files", 1, 10'000, seat.disk->worker()),
          daemon(seat.endpoint, seat.time, environment.management_uri),
          workload(seat.endpoint, seat.time, environment),
          source(files, seat.random, workload, seat.disk->folder() + "/edgeAgent", {}),
          tokens(edge::token_source_from_workload(workload)),
          agent(loop, seat.time, seat.random, daemon, source, {seat.endpoint, *tokens, client_settings(environment)},
                agent_environment(environment), agent_settings()) {}
    async::BlockingPool files;
    edge::management::ManagementClient daemon;
    edge::WorkloadClient workload;
    edge::agent::DeploymentSource source;
    std::unique_ptr<device_client::TokenSource> tokens;
    edge::agent::Agent agent;
};

AgentProcess::AgentProcess(async::Executor loop, std::unique_ptr<Seat> seat, const Engine::Container& container,
                           std::string device)
    : loop_(std::move(loop)), seat_(std::move(seat)) {
    seat_->endpoint.share_sockets(std::move(device), container.pid);
    parts_ = std::make_unique<Parts>(loop_, *seat_, environment_of(container));
}
AgentProcess::~AgentProcess() = default;

Result<> AgentProcess::start() {
    parts_->agent.start();
    return {};
}

async::Awaitable<> AgentProcess::stop() { co_await parts_->agent.stop(); }

}  // namespace selvage::simulation
