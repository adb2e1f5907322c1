// A selvage-hub: the object graph of apps/selvage_hub without TLS and ports.
#pragma once

#include "cloud/c2d/feedback_queue.h"
#include "cloud/hub/cloud_hub.h"
#include "cloud/service_http/service.h"
#include "simulation/process.h"

namespace selvage::simulation {

inline constexpr const char* kCloudHost = "hub.simulated";
inline constexpr std::uint16_t kMqttPort = 8883;
inline constexpr std::uint16_t kHttpsPort = 443;
inline constexpr std::size_t kPartitions = 4;

class CloudProcess final : public Process {
public:
    CloudProcess(async::Executor loop, std::unique_ptr<Seat> seat);
    ~CloudProcess() override;

    Result<> start() override;
    async::Awaitable<> stop() override;
    Seat& seat() override { return *seat_; }

    // What a back end asks of it; cancelled and joined when the process stops.
    void serve_back_end(const char* name, async::Awaitable<> call) { back_ends_.spawn(name, std::move(call)); }

    // For back ends; only while it runs.
    cloud::registry::Registry& registry();
    cloud::twins::Twins& twins();
    cloud::methods::DirectMethods& methods();
    cloud::c2d::Mailboxes& mailboxes();
    cloud::c2d::FeedbackQueue& feedback();
    cloud::telemetry::EventLog& events();
    // For bounds.
    std::uint64_t pending_bytes() const;
    std::size_t sessions() const;

private:
    struct Parts;
    async::Awaitable<> begin();
    async::Executor loop_;
    std::unique_ptr<Seat> seat_;
    std::unique_ptr<Parts> parts_;
    async::TaskGroup back_ends_;
};

}  // namespace selvage::simulation
