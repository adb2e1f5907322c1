#include "edge/daemon/agent_spec.h"

#include <fmt/core.h>

#include <map>

#include "base/encoding.h"
#include "edge/management/management_client.h"
#include "edge/management/module_details.h"

namespace selvage::edge::daemon {
namespace {

JsonObject& object_member(JsonObject& parent, std::string_view key) {
    Json& value = parent[key];
    if (!value.is_object()) value = JsonObject();
    return value.as_object();
}

void add_bind(JsonObject& options, const std::string& bind) {
    Json& binds = object_member(options, "HostConfig")["Binds"];
    if (!binds.is_array()) binds = JsonArray();
    for (const Json& entry : binds.as_array())
        if (entry.is_string() && std::string_view(entry.as_string()) == bind) return;
    binds.as_array().push_back(Json(bind));
}

std::map<std::string, std::string> environment(const config::SuperConfig& config, const std::string& sockets_folder,
                                               const std::string& generation_id) {
    std::map<std::string, std::string> env(config.agent.env.begin(), config.agent.env.end());
    env["EdgeDeviceHostName"] = config.hostname;
    env["IOTEDGE_APIVERSION"] = management::kApiVersion;
    env["IOTEDGE_AUTHSCHEME"] = "sasToken";
    env["IOTEDGE_DEVICEID"] = config.provisioning.device_id;
    env["IOTEDGE_IOTHUBHOSTNAME"] = config.provisioning.iothub_hostname;
    if (!equals_ignoring_case(config.gateway_host(), config.provisioning.iothub_hostname))
        env["IOTEDGE_GATEWAYHOSTNAME"] = config.gateway_host();
    env["IOTEDGE_MODULEID"] = kAgentIdentity;
    env["IOTEDGE_MODULEGENERATIONID"] = generation_id;
    env["IOTEDGE_WORKLOADURI"] = config.connect_workload_uri;
    env["IOTEDGE_MANAGEMENTURI"] = config.connect_management_uri;
    env["IOTEDGE_WORKLOADLISTEN_MNTURI"] = "unix://" + sockets_folder;
    env["Mode"] = "iotedged";
    env["NetworkId"] = config.network.name;
    return env;
}

}  // namespace

management::ModuleSpec agent_spec(const config::SuperConfig& config, const std::string& sockets_folder,
                                  const std::string& generation_id) {
    management::ModuleSpec spec = config.agent;
    const auto env = environment(config, sockets_folder, generation_id);
    spec.env.assign(env.begin(), env.end());

    // The URIs were checked when the configuration was read.
    const std::string management_inside = management::socket_path_of(config.connect_management_uri).value_or("");
    const std::string workload_inside = management::socket_path_of(config.connect_workload_uri).value_or("");
    JsonObject& options = spec.create_options;
    add_bind(options, fmt::format("{}:{}", config.listen_management_path, management_inside));
    add_bind(options, fmt::format("{}/{}.sock:{}", sockets_folder, kAgentContainer, workload_inside));
    JsonObject& endpoints = object_member(object_member(options, "NetworkingConfig"), "EndpointsConfig");
    if (!endpoints.contains(config.network.name)) endpoints[config.network.name] = JsonObject();
    JsonObject& labels = object_member(options, "Labels");
    labels[management::kCreateOptionsLabel] = "{}";
    labels[management::kEnvLabel] = "{}";
    return spec;
}

}  // namespace selvage::edge::daemon
