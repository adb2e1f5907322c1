// Everything that the edge hub reads from its environment, parsed once.
//
// Pure. The variables are described in docs/ops/edge-hub-environment.md.
#pragma once

#include <chrono>
#include <string>

#include "base/log.h"
#include "edge/hub/environment/variables.h"
#include "edge/hub/settings.h"
#include "edge/workload/workload_client.h"
#include "storage/log/message_log.h"

namespace selvage::edge::hub {

// Instead of a security daemon: a connection string and certificate files.
struct DeveloperMode {
    std::string key;                       // base64, of `$edgeHub`; secret
    std::string certificate_file;          // PEM, leaf first
    std::string private_key_file;
    std::string trust_bundle_file;         // PEM
};

struct HubEnvironment {
    HubSettings hub;                       // without TLS in its targets
    edge::ModuleEnvironment module;        // of the daemon's module; in developer mode only the names are set
    std::optional<DeveloperMode> developer;
    std::string mqtt_address;              // empty: all addresses
    std::uint16_t mqtt_port = 8883;
    bool mqtt_enabled = true;
    std::string amqp_address;              // that of MQTT unless given
    std::uint16_t amqp_port = 5671;
    bool amqp_enabled = true;
    std::string https_address;             // that of MQTT unless given
    std::uint16_t https_port = 443;
    bool https_enabled = true;
    std::chrono::seconds connect_timeout{60};
    std::chrono::seconds keep_alive_max{600};
    std::string storage_folder;            // {StorageFolder}/edgeHub
    std::uint64_t storage_bytes_max = 0;
    storage::Durability durability = storage::Durability::power;
    log::Level log_level = log::Level::info;
};

// Errors: invalid_argument, naming the variable; never with a key in it.
Result<HubEnvironment> read_hub_environment(const Variables& variables, VersionInfo version);

}  // namespace selvage::edge::hub
