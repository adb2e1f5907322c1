#include "cloud/registry/scopes.h"

#include <fmt/core.h>

namespace selvage::cloud::registry {

namespace {
constexpr std::string_view kScopePrefix = "ms-azure-iot-edge://";
}

std::string edge_scope(std::string_view device_id, std::string_view generation_id) {
    return fmt::format("{}{}-{}", kScopePrefix, device_id, generation_id);
}

Result<std::string> device_of_scope(std::string_view scope) {
    const auto dash = scope.rfind('-');
    if (!scope.starts_with(kScopePrefix) || dash == std::string_view::npos || dash <= kScopePrefix.size()) {
        return fail(Errc::invalid_argument,
                    fmt::format("'{}' is no device scope; it looks like {}DEVICE-GENERATION", scope, kScopePrefix));
    }
    return std::string(scope.substr(kScopePrefix.size(), dash - kScopePrefix.size()));
}

std::optional<std::string> wanted_parent(const DeviceInput& input, bool iot_edge) {
    if (!iot_edge && input.device_scope) return input.device_scope;
    if (input.parent_scopes) return input.parent_scopes->empty() ? std::string{} : input.parent_scopes->front();
    return std::nullopt;
}

void set_parent(storage::DeviceRecord& device, const std::string& scope) {
    device.parent_scopes.clear();
    if (!scope.empty()) device.parent_scopes.push_back(scope);
    if (!device.iot_edge) device.device_scope = scope;
}

std::string parent_of(const storage::DeviceRecord& device) {
    return device.parent_scopes.empty() ? std::string{} : device.parent_scopes.front();
}

}  // namespace selvage::cloud::registry
