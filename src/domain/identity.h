// Who: a device, or a module of a device.
//
// Wire: ids are 1 to 128 characters of ASCII letters, digits and - : . + % _ # * ? ! ( ) , = @ ; $ ' and are compared
// case-sensitively (only audiences of SAS tokens ignore case).
#pragma once

#include <compare>
#include <functional>
#include <string>
#include <string_view>

#include "base/result.h"

namespace selvage::domain {

// A device identity when `module` is empty, else a module identity. Two fields of text, so it has named makers.
struct Identity {
    std::string device;
    std::string module;

    static Identity of_device(std::string_view device) { return {std::string(device), {}}; }
    static Identity of_module(std::string_view device, std::string_view module) {
        return {std::string(device), std::string(module)};
    }
    bool is_module() const { return !module.empty(); }

    auto operator<=>(const Identity&) const = default;
};

// "d1" or "d1/m1": how logs, MQTT client ids and edgeHub name an identity.
std::string to_text(const Identity& identity);

// Errors: invalid_argument, naming the rule that is broken.
Result<> check_device_id(std::string_view id);
Result<> check_module_id(std::string_view id);

inline constexpr std::string_view kEdgeAgentModule = "$edgeAgent";
inline constexpr std::string_view kEdgeHubModule = "$edgeHub";

}  // namespace selvage::domain

template <>
struct std::hash<selvage::domain::Identity> {
    std::size_t operator()(const selvage::domain::Identity& identity) const noexcept {
        return std::hash<std::string>{}(identity.device) * 31 + std::hash<std::string>{}(identity.module);
    }
};
