// Connection strings: `HostName=…;DeviceId=…[;ModuleId=…];SharedAccessKey=…` and `HostName=…;SharedAccessKeyName=…;SharedAccessKey=…`.
//
// Wire: docs/wire/connection-strings.md. Parts are split at ';', each at its first '='.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "base/result.h"

namespace selvage::codec {

struct ConnectionString {
    std::string host_name;
    std::string gateway_host_name;
    std::string device_id;
    std::string module_id;
    std::string policy_name;      // SharedAccessKeyName
    std::string key;              // base64; secret
};

inline constexpr std::size_t kConnectionStringBytesMax = 4096;

// Names are matched exactly; unknown ones are ignored. Errors: malformed, naming the missing part ("required parameter
// \"HostName\" is missing"); never with the key in the text.
Result<ConnectionString> parse_connection_string(std::string_view text);
std::string to_text(const ConnectionString& value);

}  // namespace selvage::codec
