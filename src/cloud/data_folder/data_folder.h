// What lies in a hub's data folder, and how a new one is made.
//
//   hub.toml                  settings, with comments
//   certs/ca.pem              the hub's own CA: what clients trust
//   certs/server.pem          the server's certificate
//   secrets/ca-key.pem  secrets/server-key.pem  secrets/policies.toml     mode 0600
//   secrets/files-key         signs the right to upload a file; mode 0600
//   registry.db  state.db  mailboxes.db  events/  files/                                 the stores
//   listening.toml            while a hub runs: the addresses that it really listens on
//
// Threads: everything here blocks on the disk; for start-up and for command lines. Keys never appear in errors.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/random.h"
#include "base/result.h"
#include "cloud/data_folder/policy.h"

namespace selvage::cloud::data_folder {

struct HubSettings {
    std::string host_name;
    std::string listen_address = "0.0.0.0";
    std::uint16_t mqtt_port = 8883;
    std::uint16_t amqp_port = 5671;
    std::uint16_t https_port = 443;
    std::size_t partitions = 4;
    std::chrono::hours retention_age{24};
    std::uint64_t retention_bytes = 1ull << 30;  // of each partition
    bool durable_against_power_loss = true;
    std::size_t connections_max = 100'000;
    std::chrono::seconds connect_timeout{60};    // to say who one is
    std::size_t request_bytes_max = 4 << 20;
    std::size_t modules_per_device_max = 50;
    std::size_t c2d_depth_max = 50;
    std::chrono::minutes c2d_time_to_live{60};
    std::uint32_t c2d_deliveries_max = 10;
    std::chrono::minutes feedback_time_to_live{60};
    bool files_enabled = true;
    std::uint64_t file_megabytes_max = 1024;
    std::uint64_t device_megabytes_max = 4096;
    std::uint64_t files_megabytes_max = 16'384;
    std::chrono::minutes upload_lifetime{60};
    std::size_t uploads_per_device_max = 10;
    bool file_notifications = true;
};

// The paths inside a data folder.
struct DataFolder {
    std::string root;
    std::string settings() const { return root + "/hub.toml"; }
    std::string ca_certificate() const { return root + "/certs/ca.pem"; }
    std::string server_certificate() const { return root + "/certs/server.pem"; }
    std::string ca_key() const { return root + "/secrets/ca-key.pem"; }
    std::string server_key() const { return root + "/secrets/server-key.pem"; }
    std::string policies() const { return root + "/secrets/policies.toml"; }
    std::string registry_database() const { return root + "/registry.db"; }
    std::string state_database() const { return root + "/state.db"; }
    std::string mailbox_database() const { return root + "/mailboxes.db"; }
    std::string events() const { return root + "/events"; }
    std::string files() const { return root + "/files"; }
    std::string files_key() const { return root + "/secrets/files-key"; }
    std::string listening() const { return root + "/listening.toml"; }
};

// Makes a new hub: CA, server certificate, policies with fresh keys, settings. The settings come last, so a try that
// was cut short can be repeated. `host_name` is a DNS name or an address: the name that clients dial. Errors:
// already_exists (there is a hub: never overwritten), invalid_argument (host name), io_error.
Result<> make_hub(const DataFolder& folder, const std::string& host_name, const Clock& clock, Random& random);

// Errors: not_found (no hub here: says how to make one), malformed (with line), invalid_argument (names the setting).
Result<HubSettings> read_settings(const DataFolder& folder);
Result<HubSettings> parse_settings(const std::string& toml);

// Errors: not_found, malformed, io_error.
Result<std::vector<Policy>> read_policies(const DataFolder& folder);

// The key that signs the right to upload; made at the first call. A secret. Errors: io_error.
Result<std::string> files_key(const DataFolder& folder, Random& random);

// What a running hub tells command lines on the same machine.
struct ListeningAt {
    std::string address;
    std::uint16_t mqtt_port = 0;
    std::uint16_t https_port = 0;
};
Result<> write_listening(const DataFolder& folder, const ListeningAt& where);
// Errors: not_found (no hub has run here since the last clean end), malformed.
Result<ListeningAt> read_listening(const DataFolder& folder);

struct ServerCertificate {
    std::string chain_pem;
    std::string key_pem;  // secret
    bool renewed = false;
};
// The server's certificate; made anew from the CA when it has less than 30 days to live. Errors: not_found, malformed.
Result<ServerCertificate> server_certificate(const DataFolder& folder, const std::string& host_name, const Clock& clock,
                                             Random& random);

}  // namespace selvage::cloud::data_folder
