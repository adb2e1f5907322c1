// What `iotedge config mp` and `iotedge config apply` do with files, and where a device's files are.
//
// Blocks on the disk: for start-up and command lines.
#pragma once

#include <string>

#include "base/result.h"
#include "edge/config/super_config.h"

namespace selvage::edge::config {

inline constexpr std::string_view kDefaultHome = "/var/lib/aziot/edged";
inline constexpr std::string_view kDefaultConfigPath = "/etc/aziot/config.toml";

// The daemon's folder: one place for everything that it keeps.
struct Home {
    std::string folder;      // absolute

    std::string config_file() const { return folder + "/config.toml"; }          // the effective configuration
    std::string pid_file() const { return folder + "/selvaged.pid"; }
    std::string sockets_folder() const { return folder + "/mnt"; }               // one socket a module
    std::string secrets_folder() const { return folder + "/secrets"; }           // 0700
    std::string certificates_folder() const { return folder + "/certs"; }
    std::string cache_folder() const { return folder + "/cache"; }
    std::string device_key_file() const { return secrets_folder() + "/device-id"; }
};

struct Applied {
    SuperConfig config;
    bool moved_key = false;         // an inline device key now lives in Home::device_key_file()
    std::string old_hostname;       // of the configuration that was in effect; empty: none or the same
};

// Checks the super-config `text`, moves an inline device key into its file (raw bytes, 0600), and writes the effective
// configuration, which is a super-config without that key, to Home::config_file() (0600). Nothing is written when the check
// fails. Errors: those of parse_super_config; io_error.
Result<Applied> apply_config(std::string_view text, const Home& home, std::string_view machine_hostname);

// The same check and the hostname of the configuration in effect, without writing.
Result<Applied> check_config(std::string_view text, const Home& home, std::string_view machine_hostname);

// A super-config with every default written out and `connection_string` as manual provisioning: `iotedge config mp`.
// Errors: invalid_argument ("invalid connection string: …").
Result<std::string> manual_config_text(std::string_view connection_string);

}  // namespace selvage::edge::config
