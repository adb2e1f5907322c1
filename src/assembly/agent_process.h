// An edge-agent: its clients of the daemon, its deployment source, the agent.
//
// Runs on: the loop given. stop() is to be called before destruction; the modules keep running.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "assembly/surroundings.h"
#include "edge/workload/workload_client.h"
#include "net/dial.h"

namespace selvage::assembly {

// A variable of its environment by name, or `otherwise` when it is unset.
using Variable = std::function<std::string(std::string_view name, std::string_view otherwise)>;

struct AgentEnvironmentOf {
    edge::ModuleEnvironment module;
    Variable variable;
    std::string version;
    std::uint16_t hub_mqtt_port = 8883;
};

class AgentProcess {
public:
    // `dialer` outlives the process.
    AgentProcess(Surroundings around, net::Dialer& dialer, AgentEnvironmentOf environment);
    ~AgentProcess();

    // Waits for the daemon; runs when this returns. Errors: cancelled, malformed (the trust bundle).
    async::Awaitable<Result<>> start();
    async::Awaitable<> stop();

private:
    struct Parts;
    std::unique_ptr<Parts> parts_;
};

}  // namespace selvage::assembly
