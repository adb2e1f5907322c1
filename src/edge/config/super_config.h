// The device's configuration file, in Azure IoT Edge's super-config format (/etc/aziot/config.toml), as plain values.
//
// Parsed once, at start-up. Unknown keys are ignored, as there; what this version cannot do is refused with a sentence,
// never silently passed over. Values; safe from any thread. What each key means: docs/ops/config.md.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <string>

#include "base/json.h"
#include "base/result.h"
#include "edge/management/module_spec.h"

namespace selvage::edge::config {

// Manual provisioning with a symmetric key. Exactly one of the two keys is set.
struct Provisioning {
    std::string iothub_hostname;
    std::string device_id;
    std::string key_bytes;        // decoded; secret. From a connection string or `device_id_pk = { value = … }`
    std::string key_path;         // a file with the raw bytes
};

// The certificate authority of this device, which signs the modules' certificates.
struct EdgeCaSettings {
    // Made by the daemon itself and renewed before it expires.
    std::chrono::days expiry{90};
    std::string common_name;      // empty: "aziot-edge CA <device>"
    unsigned renew_at_percent = 80;   // of its lifetime
    // Or from files, which are never renewed; both or none.
    std::string certificate_path;
    std::string key_path;
};

struct NetworkSettings {
    std::string name = "azure-iot-edge";
    bool ipv6 = false;
    JsonObject ipam;              // the engine's form, {"Config":[…]}; empty: the engine's choice
};

struct SuperConfig {
    std::string hostname;
    std::string parent_hostname;          // empty: none; else all traffic to the hub goes there
    std::string trust_bundle_path;        // PEM that modules and this daemon trust besides the edge CA; empty: none
    bool allow_elevated_docker_permissions = true;
    std::chrono::seconds cloud_timeout{70};
    unsigned cloud_retries = 1;           // attempts after the first
    std::string additional_info_path;     // TOML of strings, shown in systeminfo; empty: none

    Provisioning provisioning;
    EdgeCaSettings edge_ca;
    // The edgeAgent that the daemon starts before any deployment is known. Its registry password is a secret.
    management::ModuleSpec agent;

    // Unix socket paths. `connect` is how containers see them.
    std::string listen_management_path = "/var/run/iotedge/mgmt.sock";
    std::string listen_workload_path = "/var/run/iotedge/workload.sock";
    std::string connect_management_uri = "unix:///var/run/iotedge/mgmt.sock";
    std::string connect_workload_uri = "unix:///var/run/iotedge/workload.sock";
    // Open connections that one user may have on each socket.
    unsigned management_connections_max = 50;
    unsigned workload_connections_max = 10;

    std::string engine_path = "/var/run/docker.sock";
    NetworkSettings network;
    std::optional<unsigned> watchdog_retries_max;    // nothing: no limit

    // The host that stands for the hub: the parent if there is one.
    const std::string& gateway_host() const {
        return parent_hostname.empty() ? provisioning.iothub_hostname : parent_hostname;
    }
};

// `machine_hostname` stands in where the file names none. Errors, each with the line: malformed (not TOML, or a key of the
// wrong type), invalid_argument (a value out of its range, or a missing key), unsupported (valid for Azure, not here).
// Never with a key or password in the text.
Result<SuperConfig> parse_super_config(std::string_view text, std::string_view machine_hostname);

// Strings of an `additional_info` file. Errors: malformed.
Result<std::map<std::string, std::string>> parse_additional_info(std::string_view text);

// The path of file:///path. Errors: invalid_argument.
Result<std::string> path_of_file_uri(std::string_view uri);

}  // namespace selvage::edge::config
