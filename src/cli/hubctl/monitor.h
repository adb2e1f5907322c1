// Follows the hub's event log: one reader a partition, each waiting at the hub for what comes next.
//
// A hub that goes away is waited for; only the first connection must succeed. Runs on: one loop.
#pragma once

#include <memory>
#include <vector>

#include "async/event.h"
#include "async/task_group.h"
#include "cli/hubctl/options.h"
#include "cli/hubctl/service_client.h"

namespace selvage::cli::hubctl {

class Monitor {
public:
    Monitor(async::Executor loop, async::TimeSource& time, ServiceClient& hub, Options options);

    // Ends after --count events or after --timeout; fails with timeout when that comes before the count. Without either
    // it goes on until the process is stopped.
    Awaitable<Result<>> run();

private:
    struct Start {
        std::int64_t partition = 0;
        std::int64_t offset = 0;
    };
    Awaitable<Result<std::vector<Start>>> starts();
    Awaitable<> follow(std::unique_ptr<ServiceClient> hub, Start start);
    Awaitable<Result<std::int64_t>> read_once(ServiceClient& hub, Start start);
    void show(const JsonObject& event);
    Awaitable<> wait_for_end();

    async::TimeSource& time_;
    ServiceClient& hub_;
    Options options_;
    std::uint64_t shown_ = 0;
    bool told_of_loss_ = false;
    async::Event enough_;
    Error fatal_;
    bool failed_ = false;
    async::TaskGroup readers_;
};

}  // namespace selvage::cli::hubctl
