// A direct method: a synchronous call into a connected device or module.
#pragma once

#include <chrono>
#include <cstddef>
#include <string>

#include "base/result.h"

namespace selvage::domain {

struct MethodRequest {
    std::string name;
    std::string payload;   // JSON text; empty when the caller gave none
    std::chrono::seconds response_timeout{30};
    std::chrono::seconds connect_timeout{0};
};

struct MethodResponse {
    int status = 0;        // the device's own
    std::string payload;   // JSON text; empty when the device gave none
};

inline constexpr std::size_t kMethodPayloadBytesMax = 131'072;
inline constexpr std::size_t kMethodNameCharsMax = 100;

// Name (printable ASCII), payload size, response timeout 1 to 3600 s, connect timeout 0 to 3600 s. Errors:
// invalid_argument. Wire: docs/wire/methods.md.
Result<> check(const MethodRequest& request);

}  // namespace selvage::domain
