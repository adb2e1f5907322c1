// A selvaged: the real daemon over simulated sockets, with the device's simulated engine.
#pragma once

#include "async/blocking_pool.h"
#include "edge/daemon/daemon.h"
#include "simulation/engine.h"
#include "simulation/process.h"

namespace selvage::simulation {

class DaemonProcess final : public Process {
public:
    struct Settings {
        std::string device;
        std::string key_file;          // of the device, raw
    };
    DaemonProcess(async::Executor loop, std::unique_ptr<Seat> seat, Engine& engine, Settings settings);
    ~DaemonProcess() override;

    Result<> start() override;
    async::Awaitable<> stop() override;
    Seat& seat() override { return *seat_; }

private:
    async::Awaitable<> run();

    async::Executor loop_;
    std::unique_ptr<Seat> seat_;
    std::unique_ptr<edge::runtime::ModuleRuntime> runtime_;
    async::BlockingPool files_;
    std::unique_ptr<edge::daemon::Daemon> daemon_;
    async::TaskGroup tasks_;
};

// Paths of the sockets as everybody on the device sees them; only the last part counts.
inline constexpr const char* kManagementSocket = "/run/simulated/mgmt.sock";
inline constexpr const char* kAgentSocket = "/run/simulated/edgeAgent.sock";

}  // namespace selvage::simulation
