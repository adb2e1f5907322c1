// The workload API: what every module asks of the daemon for itself.
//
// A caller is a module when its process is one of that module's container. Runs on: one loop. Everything given outlives it.
// Wire: docs/wire/workload-api.md.
#pragma once

#include <string>

#include "edge/daemon/api/api.h"
#include "edge/daemon/api/caller_check.h"
#include "edge/identity/edge_ca.h"
#include "edge/identity/module_identities.h"
#include "edge/runtime/module_runtime.h"

namespace selvage::edge::daemon {

struct WorkloadParts {
    runtime::ModuleRuntime& runtime;
    identity::ModuleIdentities& identities;
    const identity::KeyStore& keys;
    const identity::EdgeCa& edge_ca;
    CallerCheck& callers;
    async::TimeSource& time;
    std::string user_trust_bundle{};       // PEM; may be empty
    std::string hub_host{};
    std::string device_id{};
};

void add_workload_routes(Api& api, WorkloadParts& parts);

}  // namespace selvage::edge::daemon
