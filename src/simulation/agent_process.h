// An edge-agent: the object graph of apps/edge_agent without TLS. Its environment is that of its container.
#pragma once

#include "async/blocking_pool.h"
#include "edge/agent/agent.h"
#include "simulation/engine.h"
#include "simulation/process.h"

namespace selvage::simulation {

class AgentProcess final : public Process {
public:
    AgentProcess(async::Executor loop, std::unique_ptr<Seat> seat, const Engine::Container& container, std::string device);
    ~AgentProcess() override;

    Result<> start() override;
    async::Awaitable<> stop() override;
    Seat& seat() override { return *seat_; }

private:
    struct Parts;
    async::Executor loop_;
    std::unique_ptr<Seat> seat_;
    std::unique_ptr<Parts> parts_;
};

}  // namespace selvage::simulation
