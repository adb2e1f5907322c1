// The device's keys, used without being shown: sign, derive, seal.
//
// An interface, so that the keys may one day live in a process or a chip of their own; make_file_key_store is the one with
// files. Safe from any thread. A key's text or bytes never appear in an error.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/random.h"
#include "base/result.h"

namespace selvage::edge::identity {

// Names as in Azure's key service (docs/wire/workload-api.md#keys).
inline constexpr std::string_view kDeviceKey = "device-id";                        // what the hub knows the device by
inline constexpr std::string_view kModuleKeysMaster = "aziot_identityd_master_id";  // the modules' keys derive from it
inline constexpr std::string_view kEncryptionMaster = "iotedge_master_encryption_id";
inline constexpr std::string_view kEdgeCaKey = "aziot-edged-ca";

class KeyStore {
public:
    virtual ~KeyStore() = default;

    // HMAC-SHA256 under the key: signs with it, and derives keys from it. Raw bytes. Errors: not_found.
    virtual Result<std::string> hmac(std::string_view key, std::string_view data) const = 0;
    // AES-256-GCM in the workload API's form (security/seal.h). Errors: not_found, and those of seal and unseal.
    virtual Result<std::string> seal(std::string_view key, std::string_view iv, std::string_view aad, std::string_view plaintext) const = 0;
    virtual Result<std::string> unseal(std::string_view key, std::string_view iv, std::string_view aad, std::string_view sealed) const = 0;

    // Private text kept whole, such as a key pair in PEM; nothing when there is none. Blocks on the disk.
    virtual Result<std::optional<std::string>> find_private_text(std::string_view name) const = 0;
    virtual Result<> keep_private_text(std::string_view name, std::string_view text) = 0;
};

// Keys in `folder` (0700), a file each (0600): 32 raw bytes, but for the device key, which lies at `device_key_path` in its own
// length. Master keys that are missing are made; all are read now. Blocks. Errors: not_found and invalid_argument for the
// device key, corrupt for a master key of another length, io_error.
Result<std::unique_ptr<KeyStore>> make_file_key_store(std::string folder, const std::string& device_key_path, Random& random);

}  // namespace selvage::edge::identity
