// The edgeAgent container as the daemon starts it before any deployment is known. Pure.
//
// Wire: docs/wire/management-api.md#edgeagent.
#pragma once

#include <string>

#include "edge/config/super_config.h"
#include "edge/management/module_spec.h"

namespace selvage::edge::daemon {

inline constexpr std::string_view kAgentContainer = "edgeAgent";
inline constexpr std::string_view kAgentIdentity = "$edgeAgent";

// [agent] of the configuration with environment, sockets, network and labels added. `sockets_folder` is absolute.
management::ModuleSpec agent_spec(const config::SuperConfig& config, const std::string& sockets_folder,
                                  const std::string& generation_id);

}  // namespace selvage::edge::daemon
