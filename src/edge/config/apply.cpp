#include "edge/config/apply.h"

#include <fmt/core.h>

#include <sstream>

#include "base/encoding.h"
#include "base/file.h"
#include "codec/connection_string/connection_string.h"
#include "edge/config/toml_section.h"

namespace selvage::edge::config {
namespace {

constexpr std::string_view kEffectiveHead =
    "# Written by `iotedge config apply` from the configuration that it was given. Changes here are lost with the next one.\n";

// The same configuration with the device key named by its file instead of written out.
Result<std::string> without_inline_key(std::string_view text, const SuperConfig& config, const Home& home) {
    SELVAGE_TRY(toml::table document, parse_toml(text));
    toml::table* provisioning = document["provisioning"].as_table();
    SELVAGE_ASSERT(provisioning != nullptr);
    if (!config.provisioning.key_bytes.empty()) {
        provisioning->erase("connection_string");
        provisioning->insert_or_assign("iothub_hostname", config.provisioning.iothub_hostname);
        provisioning->insert_or_assign("device_id", config.provisioning.device_id);
        toml::table key{{"uri", "file://" + home.device_key_file()}};
        key.is_inline(true);
        provisioning->insert_or_assign("authentication", toml::table{{"method", "sas"}, {"device_id_pk", std::move(key)}});
    }
    // What the machine was called then stays: edgeHub's certificate and the modules' environment hang on it.
    document.insert_or_assign("hostname", config.hostname);
    std::ostringstream out;
    out << kEffectiveHead << toml::toml_formatter(document) << "\n";
    return out.str();
}

}  // namespace

Result<Applied> check_config(std::string_view text, const Home& home, std::string_view machine_hostname) {
    Applied applied;
    SELVAGE_TRY(applied.config, parse_super_config(text, machine_hostname));
    applied.moved_key = !applied.config.provisioning.key_bytes.empty();
    const auto old_text = read_file(home.config_file());
    if (!old_text) return applied;
    const auto old = parse_super_config(*old_text, machine_hostname);
    if (old && old->hostname != applied.config.hostname) applied.old_hostname = old->hostname;
    return applied;
}

Result<Applied> apply_config(std::string_view text, const Home& home, std::string_view machine_hostname) {
    SELVAGE_TRY(Applied applied, check_config(text, home, machine_hostname));
    SELVAGE_TRY(const std::string effective, without_inline_key(text, applied.config, home));
    SELVAGE_CHECK(make_folders(home.folder, 0755));
    SELVAGE_CHECK(make_folders(home.secrets_folder(), 0700));
    // The key first: a configuration must never name a key that is not there.
    if (applied.moved_key) {
        SELVAGE_CHECK(replace_file(home.device_key_file(), applied.config.provisioning.key_bytes, 0600));
        applied.config.provisioning.key_bytes.clear();
        applied.config.provisioning.key_path = home.device_key_file();
    }
    SELVAGE_CHECK(replace_file(home.config_file(), effective, 0600));
    return applied;
}

Result<std::string> manual_config_text(std::string_view connection_string) {
    const auto parsed = codec::parse_connection_string(trim(connection_string));
    if (!parsed) {
        constexpr std::string_view kSubject = "connection string: ";
        std::string detail = parsed.error().detail;
        if (!detail.starts_with(kSubject)) detail.insert(0, kSubject);
        return fail(Errc::invalid_argument, "invalid " + detail);
    }
    if (parsed->device_id.empty())
        return fail(Errc::invalid_argument, "invalid connection string: required parameter \"DeviceId\" is missing");
    if (!parsed->module_id.empty())
        return fail(Errc::invalid_argument, "invalid connection string: it is that of a module; give the device's");
    if (const auto key = from_base64(parsed->key); !key || key->empty())
        return fail(Errc::invalid_argument, "invalid connection string: SharedAccessKey is no base64");
    // A TOML string of one line, and ids may hold quotes: so the parser's own writer does it.
    toml::table provisioning{{"source", "manual"}, {"connection_string", std::string(trim(connection_string))}};
    const toml::table document{{"provisioning", std::move(provisioning)}};
    std::ostringstream out;
    out << R"(# Manual provisioning with a connection string, every default written out.
# What each key means: https://aka.ms/iotedge-config and docs/ops/config.md.

auto_reprovisioning_mode = "OnErrorOnly"
allow_elevated_docker_permissions = true
prefer_module_identity_cache = false
cloud_timeout_sec = 70
cloud_retries = 1

[iotedge_max_requests]
management = 50
workload = 10

[edge_ca]
auto_generated_edge_ca_expiry_days = 90

[agent]
name = "edgeAgent"
type = "docker"
imagePullPolicy = "on-create"

[agent.config]
image = "mcr.microsoft.com/azureiotedge-agent:1.6"

[agent.config.createOptions]

[agent.env]

[connect]
workload_uri = "unix:///var/run/iotedge/workload.sock"
management_uri = "unix:///var/run/iotedge/mgmt.sock"

[listen]
workload_uri = "fd://aziot-edged.workload.socket"
management_uri = "fd://aziot-edged.mgmt.socket"

[watchdog]
max_retries = "infinite"

[moby_runtime]
uri = "unix:///var/run/docker.sock"
network = "azure-iot-edge"

)" << toml::toml_formatter(document) << "\n";
    return out.str();
}

}  // namespace selvage::edge::config
