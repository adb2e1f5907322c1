// From a module of the deployment to the container that the daemon is asked for.
//
// Pure. Wire: docs/wire/deployment-manifest.md#container.
#pragma once

#include <string>

#include "edge/management/module_spec.h"
#include "edge/manifest/deployment.h"
#include "edge/workload/workload_client.h"

namespace selvage::edge::agent {

// What the agent knows of itself and hands on to its modules.
struct AgentEnvironment {
    ModuleEnvironment module;            // its own IOTEDGE_* variables
    std::string network_id;              // NetworkId
    std::string workload_listen_uri;     // IOTEDGE_WORKLOADLISTEN_MNTURI
    std::string runtime_log_level;       // RuntimeLogLevel as the user wrote it; empty: info
    std::string upstream_protocol;       // UpstreamProtocol; empty: not given
};

// The daemon's request for `module`. `generation_id` is that of its identity.
management::ModuleSpec container_spec(const manifest::Module& module, const manifest::Deployment& deployment,
                                      const AgentEnvironment& agent, const std::string& generation_id);

// Tells two makings of a container apart: SHA-256 over everything of the deployment that a container is made from and the
// identity's generation. It does not cover what the agent adds from its own surroundings, so an agent with another log
// level recreates nothing. For edgeAgent the generation is left out: it is the daemon's to know.
std::string applied_hash(const manifest::Module& module, const manifest::Deployment& deployment,
                         const std::string& generation_id);

}  // namespace selvage::edge::agent
