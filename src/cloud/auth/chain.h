// Auth chains: "target;parent;…;actor", by which an edge hub acts for those below it.
//
// Pure. Wire: docs/wire/service-rest.md#auth-chain.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "storage/registry_store.h"

namespace selvage::cloud::auth {

// Five levels of edge devices, the target and its device.
inline constexpr std::size_t kChainMembersMax = 8;

// Errors: invalid_argument.
Result<std::vector<std::string>> split_chain(std::string_view chain);

// The device ids of a chain from the target's device up to the actor, each once. A module ("d/m") is followed by its
// own device. Errors: invalid_argument.
Result<std::vector<std::string>> devices_of_chain(const std::vector<std::string>& members);

// Is `parent` the edge device that `child` lies in the scope of?
bool is_parent(const storage::DeviceRecord& parent, const storage::DeviceRecord& child);

}  // namespace selvage::cloud::auth
