#include "dev/device/virtual_modules.h"

#include <fmt/core.h>

#include <algorithm>

#include "assembly/agent_process.h"
#include "assembly/edge_process.h"
#include "base/encoding.h"
#include "edge/workload/workload_client.h"

// A module of ours that lies outside src/.
#include <simulated_temperature_sensor/sensor.h>

namespace selvage::dev {
namespace {

enum class Image { agent, hub, sensor };

std::optional<Image> image_of(std::string_view text) {
    std::string_view last = text.substr(text.rfind('/') + 1);
    last = last.substr(0, last.find_first_of(":@"));
    constexpr std::string_view kTheirs = "azureiotedge-";
    if (last.starts_with(kTheirs)) last.remove_prefix(kTheirs.size());
    if (last == "edge-agent" || last == "agent") return Image::agent;
    if (last == "edge-hub" || last == "hub") return Image::hub;
    if (last == "simulated-temperature-sensor") return Image::sensor;
    return std::nullopt;
}

// Null when unset. Names in any case, as the modules of the reference take them.
const char* variable(const ModuleVariables& variables, std::string_view name) {
    for (const auto& [key, value] : variables)
        if (equals_ignoring_case(key, name)) return value.c_str();
    return nullptr;
}

void set_if_absent(ModuleVariables& variables, const char* name, std::string value) {
    if (variable(variables, name) == nullptr) variables.emplace_back(name, std::move(value));
}

class AgentModule final : public VirtualModule {
public:
    AgentModule(VirtualDevice& device, edge::ModuleEnvironment environment, ModuleVariables variables)
        : agent_(device.around, device.uplink,
                 {.module = std::move(environment),
                  .variable =
                      [variables = std::move(variables)](std::string_view name, std::string_view otherwise) {
                          const char* value = variable(variables, name);
                          return std::string(value == nullptr ? otherwise : value);
                      },
                  .version = kVersion,
                  .hub_mqtt_port = device.cloud.mqtt_port}) {}
    Awaitable<Result<>> start() override { return agent_.start(); }
    Awaitable<> stop() override { return agent_.stop(); }

private:
    assembly::AgentProcess agent_;
};

class HubModule final : public VirtualModule {
public:
    HubModule(VirtualDevice& device, edge::hub::HubEnvironment environment)
        : device_(device), hub_(device.around, device.uplink, std::move(environment)) {}

    Awaitable<Result<>> start() override {
        opened_ = true;
        SELVAGE_CO_CHECK(hub_.open_stores());
        SELVAGE_CO_CHECK(co_await hub_.start());
        // Ports that were free once are kept: clients know them now.
        device_.edge = hub_.listening_at();
        device_.hub_listens.set();
        co_return Result<>();
    }
    Awaitable<> stop() override {
        if (!opened_) co_return;
        device_.hub_listens.reset();
        co_await hub_.stop();
    }

private:
    VirtualDevice& device_;
    assembly::EdgeProcess hub_;
    bool opened_ = false;
};

class SensorModule final : public VirtualModule {
public:
    SensorModule(VirtualDevice& device, edge::ModuleEnvironment environment, temperature_sensor::Settings settings)
        : device_(device),
          environment_(std::move(environment)),
          settings_(settings),
          workload_(device.local, device.around.client_time, environment_),
          tokens_(edge::token_source_from_workload(workload_)) {}

    Awaitable<Result<>> start() override {
        co_await device_.hub_listens.wait();
        if (!device_.hub_listens.is_set()) co_return fail(Errc::cancelled, "stopped before there was an edge hub");
        SELVAGE_CO_TRY(const auto bundle, co_await workload_.trust_bundle());
        SELVAGE_CO_TRY(auto tls, net::TlsClientContext::make(bundle, false));
        device_client::ClientSettings client;
        client.identity = domain::Identity::of_module(environment_.device_id, environment_.module_id);
        client.hub_host = environment_.iothub_host;
        client.target.host = environment_.gateway_host;
        client.target.port = device_.edge.mqtt_port;
        client.target.tls = std::move(tls);
        client.product_info = "selvage-simulated-temperature-sensor";
        sensor_ = std::make_unique<temperature_sensor::Sensor>(device_.around.loop, device_.around.time, device_.around.random,
                                                               device_.local, *tokens_, std::move(client), settings_);
        sensor_->start();
        co_return Result<>();
    }
    Awaitable<> stop() override {
        if (sensor_) co_await sensor_->stop();
    }

private:
    VirtualDevice& device_;
    edge::ModuleEnvironment environment_;
    temperature_sensor::Settings settings_;
    edge::WorkloadClient workload_;
    std::unique_ptr<device_client::TokenSource> tokens_;
    std::unique_ptr<temperature_sensor::Sensor> sensor_;
};

Result<std::unique_ptr<VirtualModule>> make_hub(VirtualDevice& device, ModuleVariables variables) {
    const auto port = [](std::uint16_t number) { return std::to_string(number); };
    set_if_absent(variables, "MqttSettings__Address", device.edge.address);
    set_if_absent(variables, "MqttSettings__Port", port(device.edge.mqtt_port));
    set_if_absent(variables, "AmqpSettings__Port", port(device.edge.amqp_port));
    set_if_absent(variables, "HttpSettings__Port", port(device.edge.https_port));
    set_if_absent(variables, "UpstreamMqttPort", port(device.cloud.mqtt_port));
    set_if_absent(variables, "UpstreamHttpsPort", port(device.cloud.https_port));
    set_if_absent(variables, "StorageFolder", device.folder);
    edge::hub::VersionInfo version;
    version.version = kVersion;
    SELVAGE_TRY(auto environment, edge::hub::read_hub_environment(edge::hub::Variables(variables), std::move(version)));
    return std::make_unique<HubModule>(device, std::move(environment));
}

}  // namespace

CheckImage virtual_images() {
    return [](const std::string& image) -> Result<> {
        if (image_of(image)) return {};
        return fail(Errc::not_found,
                    fmt::format("image {}: this device runs no containers; it has edge-agent, edge-hub and "
                                "simulated-temperature-sensor, of Selvage or Azure. Run your own module on this machine, with "
                                "the connection string of its identity and GatewayHostName",
                                image));
    };
}

MakeModule virtual_modules(VirtualDevice& device) {
    return [&device](const std::string& text, ModuleVariables variables) -> Result<std::unique_ptr<VirtualModule>> {
        const auto image = image_of(text);
        if (!image) return fail(virtual_images()(text).error());
        const auto get = [&variables](const char* name) { return variable(variables, name); };
        if (*image == Image::hub) return make_hub(device, std::move(variables));
        SELVAGE_TRY(auto environment, edge::read_module_environment(get));
        if (*image == Image::agent) return std::make_unique<AgentModule>(device, std::move(environment), std::move(variables));
        SELVAGE_TRY(const auto settings, temperature_sensor::read_settings(get));
        return std::make_unique<SensorModule>(device, std::move(environment), settings);
    };
}

}  // namespace selvage::dev
