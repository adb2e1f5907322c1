#include "apps/edge_hub/serve.h"

#include "assembly/edge_process.h"
#include "async/event.h"
#include "async/signals.h"
#include "async/task_group.h"
#include "base/log.h"

namespace selvage::apps {
namespace {

using assembly::EdgeProcess;
using edge::hub::HubEnvironment;

// The hub and what may end it.
struct Program {
    Program(async::Executor executor, HubEnvironment environment)
        : dialer(net::make_dialer(time)),
          hub({executor, time, time, random}, *dialer, std::move(environment)),
          ended(executor),
          tasks(executor) {}

    async::Awaitable<> run_start() {
        auto started = co_await hub.start();
        // Cancelled: someone asked the process to stop before it was ready, which is no failure.
        if (started || started.error().code == Errc::cancelled) co_return;
        outcome = std::move(started);
        ended.set();
    }

    async::Awaitable<> wait_for_signal() {
        const int number = co_await async::wait_for_stop_signal();
        if (number != 0) log::info("edge.stop", "stopping signal={}", number);
        ended.set();
    }

    async::SystemTime time;
    SystemRandom random;
    std::unique_ptr<net::Dialer> dialer;
    EdgeProcess hub;
    Result<> outcome;
    async::Event ended;
    async::TaskGroup tasks;
};

}  // namespace

async::Awaitable<Result<>> serve_edge_hub(async::Executor loop, HubEnvironment environment) {
    Program program(loop, std::move(environment));
    program.outcome = program.hub.open_stores();
    if (program.outcome) {
        program.tasks.spawn("signals", program.wait_for_signal());
        program.tasks.spawn("start", program.run_start());
        co_await program.ended.wait();
    }
    co_await program.tasks.stop();
    co_await program.hub.stop();
    co_return std::move(program.outcome);
}

}  // namespace selvage::apps
