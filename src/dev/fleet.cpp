#include "dev/fleet.h"

#include <fmt/core.h>

#include "codec/connection_string/connection_string.h"

namespace selvage::dev {
namespace {

using async::Awaitable;

std::string key_of(const JsonObject& identity) {
    const auto* authentication = find_object(identity, "authentication");
    const auto* keys = authentication == nullptr ? nullptr : find_object(*authentication, "symmetricKey");
    return std::string(keys == nullptr ? "" : find_text(*keys, "primaryKey"));
}

Awaitable<Result<JsonObject>> device(cloud::registry::Registry& registry, std::string id, JsonObject body) {
    auto known = co_await registry.device(id);
    if (known || known.error().code != Errc::device_not_found) co_return known;
    co_return co_await registry.put_device(std::move(id), std::move(body), {});
}

Awaitable<Result<JsonObject>> module(cloud::registry::Registry& registry, std::string device_id, std::string id) {
    auto known = co_await registry.module(device_id, id);
    if (known || known.error().code != Errc::module_not_found) co_return known;
    co_return co_await registry.put_module(std::move(device_id), std::move(id), JsonObject(), {});
}

Json value(std::string text) { return JsonObject{{"value", std::move(text)}}; }

JsonObject entry(const char* image, int order, JsonObject env) {
    return {{"version", "1.0"},
            {"type", "docker"},
            {"status", "running"},
            {"restartPolicy", "always"},
            {"imagePullPolicy", "never"},
            {"startupOrder", order},
            {"settings", JsonObject{{"image", image}}},
            {"env", std::move(env)}};
}

// .NET's form, as the sensor reads it: d.hh:mm:ss.fff
std::string time_span(Duration duration) {
    const auto total = std::chrono::duration_cast<std::chrono::milliseconds>(duration).count();
    return fmt::format("{}.{:02}:{:02}:{:02}.{:03}", total / 86'400'000, total / 3'600'000 % 24, total / 60'000 % 60,
                       total / 1000 % 60, total % 1000);
}

codec::ConnectionString client_of(const std::string& hub_host, std::string device_id) {
    codec::ConnectionString text;
    text.host_name = hub_host;
    text.device_id = std::move(device_id);
    return text;
}

std::string sensor_name(std::size_t number) { return fmt::format("sensor{}", number); }

}  // namespace

JsonObject deployment(const Options& options, bool durable) {
    JsonObject modules;
    for (std::size_t i = 1; i <= options.sensors; ++i)
        modules[sensor_name(i)] =
            entry("selvage/simulated-temperature-sensor:dev", 1,
                  {{"MessageDelay", value(time_span(options.interval))}, {"MessageCount", value("-1")}});
    const auto clients = options.sensors + options.devices + 100;
    JsonObject hub_env{{"MaxConnectedClients", value(std::to_string(clients))}};
    if (!durable) hub_env["StorageDurability"] = value("process");
    // As the daemon has it from its own configuration, so the agent finds itself as it should be.
    JsonObject agent{{"type", "docker"}, {"settings", JsonObject{{"image", "selvage/edge-agent:dev"}}}};
    JsonObject system{{"edgeAgent", std::move(agent)}, {"edgeHub", entry("selvage/edge-hub:dev", 0, std::move(hub_env))}};
    JsonObject agent_desired{{"schemaVersion", "1.1"},
                             {"runtime", JsonObject{{"type", "docker"}, {"settings", JsonObject{{"minDockerVersion", "v1.25"}}}}},
                             {"systemModules", std::move(system)},
                             {"modules", std::move(modules)}};
    JsonObject hub_desired{{"schemaVersion", "1.1"},
                           {"routes", JsonObject{{"upstream", "FROM /messages/* INTO $upstream"}}},
                           {"storeAndForwardConfiguration", JsonObject{{"timeToLiveSecs", 7200}}}};
    return {{"modulesContent", JsonObject{{"$edgeAgent", JsonObject{{"properties.desired", std::move(agent_desired)}}},
                                          {"$edgeHub", JsonObject{{"properties.desired", std::move(hub_desired)}}}}}};
}

Awaitable<Result<Fleet>> make_fleet(assembly::CloudProcess& hub, Options options, std::string hub_host, bool deploy,
                                    bool durable) {
    Fleet fleet;
    auto& registry = hub.registry();
    SELVAGE_CO_TRY(const auto edge,
                   co_await device(registry, kEdgeDevice, {{"capabilities", JsonObject{{"iotEdge", true}}}}));
    fleet.edge_key = key_of(edge);
    for (std::size_t i = 1; i <= options.devices; ++i) {
        auto text = client_of(hub_host, fmt::format("device{}", i));
        SELVAGE_CO_TRY(const auto plain, co_await device(registry, text.device_id, {}));
        text.key = key_of(plain);
        fleet.devices.push_back({text.device_id, codec::to_text(text)});
        text = client_of(hub_host, fmt::format("leaf{}", i));
        text.gateway_host_name = options.edge_listen;
        JsonObject below{{"deviceScope", find_text(edge, "deviceScope")}};
        SELVAGE_CO_TRY(const auto leaf, co_await device(registry, text.device_id, std::move(below)));
        text.key = key_of(leaf);
        fleet.leaves.push_back({text.device_id, codec::to_text(text)});
    }
    auto text = client_of(hub_host, kEdgeDevice);
    text.gateway_host_name = options.edge_listen;
    text.module_id = "module1";
    SELVAGE_CO_TRY(const auto own, co_await module(registry, kEdgeDevice, text.module_id));
    text.key = key_of(own);
    fleet.module = {text.module_id, codec::to_text(text)};
    if (deploy) {
        for (std::size_t i = 1; i <= options.sensors; ++i) fleet.sensors.push_back(sensor_name(i));
        SELVAGE_CO_CHECK(co_await hub.twins().apply_configuration(kEdgeDevice, deployment(options, durable)));
    }
    co_return fleet;
}

}  // namespace selvage::dev
