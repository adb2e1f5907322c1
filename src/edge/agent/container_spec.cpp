#include "edge/agent/container_spec.h"

#include "base/encoding.h"
#include "edge/agent/planner.h"
#include "edge/management/module_details.h"
#include "security/sas_signer.h"

namespace selvage::edge::agent {
namespace {

using manifest::Module;

bool is_runtime_module(std::string_view name) { return name == "edgeAgent" || name == "edgeHub"; }

// The path of unix:///path; empty for anything else.
std::string unix_path(std::string_view uri) {
    static constexpr std::string_view kScheme = "unix://";
    return uri.starts_with(kScheme) ? std::string(uri.substr(kScheme.size())) : std::string();
}

JsonObject& object_member(JsonObject& object, std::string_view name) {
    Json& value = object[name];
    if (!value.is_object()) value = JsonObject{};
    return value.get_object();
}

void add_bind(JsonObject& options, const std::string& from, const std::string& to) {
    Json& binds = object_member(options, "HostConfig")["Binds"];
    if (!binds.is_array()) binds = JsonArray{};
    const std::string bind = from + ":" + to;
    for (const Json& existing : binds.get_array())
        if (existing.is_string() && existing.get_string() == bind) return;
    binds.get_array().emplace_back(bind);
}

void add_sockets(JsonObject& options, const Module& module, const AgentEnvironment& agent) {
    const std::string workload = unix_path(agent.module.workload_uri);
    if (!workload.empty()) {
        const std::string folder = unix_path(agent.workload_listen_uri);
        add_bind(options, folder.empty() ? workload : folder + "/" + module.name + ".sock", workload);
    }
    if (module.name == "edgeAgent") {
        const std::string management = unix_path(agent.module.management_uri);
        if (!management.empty()) add_bind(options, management, management);
    }
}

void add_network(JsonObject& options, const Module& module, const AgentEnvironment& agent) {
    if (agent.network_id.empty()) return;
    if (const JsonObject* networking = find_object(options, "NetworkingConfig"))
        if (find_object(*networking, "EndpointsConfig") != nullptr) return;
    JsonObject endpoint;
    // Modules reach the hub by the device's own name.
    if (module.name == "edgeHub" && !agent.module.edge_device_host.empty())
        endpoint["Aliases"] = JsonArray{Json(agent.module.edge_device_host)};
    options["NetworkingConfig"] = JsonObject{{"EndpointsConfig", JsonObject{{agent.network_id, endpoint}}}};
}

JsonObject env_document(const Module& module) {
    JsonObject document;
    for (const auto& [name, value] : module.env) document[name] = JsonObject{{"value", value}};
    return document;
}

void add_labels(JsonObject& options, const Module& module, const std::string& hash, const std::string& generation_id) {
    const std::string create_options = to_text(module.create_options);
    JsonObject& labels = object_member(options, "Labels");
    labels[kAppliedLabel] = hash;
    labels[kGenerationLabel] = generation_id;
    if (module.name != "edgeAgent") return;
    labels[management::kCreateOptionsLabel] = create_options;
    labels[management::kEnvLabel] = to_text(env_document(module));
}

// RuntimeLogLevel as the reference writes it for modules.
std::string level_word(std::string_view level) {
    const std::string lower = to_lower(level);
    if (lower == "verbose" || lower == "trace") return "Verbose";
    if (lower == "debug") return "Debug";
    if (lower == "warning" || lower == "warn") return "Warning";
    if (lower == "error") return "Error";
    if (lower == "fatal") return "Fatal";
    return "Information";
}

std::vector<std::pair<std::string, std::string>> environment(const Module& module, const AgentEnvironment& agent,
                                                             const std::string& generation_id) {
    std::vector<std::pair<std::string, std::string>> env(module.env.begin(), module.env.end());
    // What a manifest says of a name of ours does not count: twice the same name is refused by the daemon for ever.
    const auto add = [&](const char* name, const std::string& value) {
        if (value.empty()) return;
        std::erase_if(env, [name](const auto& entry) { return entry.first == name; });
        env.emplace_back(name, value);
    };
    const bool system = is_runtime_module(module.name);
    add("IOTEDGE_WORKLOADURI", agent.module.workload_uri);
    add("IOTEDGE_AUTHSCHEME", "sasToken");
    add("IOTEDGE_MODULEGENERATIONID", generation_id);
    add("IOTEDGE_IOTHUBHOSTNAME", agent.module.iothub_host);
    // The same name means the parent in system modules and this device in the others.
    if (system) {
        add("EdgeDeviceHostName", agent.module.edge_device_host);
        add("IOTEDGE_GATEWAYHOSTNAME", agent.module.gateway_host);
    } else {
        add("IOTEDGE_GATEWAYHOSTNAME", agent.module.edge_device_host);
        add("IOTEDGE_PARENTHOSTNAME", agent.module.gateway_host);
    }
    add("IOTEDGE_DEVICEID", agent.module.device_id);
    add("IOTEDGE_MODULEID", manifest::identity_name(module.name));
    if (!module.env.contains("RuntimeLogLevel")) add("RuntimeLogLevel", level_word(agent.runtime_log_level));
    bool has_protocol = false;
    for (const auto& entry : module.env) has_protocol = has_protocol || equals_ignoring_case(entry.first, "UpstreamProtocol");
    if (!has_protocol) add("UpstreamProtocol", agent.upstream_protocol);
    if (module.name == "edgeAgent") {
        add("IOTEDGE_MANAGEMENTURI", agent.module.management_uri);
        add("NetworkId", agent.network_id);
        add("IOTEDGE_WORKLOADLISTEN_MNTURI", agent.workload_listen_uri);
        add("Mode", "iotedged");
    }
    add("IOTEDGE_APIVERSION", agent.module.api_version);
    return env;
}

JsonObject registry_auth(const Module& module, const manifest::Deployment& deployment) {
    const std::string registry = manifest::registry_of(module.image);
    for (const auto& credential : deployment.registries)
        if (!registry.empty() && equals_ignoring_case(credential.address, registry))
            return {{"username", credential.username}, {"password", credential.password}, {"serveraddress", credential.address}};
    return {};
}

// The deployment's loggingOptions, unless the module brings its own.
JsonObject with_logging(const Module& module, const manifest::Deployment& deployment) {
    JsonObject options = module.create_options;
    if (deployment.logging_options.empty()) return options;
    JsonObject& host = object_member(options, "HostConfig");
    if (find(host, "LogConfig") == nullptr) host["LogConfig"] = deployment.logging_options;
    return options;
}

}  // namespace

management::ModuleSpec container_spec(const Module& module, const manifest::Deployment& deployment,
                                      const AgentEnvironment& agent, const std::string& generation_id) {
    management::ModuleSpec spec;
    spec.name = module.name;
    spec.image = module.image;
    spec.digest = module.digest;
    spec.image_pull_policy = module.pull_policy == manifest::PullPolicy::never ? management::ImagePullPolicy::never
                                                                               : management::ImagePullPolicy::on_create;
    spec.registry_auth = registry_auth(module, deployment);
    spec.create_options = with_logging(module, deployment);
    add_labels(spec.create_options, module, applied_hash(module, deployment, generation_id), generation_id);
    add_sockets(spec.create_options, module, agent);
    add_network(spec.create_options, module, agent);
    spec.env = environment(module, agent, generation_id);
    return spec;
}

std::string applied_hash(const Module& module, const manifest::Deployment& deployment, const std::string& generation_id) {
    const JsonObject made_of{{"image", module.image},
                             {"digest", module.digest},
                             {"version", module.name == "edgeAgent" ? std::string() : module.version},
                             {"createOptions", with_logging(module, deployment)},
                             {"env", env_document(module)},
                             {"generation", module.name == "edgeAgent" ? std::string() : generation_id}};
    return to_hex(security::sha256(manifest::canonical_text(made_of)));
}

}  // namespace selvage::edge::agent
