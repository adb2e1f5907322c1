// The reported properties of `$edgeAgent`: what runs and how the last deployment went.
//
// Pure. Wire: docs/wire/edge-agent.md#reported. Registry passwords are never part of it.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "edge/agent/planner.h"
#include "edge/manifest/deployment.h"

namespace selvage::edge::agent {

struct ReportedModule {
    const manifest::Module* desired = nullptr;   // null: runs, but is not in the deployment
    const Observed* seen = nullptr;              // null: there is no container
    manifest::ModuleStatus runtime_status = manifest::ModuleStatus::unknown;
    RestartHistory history;
    std::string status_description;              // why it is not as wanted; empty: it is
};

struct ReportedStatus {
    int code = 406;                              // lastDesiredStatus.code
    std::string description;
    std::int64_t last_desired_version = 0;
};

struct Platform {
    std::string os;
    std::string architecture;
    std::string daemon_version;
};

// `deployment` null: none yet.
JsonObject reported_document(const manifest::Deployment* deployment, const std::vector<ReportedModule>& modules,
                             const ReportedStatus& status, const Platform& platform);

}  // namespace selvage::edge::agent
