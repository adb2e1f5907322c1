// Shared access policies: named pairs of keys with permissions.
//
// Wire: docs/wire/service-rest.md#policies.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace selvage::cloud::data_folder {

// Bits of a set. Writing the registry includes reading it, as in the service's own flags.
using Permissions = unsigned;
inline constexpr Permissions kRegistryRead = 1;
inline constexpr Permissions kRegistryWrite = 3;
inline constexpr Permissions kServiceConnect = 4;
inline constexpr Permissions kDeviceConnect = 8;

struct Policy {
    std::string name;
    Permissions permissions = 0;
    std::string primary_key;  // base64 of 32 bytes; secret
    std::string secondary_key;
    bool grants(Permissions wanted) const { return (permissions & wanted) == wanted; }
};

// The five that every hub has.
struct BuiltInPolicy {
    std::string_view name;
    Permissions permissions;
};
inline constexpr BuiltInPolicy kBuiltInPolicies[] = {
    {"iothubowner", kRegistryWrite | kServiceConnect | kDeviceConnect},
    {"service", kServiceConnect},
    {"device", kDeviceConnect},
    {"registryRead", kRegistryRead},
    {"registryReadWrite", kRegistryWrite},
};

}  // namespace selvage::cloud::data_folder
