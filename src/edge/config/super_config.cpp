// From TOML to SuperConfig, section by section. Key names, defaults and limits are those of Azure/iotedge:
// edgelet/edgelet-settings/src and Azure/iot-identity-service: aziotctl/aziotctl-common/src/config (docs/ops/config.md).

#include "edge/config/super_config.h"

#include <fmt/core.h>

#include "base/encoding.h"
#include "codec/connection_string/connection_string.h"
#include "edge/config/toml_section.h"

namespace selvage::edge::config {
namespace {

// The path of a Unix socket address takes 108 bytes with its end mark.
constexpr std::size_t kSocketPathBytesMax = 107;
constexpr std::int64_t kCloudTimeoutSecondsMin = 70;
constexpr std::string_view kUnixScheme = "unix://";

Result<std::string> file_path(const TomlSection& section, std::string_view key) {
    SELVAGE_TRY(std::string uri, section.text(key));
    if (uri.empty()) return uri;
    auto path = path_of_file_uri(uri);
    if (!path) return fail(section.error(Errc::invalid_argument, key, path.error().detail));
    return *path;
}

// unix:///path. systemd's fd://name forms, which Azure's own defaults have, stand for `otherwise`, the path of that socket.
Result<std::string> socket_path(const TomlSection& section, std::string_view key, const std::string& otherwise) {
    SELVAGE_TRY(std::string uri, section.text(key));
    if (uri.empty() || uri.starts_with("fd://")) return otherwise;
    if (!uri.starts_with(kUnixScheme) || uri.size() <= kUnixScheme.size() || uri[kUnixScheme.size()] != '/')
        return fail(section.error(Errc::invalid_argument, key, "must be unix:///path of a socket"));
    std::string path = uri.substr(kUnixScheme.size());
    if (path.size() > kSocketPathBytesMax)
        return fail(section.error(Errc::invalid_argument, key,
                                  fmt::format("is a path of {} bytes; a Unix socket's may have {}: choose a shorter one",
                                              path.size(), kSocketPathBytesMax)));
    return path;
}

Result<std::string> decode_key(const TomlSection& section, std::string_view key, std::string_view base64) {
    auto bytes = from_base64(base64);
    if (!bytes || bytes->empty())
        return fail(section.error(Errc::invalid_argument, key, "is no base64 of a symmetric key (its text is not shown)"));
    return *bytes;
}

Result<> read_sas(const TomlSection& authentication, Provisioning& provisioning) {
    const toml::node* node = authentication.raw().get("device_id_pk");
    if (node == nullptr || !node->is_table())
        return fail(authentication.error(Errc::invalid_argument, "device_id_pk",
                                         "must be { value = \"<base64 key>\" } or { uri = \"file:///…\" }"));
    const TomlSection key(*node->as_table(), authentication.key_path("device_id_pk"));
    SELVAGE_TRY(std::string value, key.text("value"));
    if (!value.empty()) {
        SELVAGE_TRY(provisioning.key_bytes, decode_key(key, "value", value));
        return {};
    }
    SELVAGE_TRY(std::string uri, key.required_text("uri"));
    if (uri.starts_with("pkcs11:"))
        return fail(key.error(Errc::unsupported, "uri", "names a PKCS#11 key, which this version cannot use; keep it in a file"));
    SELVAGE_TRY(provisioning.key_path, file_path(key, "uri"));
    return {};
}

Result<Provisioning> read_provisioning(const TomlSection& root) {
    SELVAGE_TRY(auto found, root.table("provisioning"));
    if (!found) return fail(root.error(Errc::invalid_argument, "provisioning", "is missing: say how this device finds its hub"));
    const TomlSection& section = *found;
    SELVAGE_TRY(const std::string source, section.required_text("source"));
    if (source == "dps" || source == "none")
        return fail(section.error(Errc::unsupported, "source", fmt::format("= \"{}\" is not known to this version; use \"manual\"", source)));
    if (source != "manual")
        return fail(section.error(Errc::invalid_argument, "source", "must be \"manual\", \"dps\" or \"none\""));

    Provisioning provisioning;
    SELVAGE_TRY(const std::string text, section.text("connection_string"));
    if (!text.empty()) {
        const auto parsed = codec::parse_connection_string(text);
        if (!parsed) return fail(section.error(Errc::invalid_argument, "connection_string", ": " + parsed.error().detail));
        if (parsed->device_id.empty() || !parsed->module_id.empty())
            return fail(section.error(Errc::invalid_argument, "connection_string",
                                      ": it must be that of a device (required parameter \"DeviceId\", no ModuleId)"));
        provisioning.iothub_hostname = parsed->host_name;
        provisioning.device_id = parsed->device_id;
        SELVAGE_TRY(provisioning.key_bytes, decode_key(section, "connection_string", parsed->key));
        return provisioning;
    }
    SELVAGE_TRY(provisioning.iothub_hostname, section.required_text("iothub_hostname"));
    SELVAGE_TRY(provisioning.device_id, section.required_text("device_id"));
    SELVAGE_TRY(auto authentication, section.table("authentication"));
    if (!authentication) return fail(section.error(Errc::invalid_argument, "authentication", "is missing"));
    SELVAGE_TRY(const std::string method, authentication->required_text("method"));
    if (method == "x509")
        return fail(authentication->error(Errc::unsupported, "method", "= \"x509\" is not known to this version; use \"sas\""));
    if (method != "sas") return fail(authentication->error(Errc::invalid_argument, "method", "must be \"sas\" or \"x509\""));
    SELVAGE_CHECK(read_sas(*authentication, provisioning));
    return provisioning;
}

// "80%", of the certificate's lifetime.
Result<unsigned> read_renewal(const TomlSection& edge_ca) {
    SELVAGE_TRY(auto renew, edge_ca.table("auto_renew"));
    if (!renew) return 80u;
    SELVAGE_TRY(const bool rotate, renew->flag("rotate_key", true));
    if (!rotate) return fail(renew->error(Errc::unsupported, "rotate_key", "must be true: a new certificate gets a new key"));
    SELVAGE_TRY(const std::string threshold, renew->text("threshold", "80%"));
    unsigned percent = 0;
    for (const char c : std::string_view(threshold).substr(0, threshold.size() - 1)) {
        if (c < '0' || c > '9' || percent > 99) return fail(renew->error(Errc::unsupported, "threshold", "must be a percentage, such as \"80%\""));
        percent = percent * 10 + static_cast<unsigned>(c - '0');
    }
    if (!threshold.ends_with('%') || percent < 1 || percent > 99)
        return fail(renew->error(Errc::unsupported, "threshold", "must be a percentage from \"1%\" to \"99%\""));
    return percent;
}

Result<EdgeCaSettings> read_edge_ca(const TomlSection& root) {
    EdgeCaSettings settings;
    SELVAGE_TRY(auto section, root.table("edge_ca"));
    if (!section) return settings;
    SELVAGE_TRY(const std::string method, section->text("method"));
    if (method == "est" || method == "local_ca")
        return fail(section->error(Errc::unsupported, "method", fmt::format("= \"{}\" is not known to this version; use \"self_signed\" or files", method)));
    if (!method.empty() && method != "self_signed")
        return fail(section->error(Errc::invalid_argument, "method", "must be \"est\", \"local_ca\" or \"self_signed\""));
    if (method.empty() && (section->has("cert") || section->has("pk"))) {
        SELVAGE_TRY(settings.certificate_path, file_path(*section, "cert"));
        SELVAGE_TRY(settings.key_path, file_path(*section, "pk"));
        if (settings.certificate_path.empty() || settings.key_path.empty())
            return fail(section->error(Errc::invalid_argument, settings.key_path.empty() ? "pk" : "cert", "is missing: cert and pk belong together"));
        return settings;
    }
    const std::string_view days_key = method.empty() ? "auto_generated_edge_ca_expiry_days" : "expiry_days";
    if (method.empty() && !section->has(days_key))
        return fail(section->error(Errc::invalid_argument, days_key, "is missing (or give cert and pk, or a method)"));
    SELVAGE_TRY(const std::int64_t days, section->integer(days_key, 30, 1, 36'500));
    settings.expiry = std::chrono::days(days);
    SELVAGE_TRY(settings.common_name, section->text("common_name"));
    SELVAGE_TRY(auto subject, section->table("subject"));
    if (subject) { SELVAGE_TRY(settings.common_name, subject->text("CN", settings.common_name)); }
    SELVAGE_TRY(settings.renew_at_percent, read_renewal(*section));
    return settings;
}

// `$upstream` in front stands for the parent, or the hub where there is none.
std::string resolve_upstream(std::string text, const std::string& gateway) {
    constexpr std::string_view kUpstream = "$upstream";
    if (text.starts_with(kUpstream)) text.replace(0, kUpstream.size(), gateway);
    return text;
}

Result<> read_agent_config(const TomlSection& section, const std::string& gateway, management::ModuleSpec& agent) {
    SELVAGE_TRY(std::string image, section.required_text("image"));
    agent.image = resolve_upstream(std::move(image), gateway);
    SELVAGE_TRY(agent.digest, section.text("digest"));
    SELVAGE_TRY(auto options, section.table("createOptions"));
    if (options) agent.create_options = to_json(options->raw()).as_object();
    SELVAGE_TRY(auto auth, section.table("auth"));
    if (!auth) return {};
    for (const std::string_view key : {"serveraddress", "username", "password", "email"}) {
        SELVAGE_TRY(std::string value, auth->text(key));
        if (key == "serveraddress") value = resolve_upstream(std::move(value), gateway);
        if (!value.empty()) agent.registry_auth[key] = value;
    }
    return {};
}

Result<management::ModuleSpec> read_agent(const TomlSection& root, const std::string& gateway) {
    management::ModuleSpec agent;
    agent.name = "edgeAgent";
    agent.image = "mcr.microsoft.com/azureiotedge-agent:1.6";
    SELVAGE_TRY(auto section, root.table("agent"));
    if (!section) return agent;
    SELVAGE_TRY(agent.name, section->required_text("name"));
    if (agent.name != "edgeAgent") return fail(section->error(Errc::invalid_argument, "name", "must be \"edgeAgent\""));
    SELVAGE_TRY(agent.type, section->required_text("type"));
    if (agent.type != "docker") return fail(section->error(Errc::invalid_argument, "type", "must be \"docker\""));
    SELVAGE_TRY(const std::string policy, section->text("imagePullPolicy", "on-create"));
    if (policy != "on-create" && policy != "never")
        return fail(section->error(Errc::invalid_argument, "imagePullPolicy", "must be \"on-create\" or \"never\""));
    SELVAGE_TRY(agent.image_pull_policy, management::parse_image_pull_policy(policy));
    SELVAGE_TRY(auto config, section->table("config"));
    if (!config) return fail(section->error(Errc::invalid_argument, "config", "is missing"));
    SELVAGE_CHECK(read_agent_config(*config, gateway, agent));
    SELVAGE_TRY(auto env, section->table("env"));
    if (!env) return agent;
    for (const auto& [key, node] : env->raw()) {
        SELVAGE_TRY(std::string value, env->text(key.str()));
        agent.env.emplace_back(std::string(key.str()), std::move(value));
    }
    return agent;
}

Result<> read_sockets(const TomlSection& root, SuperConfig& config) {
    SELVAGE_TRY(auto listen, root.table("listen"));
    if (listen) {
        SELVAGE_TRY(config.listen_management_path, socket_path(*listen, "management_uri", config.listen_management_path));
        SELVAGE_TRY(config.listen_workload_path, socket_path(*listen, "workload_uri", config.listen_workload_path));
    }
    // A deployed edgeAgent mounts the management socket under the path that it knows it by, so both sides must agree.
    config.connect_management_uri = fmt::format("{}{}", kUnixScheme, config.listen_management_path);
    SELVAGE_TRY(auto connect, root.table("connect"));
    if (connect) {
        SELVAGE_TRY(const std::string management, connect->required_text("management_uri"));
        SELVAGE_TRY(const std::string workload, connect->required_text("workload_uri"));
        for (const std::string_view key : {"management_uri", "workload_uri"}) {
            const std::string& uri = key == "management_uri" ? management : workload;
            if (!uri.starts_with("unix:///"))
                return fail(connect->error(Errc::invalid_argument, key, "must be unix:///path of a socket"));
        }
        config.connect_management_uri = management;
        config.connect_workload_uri = workload;
    }
    SELVAGE_TRY(auto limits, root.table("iotedge_max_requests"));
    if (!limits) return {};
    for (const std::string_view key : {"management", "workload"})
        if (!limits->has(key)) return fail(limits->error(Errc::invalid_argument, key, "is missing"));
    SELVAGE_TRY(const std::int64_t management, limits->integer("management", 50, 1, 10'000));
    SELVAGE_TRY(const std::int64_t workload, limits->integer("workload", 10, 1, 10'000));
    config.management_connections_max = static_cast<unsigned>(management);
    config.workload_connections_max = static_cast<unsigned>(workload);
    return {};
}

Result<JsonObject> read_ipam(const TomlSection& network) {
    SELVAGE_TRY(auto ipam, network.table("ipam"));
    if (!ipam) return JsonObject();
    const toml::array* entries = ipam->raw()["config"].as_array();
    JsonArray config;
    if (entries != nullptr)
        for (const toml::node& entry : *entries) {
            if (!entry.is_table()) return fail(ipam->error(Errc::malformed, "config", "must be an array of tables"));
            const TomlSection range(*entry.as_table(), ipam->key_path("config"));
            JsonObject one;
            for (const auto& [key, name] : {std::pair("gateway", "Gateway"), {"subnet", "Subnet"}, {"ip_range", "IPRange"}}) {
                SELVAGE_TRY(const std::string value, range.text(key));
                if (!value.empty()) one[name] = value;
            }
            config.push_back(std::move(one));
        }
    if (config.empty()) return JsonObject();
    return JsonObject{{"Config", std::move(config)}};
}

Result<> read_engine(const TomlSection& root, SuperConfig& config) {
    SELVAGE_TRY(auto section, root.table("moby_runtime"));
    if (!section) return {};
    SELVAGE_TRY(const std::string uri, section->required_text("uri"));
    if (uri.starts_with("fd://")) return fail(section->error(Errc::invalid_argument, "uri", "must be unix:///path of the engine's socket"));
    SELVAGE_TRY(config.engine_path, socket_path(*section, "uri", config.engine_path));
    const toml::node* network = section->raw().get("network");
    if (network == nullptr) return fail(section->error(Errc::invalid_argument, "network", "is missing"));
    if (network->is_table()) {
        const TomlSection table(*network->as_table(), section->key_path("network"));
        SELVAGE_TRY(config.network.name, table.text("name"));
        SELVAGE_TRY(config.network.ipv6, table.flag("ipv6", false));
        SELVAGE_TRY(config.network.ipam, read_ipam(table));
    } else {
        SELVAGE_TRY(config.network.name, section->text("network"));
    }
    if (trim(config.network.name).empty()) config.network.name = NetworkSettings().name;
    return {};
}

Result<std::optional<unsigned>> read_watchdog(const TomlSection& root) {
    SELVAGE_TRY(auto section, root.table("watchdog"));
    if (!section || !section->has("max_retries")) return std::nullopt;
    if (const auto* text = section->raw().get("max_retries")->as_string())
        if (equals_ignoring_case(text->get(), "infinite")) return std::nullopt;
    auto retries = section->integer("max_retries", 0, 0, 1'000'000);
    if (!retries) return fail(section->error(Errc::invalid_argument, "max_retries", "must be \"infinite\" or a number from 0"));
    return static_cast<unsigned>(*retries);
}

Result<> read_top_level(const TomlSection& root, std::string_view machine_hostname, SuperConfig& config) {
    SELVAGE_TRY(config.hostname, root.text("hostname", machine_hostname));
    if (trim(config.hostname).empty()) return fail(root.error(Errc::invalid_argument, "hostname", "must not be empty"));
    const char* parent = root.has("parent_hostname") ? "parent_hostname" : "local_gateway_hostname";
    SELVAGE_TRY(config.parent_hostname, root.text(parent));
    SELVAGE_TRY(config.trust_bundle_path, file_path(root, "trust_bundle_cert"));
    SELVAGE_TRY(config.allow_elevated_docker_permissions, root.flag("allow_elevated_docker_permissions", true));
    SELVAGE_TRY(const std::string mode, root.text("auto_reprovisioning_mode", "Dynamic"));
    if (mode != "Dynamic" && mode != "AlwaysOnStartup" && mode != "OnErrorOnly")
        return fail(root.error(Errc::invalid_argument, "auto_reprovisioning_mode", "must be \"Dynamic\", \"AlwaysOnStartup\" or \"OnErrorOnly\""));
    SELVAGE_TRY(const std::int64_t timeout, root.integer("cloud_timeout_sec", kCloudTimeoutSecondsMin, 0, 86'400));
    if (timeout < kCloudTimeoutSecondsMin)
        return fail(root.error(Errc::invalid_argument, "cloud_timeout_sec", "must be at least 70 seconds"));
    config.cloud_timeout = std::chrono::seconds(timeout);
    SELVAGE_TRY(const std::int64_t retries, root.integer("cloud_retries", 1, 0, 1000));
    config.cloud_retries = static_cast<unsigned>(retries);
    const auto scheme_end = root.raw()["additional_info"].value_or(std::string()).find(':');
    if (scheme_end != std::string::npos) {
        const std::string scheme = root.raw()["additional_info"].value_or(std::string()).substr(0, scheme_end);
        if (scheme != "file")
            return fail(root.error(Errc::invalid_argument, "additional_info", fmt::format(": unsupported additional_info scheme: {}", scheme)));
    }
    SELVAGE_TRY(config.additional_info_path, file_path(root, "additional_info"));
    return {};
}

}  // namespace

Result<std::string> path_of_file_uri(std::string_view uri) {
    constexpr std::string_view kScheme = "file://";
    if (!uri.starts_with(kScheme) || uri.size() <= kScheme.size() || uri[kScheme.size()] != '/')
        return fail(Errc::invalid_argument, "must be file:///path");
    auto path = percent_decode(uri.substr(kScheme.size()));
    if (!path) return fail(Errc::invalid_argument, "must be file:///path; its percent-encoding is wrong");
    return *path;
}

Result<SuperConfig> parse_super_config(std::string_view text, std::string_view machine_hostname) {
    SELVAGE_TRY(const toml::table document, parse_toml(text));
    const TomlSection root(document, "");
    SuperConfig config;
    SELVAGE_CHECK(read_top_level(root, machine_hostname, config));
    SELVAGE_TRY(config.provisioning, read_provisioning(root));
    SELVAGE_TRY(config.edge_ca, read_edge_ca(root));
    SELVAGE_TRY(config.agent, read_agent(root, config.gateway_host()));
    SELVAGE_CHECK(read_sockets(root, config));
    SELVAGE_CHECK(read_engine(root, config));
    SELVAGE_TRY(config.watchdog_retries_max, read_watchdog(root));
    return config;
}

Result<std::map<std::string, std::string>> parse_additional_info(std::string_view text) {
    SELVAGE_TRY(const toml::table document, parse_toml(text));
    const TomlSection root(document, "");
    std::map<std::string, std::string> info;
    for (const auto& [key, node] : document) {
        SELVAGE_TRY(info[std::string(key.str())], root.text(key.str()));
    }
    return info;
}

}  // namespace selvage::edge::config
