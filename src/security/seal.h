// Authenticated encryption of small things: AES-256-GCM.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"

namespace selvage::security {

// The workload API's form: version byte 2, ciphertext, 16-byte tag; `iv` of any length is taken as it is.
// `key` is 32 bytes. Errors: invalid_argument.
Result<std::string> seal(std::string_view key, std::string_view iv, std::string_view aad, std::string_view plaintext);
// Also opens version 1 (tag first). Errors: malformed (version, length); unauthorized (wrong key, iv, aad or damaged).
Result<std::string> unseal(std::string_view key, std::string_view iv, std::string_view aad, std::string_view sealed);

}  // namespace selvage::security
