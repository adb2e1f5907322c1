// Device scopes: who is whose parent.
//
// An edge device has a scope of its own; a leaf carries its parent's; an edge device below another names it in its
// parent scopes. Pure. Wire: docs/wire/service-rest.md#scopes.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "cloud/registry/identity_json.h"

namespace selvage::cloud::registry {

// "ms-azure-iot-edge://<device>-<generation>"
std::string edge_scope(std::string_view device_id, std::string_view generation_id);
// The device that a scope is of. Errors: invalid_argument.
Result<std::string> device_of_scope(std::string_view scope);

// The parent's scope that a request asks for: empty for none, nothing when it does not say. For a leaf `deviceScope`
// wins over a stale `parentScopes` of the same body, for an edge device the reverse.
std::optional<std::string> wanted_parent(const DeviceInput& input, bool iot_edge);
// Writes a parent (empty: none) into a record whose `iot_edge` and own scope are set.
void set_parent(storage::DeviceRecord& device, const std::string& scope);
std::string parent_of(const storage::DeviceRecord& device);

}  // namespace selvage::cloud::registry
