// Modules as containers, over the Docker Engine API on a Unix socket.
//
// Each request has a connection of its own, so nothing waits for a pull. Wire: docs/wire/docker-engine.md.
#pragma once

#include <memory>

#include "async/blocking_pool.h"
#include "async/time_source.h"
#include "edge/runtime/module_runtime.h"
#include "net/dial.h"

namespace selvage::edge::runtime {

struct DockerSettings {
    std::string engine_path = "/var/run/docker.sock";
    std::string network_name = "azure-iot-edge";
    bool network_ipv6 = false;
    JsonObject network_ipam{};                  // empty: the engine's choice
    // False: privileged containers and added capabilities are refused quietly, as Azure's daemon does.
    bool allow_elevated_permissions = true;
};

// Connects at the first call; an engine that is down is an error of that call only. All given outlive the runtime.
std::unique_ptr<ModuleRuntime> make_docker_runtime(net::Dialer& dialer, async::TimeSource& time,
                                                   async::BlockingPool& blocking, DockerSettings settings);

}  // namespace selvage::edge::runtime
