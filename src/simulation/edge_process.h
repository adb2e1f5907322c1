// An edge-hub: the object graph of apps/edge_hub in developer mode, without TLS and ports.
#pragma once

#include "edge/hub/counters.h"
#include "simulation/process.h"
#include "storage/log/message_log.h"

namespace selvage::simulation {

class EdgeProcess final : public Process {
public:
    // `key`: base64, of the device's `$edgeHub`.
    EdgeProcess(async::Executor loop, std::unique_ptr<Seat> seat, std::string edge_device, std::string key,
                std::uint64_t store_bytes_max);
    ~EdgeProcess() override;

    Result<> start() override;
    async::Awaitable<> stop() override;
    Seat& seat() override { return *seat_; }

    // Null while it starts.
    const edge::hub::HubCounters* counters() const;
    storage::LogState store() const;

private:
    struct Parts;
    async::Awaitable<> run();
    async::Awaitable<Result<>> begin();

    async::Executor loop_;
    std::unique_ptr<Seat> seat_;
    std::string edge_device_;
    std::string key_;
    std::uint64_t store_bytes_max_;
    std::unique_ptr<Parts> parts_;
};

}  // namespace selvage::simulation
