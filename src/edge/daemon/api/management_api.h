// The management API: what edgeAgent and `iotedge` ask of the daemon.
//
// Runs on: one loop. Everything given outlives it. Wire: docs/wire/management-api.md.
#pragma once

#include <functional>

#include "async/task_group.h"
#include "edge/daemon/api/api.h"
#include "edge/daemon/api/caller_check.h"
#include "edge/daemon/modules.h"
#include "edge/daemon/system_info.h"
#include "edge/identity/module_identities.h"

namespace selvage::edge::daemon {

struct ManagementParts {
    Modules& modules;
    identity::ModuleIdentities& identities;
    CallerCheck& callers;
    SystemInfo& system_info;
    async::TimeSource& time;
    // Work that goes on after its answer: edgeAgent replacing itself.
    async::TaskGroup& background;
    // Asked to provision anew.
    std::function<void()> on_reprovision{};
};

// Makes the routes; `parts` is referred to by them.
void add_management_routes(Api& api, ManagementParts& parts);

}  // namespace selvage::edge::daemon
