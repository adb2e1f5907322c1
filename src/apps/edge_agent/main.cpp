// edge-agent: the container `edgeAgent`. Reads its environment, builds the object graph, runs it.
#include <boost/asio/io_context.hpp>

#include <unistd.h>

#include <cstdlib>

#include "async/blocking_pool.h"
#include "async/signals.h"
#include "async/task_group.h"
#include "base/encoding.h"
#include "base/log.h"
#include "edge/agent/agent.h"
#include "edge/management/management_client.h"
#include "edge/workload/workload_client.h"
#include "net/dial.h"

namespace selvage {
namespace {

// Names match in any case, as in the reference; the exact one wins.
std::string variable(std::string_view name, const char* otherwise = "") {
    if (const char* value = std::getenv(std::string(name).c_str())) return value;
    for (char** entry = environ; *entry != nullptr; ++entry) {
        const std::string_view text = *entry;
        const std::size_t equals = text.find('=');
        if (equals != std::string_view::npos && equals_ignoring_case(text.substr(0, equals), name))
            return std::string(text.substr(equals + 1));
    }
    return otherwise;
}

std::uint32_t number(std::string_view name, std::uint32_t otherwise) {
    const std::string text = variable(name);
    char* end = nullptr;
    const unsigned long value = std::strtoul(text.c_str(), &end, 10);
    if (text.empty()) return otherwise;
    if (*end != '\0' || value > 1'000'000'000) {
        log::warn("agent.start", "{}={} is not a whole number; using {}", name, text, otherwise);
        return otherwise;
    }
    return static_cast<std::uint32_t>(value);
}

edge::agent::AgentSettings read_settings() {
    edge::agent::AgentSettings settings;
    settings.restarts.cool_off_unit = std::chrono::seconds(number("CoolOffTimeUnitInSeconds", 10));
    settings.restarts.intensive_care = std::chrono::minutes(number("IntensiveCareTimeInMinutes", 10));
    settings.restarts.restarts_max = number("MaxRestartCount", 0);
    settings.twin_refresh = std::chrono::seconds(number("ConfigRefreshFrequencySecs", 3600));
    return settings;
}

// Asks again until the daemon answers: it may be starting, or be replaced right now.
template <class T, class Ask>
async::Awaitable<std::optional<T>> until_answered(async::TimeSource& time, const char* what, Ask ask) {
    for (;;) {
        Result<T> answer = co_await ask();
        if (answer) co_return *std::move(answer);
        log::warn("agent.start", "{}: {}; trying again in 2 s", what, answer.error().detail);
        if (!co_await time.sleep_for(std::chrono::seconds(2))) co_return std::nullopt;
    }
}

async::Awaitable<int> run(async::Executor loop, edge::ModuleEnvironment environment) {
    async::SystemTime time;
    SystemRandom random;
    async::BlockingPool pool("files", 1);
    const auto dialer = net::make_dialer(time);
    edge::management::ManagementClient daemon(*dialer, time, environment.management_uri);
    edge::WorkloadClient workload(*dialer, time, environment);

    const auto bundle =
        co_await until_answered<std::string>(time, "trust bundle", [&] { return workload.trust_bundle(); });
    const auto info = co_await until_answered<JsonObject>(time, "system info", [&] { return daemon.system_info(); });
    if (!bundle || !info) co_return 0;
    auto tls = net::TlsClientContext::make(*bundle, true);
    if (!tls) {
        log::error("agent.start", "trust bundle: {}", tls.error().detail);
        co_return 1;
    }

    edge::agent::AgentEnvironment agent;
    agent.module = environment;
    agent.network_id = variable("NetworkId");
    agent.workload_listen_uri = variable("IOTEDGE_WORKLOADLISTEN_MNTURI");
    agent.runtime_log_level = variable("RuntimeLogLevel");
    agent.upstream_protocol = variable("UpstreamProtocol");

    edge::agent::AgentSettings settings = read_settings();
    settings.platform = {std::string(find_text(*info, "osType", "Linux")), std::string(find_text(*info, "architecture")),
                         std::string(find_text(*info, "version"))};

    edge::agent::DeploymentSource source(pool, random, workload, variable("StorageFolder", "/tmp") + "/edgeAgent",
                                         {environment.gateway_host});
    const auto tokens = edge::token_source_from_workload(workload);
    device_client::ClientSettings client;
    client.identity = domain::Identity::of_module(environment.device_id, environment.module_id);
    client.hub_host = environment.iothub_host;
    client.target.host = environment.gateway_host.empty() ? environment.iothub_host : environment.gateway_host;
    client.target.port = 8883;
    client.target.tls = *tls;
    client.product_info = fmt::format("EdgeAgent/{}", SELVAGE_VERSION);

    edge::agent::Agent instance(loop, time, random, daemon, source, {*dialer, *tokens, std::move(client)},
                                std::move(agent), std::move(settings));
    instance.start();
    log::info("agent.start", "started device={} hub={}", environment.device_id, environment.iothub_host);
    const int signal = co_await async::wait_for_stop_signal();
    log::info("agent.stop", "stopping signal={}", signal);
    co_await instance.stop();
    co_return 0;
}

}  // namespace
}  // namespace selvage

int main() {
    using namespace selvage;
    log::Level level = log::Level::info;
    log::parse_level(variable("RuntimeLogLevel", "info"), level);
    log::start(level);
    auto environment = edge::read_module_environment([](const char* name) -> const char* { return std::getenv(name); });
    if (!environment) {
        log::error("agent.start", "{}", environment.error().detail);
        return 1;
    }
    boost::asio::io_context loop(1);
    int code = 0;
    const auto root = [&]() -> async::Awaitable<> { code = co_await run(loop.get_executor(), *environment); };
    async::spawn_root(loop.get_executor(), root(), [] {});
    loop.run();
    return code;
}
