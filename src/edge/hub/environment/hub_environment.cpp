#include "edge/hub/environment/hub_environment.h"

#include <limits>
#include <map>

#include "base/encoding.h"
#include "codec/connection_string/connection_string.h"
#include "domain/identity.h"

namespace selvage::edge::hub {
namespace {

using namespace std::chrono_literals;

constexpr std::int64_t kDefaultStorageBytes = 1LL << 30;
constexpr std::int64_t kSmallestStorageBytes = 1LL << 20;

Result<> read_identity(const Variables& variables, HubEnvironment& environment) {
    const auto connection = variables.text("IotHubConnectionString");
    if (connection.empty()) {
        const auto get = [&variables, kept = std::map<std::string, std::string>()](const char* name) mutable -> const char* {
            auto& value = kept[name] = variables.text(name);
            return value.empty() ? nullptr : value.c_str();
        };
        SELVAGE_TRY(environment.module, edge::read_module_environment(get));
        return {};
    }
    auto parsed = codec::parse_connection_string(connection);
    if (!parsed) return fail(parsed.error().in("IotHubConnectionString"));
    if (parsed->module_id != domain::kEdgeHubModule)
        return fail(Errc::invalid_argument, "IotHubConnectionString: ModuleId must be $edgeHub");
    if (parsed->key.empty()) return fail(Errc::invalid_argument, "IotHubConnectionString: SharedAccessKey is missing");
    environment.module.iothub_host = parsed->host_name;
    environment.module.gateway_host = parsed->gateway_host_name;
    environment.module.device_id = parsed->device_id;
    environment.module.module_id = parsed->module_id;
    environment.module.edge_device_host = variables.text("EdgeDeviceHostName");
    DeveloperMode developer{.key = parsed->key,
                            .certificate_file = variables.text("EdgeHubDevServerCertificateFile"),
                            .private_key_file = variables.text("EdgeHubDevServerPrivateKeyFile"),
                            .trust_bundle_file = variables.text("EdgeHubDevTrustBundleFile")};
    for (const auto& [name, value] : {std::pair("EdgeHubDevServerCertificateFile", &developer.certificate_file),
                                      std::pair("EdgeHubDevServerPrivateKeyFile", &developer.private_key_file),
                                      std::pair("EdgeHubDevTrustBundleFile", &developer.trust_bundle_file)})
        if (value->empty())
            return fail(Errc::invalid_argument, std::string(name) + " is not set; IotHubConnectionString needs it");
    environment.developer = std::move(developer);
    return {};
}

Result<> read_upstream(const Variables& variables, HubEnvironment& environment) {
    auto& hub = environment.hub;
    const auto& module = environment.module;
    hub.edge_device = module.device_id;
    hub.hub_host = module.iothub_host;
    hub.edge_host = module.edge_device_host;
    if (hub.edge_host.empty())
        return fail(Errc::invalid_argument, "EdgeDeviceHostName is not set: it is the name that clients dial");
    const auto above = module.gateway_host.empty() ? module.iothub_host : module.gateway_host;
    SELVAGE_TRY(const auto mqtt_port, variables.number("UpstreamMqttPort", 8883, 1, 65535));
    SELVAGE_TRY(const auto https_port, variables.number("UpstreamHttpsPort", 443, 1, 65535));
    hub.upstream_mqtt.host = above;
    hub.upstream_mqtt.port = static_cast<std::uint16_t>(mqtt_port);
    hub.upstream_https.host = above;
    hub.upstream_https.port = static_cast<std::uint16_t>(https_port);
    SELVAGE_TRY(hub.upstream_patience, variables.seconds("CloudOperationTimeoutSecs", 20s));
    SELVAGE_TRY(const auto reconnect_max, variables.number("UpstreamReconnectMaxSecs", 60, 1, 3600));
    hub.upstream_reconnect_max = std::chrono::seconds(reconnect_max);
    SELVAGE_TRY(hub.upstream_idle_close, variables.seconds("CloudConnectionIdleTimeoutSecs", 3600s));
    SELVAGE_TRY(const auto close_idle, variables.flag("CloseCloudConnectionOnIdleTimeout", true));
    if (!close_idle) hub.upstream_idle_close = 24h * 365 * 100;
    SELVAGE_TRY(hub.scope.refresh_every, variables.seconds("DeviceScopeCacheRefreshRateSecs", 3600s));
    SELVAGE_TRY(hub.scope.identity_pause, variables.seconds("DeviceScopeCacheRefreshDelaySecs", 120s));
    hub.scope.refresh_pause = hub.scope.identity_pause;
    SELVAGE_TRY(hub.configuration_refresh, variables.seconds("ConfigRefreshFrequencySecs", 3600s));
    return {};
}

Result<> read_listening(const Variables& variables, HubEnvironment& environment) {
    SELVAGE_TRY(environment.mqtt_enabled, variables.flag("MqttSettings__Enabled", true));
    environment.mqtt_address = variables.text("MqttSettings__Address");
    SELVAGE_TRY(const auto port, variables.number("MqttSettings__Port", 8883, 0, 65535));
    environment.mqtt_port = static_cast<std::uint16_t>(port);
    SELVAGE_TRY(environment.amqp_enabled, variables.flag("AmqpSettings__Enabled", true));
    environment.amqp_address = variables.text("AmqpSettings__Address", environment.mqtt_address);
    SELVAGE_TRY(const auto amqp_port, variables.number("AmqpSettings__Port", 5671, 0, 65535));
    environment.amqp_port = static_cast<std::uint16_t>(amqp_port);
    SELVAGE_TRY(environment.https_enabled, variables.flag("HttpSettings__Enabled", true));
    environment.https_address = variables.text("HttpSettings__Address", environment.mqtt_address);
    SELVAGE_TRY(const auto https_port, variables.number("HttpSettings__Port", 443, 0, 65535));
    environment.https_port = static_cast<std::uint16_t>(https_port);
    SELVAGE_TRY(environment.connect_timeout, variables.duration("MqttSettings__ConnectArrivalTimeout", 60s));
    SELVAGE_TRY(environment.keep_alive_max, variables.duration("MqttSettings__MaxKeepAliveTimeout", 600s));
    SELVAGE_TRY(const auto clients, variables.number("MaxConnectedClients", 100, 1, 1'000'000));
    environment.hub.clients_max = static_cast<std::size_t>(clients);
    return {};
}

Result<> read_storage(const Variables& variables, HubEnvironment& environment) {
    auto folder = variables.text("StorageFolder", "/tmp");
    while (folder.size() > 1 && folder.ends_with('/')) folder.pop_back();
    environment.storage_folder = folder + "/edgeHub";
    SELVAGE_TRY(const auto bytes, variables.number("StorageLimitBytes", kDefaultStorageBytes, kSmallestStorageBytes,
                                                   std::numeric_limits<std::int64_t>::max()));
    environment.storage_bytes_max = static_cast<std::uint64_t>(bytes);
    const auto durability = variables.text("StorageDurability", "power");
    if (!equals_ignoring_case(durability, "power") && !equals_ignoring_case(durability, "process"))
        return fail(Errc::invalid_argument, "StorageDurability=" + durability + ": must be power or process");
    environment.durability =
        equals_ignoring_case(durability, "power") ? storage::Durability::power : storage::Durability::process;
    const auto level = variables.text("RuntimeLogLevel", "info");
    if (!log::parse_level(level, environment.log_level))
        return fail(Errc::invalid_argument,
                    "RuntimeLogLevel=" + level + ": must be fatal, error, warning, info, debug or verbose");
    return {};
}

}  // namespace

Result<HubEnvironment> read_hub_environment(const Variables& variables, VersionInfo version) {
    HubEnvironment environment;
    SELVAGE_CHECK(read_identity(variables, environment));
    SELVAGE_CHECK(read_upstream(variables, environment));
    SELVAGE_CHECK(read_listening(variables, environment));
    SELVAGE_CHECK(read_storage(variables, environment));
    environment.hub.version = std::move(version);
    return environment;
}

}  // namespace selvage::edge::hub
