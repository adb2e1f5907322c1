#include "assembly/agent_process.h"

#include <cstdlib>

#include "async/blocking_pool.h"
#include "base/log.h"
#include "edge/agent/agent.h"
#include "edge/management/management_client.h"

namespace selvage::assembly {
namespace {

// Asks again until the daemon answers: it may be starting, or be replaced right now.
template <class T, class Ask>
async::Awaitable<Result<T>> until_answered(async::TimeSource& time, const char* what, Ask ask) {
    for (;;) {
        Result<T> answer = co_await ask();
        if (answer) co_return answer;
        log::warn("agent.start", "{}: {}; trying again in 2 s", what, answer.error().detail);
        SELVAGE_CO_CHECK(co_await time.sleep_for(std::chrono::seconds(2)));
    }
}

std::uint32_t number(const Variable& variable, std::string_view name, std::uint32_t otherwise) {
    const std::string text = variable(name, "");
    char* end = nullptr;
    const unsigned long value = std::strtoul(text.c_str(), &end, 10);
    if (text.empty()) return otherwise;
    if (*end != '\0' || value > 1'000'000'000) {
        log::warn("agent.start", "{}={} is not a whole number; using {}", name, text, otherwise);
        return otherwise;
    }
    return static_cast<std::uint32_t>(value);
}

edge::agent::AgentSettings read_settings(const Variable& variable) {
    edge::agent::AgentSettings settings;
    settings.restarts.cool_off_unit = std::chrono::seconds(number(variable, "CoolOffTimeUnitInSeconds", 10));
    settings.restarts.intensive_care = std::chrono::minutes(number(variable, "IntensiveCareTimeInMinutes", 10));
    settings.restarts.restarts_max = number(variable, "MaxRestartCount", 0);
    settings.twin_refresh = std::chrono::seconds(number(variable, "ConfigRefreshFrequencySecs", 3600));
    return settings;
}

}  // namespace

struct AgentProcess::Parts {
    Parts(Surroundings given, net::Dialer& given_dialer, AgentEnvironmentOf given_environment)
        : around(std::move(given)),
          dialer(given_dialer),
          environment(std::move(given_environment)),
          pool("files", 1),
          daemon(dialer, around.client_time, environment.module.management_uri),
          workload(dialer, around.client_time, environment.module),
          tokens(edge::token_source_from_workload(workload)) {}

    edge::agent::AgentEnvironment agent_environment() const {
        edge::agent::AgentEnvironment given;
        given.module = environment.module;
        given.network_id = environment.variable("NetworkId", "");
        given.workload_listen_uri = environment.variable("IOTEDGE_WORKLOADLISTEN_MNTURI", "");
        given.runtime_log_level = environment.variable("RuntimeLogLevel", "");
        given.upstream_protocol = environment.variable("UpstreamProtocol", "");
        return given;
    }

    Surroundings around;
    net::Dialer& dialer;
    AgentEnvironmentOf environment;
    async::BlockingPool pool;
    edge::management::ManagementClient daemon;
    edge::WorkloadClient workload;
    std::unique_ptr<device_client::TokenSource> tokens;
    std::unique_ptr<edge::agent::DeploymentSource> source;
    std::unique_ptr<edge::agent::Agent> agent;
};

AgentProcess::AgentProcess(Surroundings around, net::Dialer& dialer, AgentEnvironmentOf environment)
    : parts_(std::make_unique<Parts>(std::move(around), dialer, std::move(environment))) {}
AgentProcess::~AgentProcess() = default;

async::Awaitable<Result<>> AgentProcess::start() {
    Parts& parts = *parts_;
    auto& around = parts.around;
    const auto& module = parts.environment.module;
    SELVAGE_CO_TRY(const auto bundle, co_await until_answered<std::string>(around.client_time, "trust bundle", [&parts] {
        return parts.workload.trust_bundle();
    }));
    SELVAGE_CO_TRY(const auto info, co_await until_answered<JsonObject>(around.client_time, "system info", [&parts] {
        return parts.daemon.system_info();
    }));
    auto tls = net::TlsClientContext::make(bundle, true);
    if (!tls) co_return fail(tls.error().in("trust bundle"));

    edge::agent::AgentSettings settings = read_settings(parts.environment.variable);
    settings.platform = {std::string(find_text(info, "osType", "Linux")), std::string(find_text(info, "architecture")),
                         std::string(find_text(info, "version"))};
    parts.source = std::make_unique<edge::agent::DeploymentSource>(
        parts.pool, around.random, parts.workload, parts.environment.variable("StorageFolder", "/tmp") + "/edgeAgent",
        edge::manifest::Surroundings{module.gateway_host});
    device_client::ClientSettings client;
    client.identity = domain::Identity::of_module(module.device_id, module.module_id);
    client.hub_host = module.iothub_host;
    client.target.host = module.gateway_host.empty() ? module.iothub_host : module.gateway_host;
    client.target.port = parts.environment.hub_mqtt_port;
    client.target.tls = *tls;
    client.product_info = "EdgeAgent/" + parts.environment.version;
    parts.agent = std::make_unique<edge::agent::Agent>(
        around.loop, around.time, around.random, parts.daemon, *parts.source,
        edge::agent::HubAccess{parts.dialer, *parts.tokens, std::move(client)}, parts.agent_environment(), std::move(settings));
    parts.agent->start();
    log::info("agent.start", "started device={} hub={}", module.device_id, module.iothub_host);
    co_return Result<>{};
}

async::Awaitable<> AgentProcess::stop() {
    if (parts_->agent) co_await parts_->agent->stop();
}

}  // namespace selvage::assembly
