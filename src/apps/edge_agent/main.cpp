// edge-agent: the container `edgeAgent`. Reads its environment, builds the object graph, runs it.
#include <boost/asio/io_context.hpp>

#include <unistd.h>

#include <csignal>
#include <cstdlib>

#include "assembly/agent_process.h"
#include "async/signals.h"
#include "async/task_group.h"
#include "base/encoding.h"
#include "base/log.h"

namespace selvage {
namespace {

// Names match in any case, as in the reference; the exact one wins.
std::string variable(std::string_view name, std::string_view otherwise) {
    if (const char* value = std::getenv(std::string(name).c_str())) return value;
    for (char** entry = environ; *entry != nullptr; ++entry) {
        const std::string_view text = *entry;
        const std::size_t equals = text.find('=');
        if (equals != std::string_view::npos && equals_ignoring_case(text.substr(0, equals), name))
            return std::string(text.substr(equals + 1));
    }
    return std::string(otherwise);
}

// What starts the agent and what may end it.
struct Program {
    Program(async::Executor loop, edge::ModuleEnvironment environment)
        : dialer(net::make_dialer(time)),
          agent({loop, time, time, random}, *dialer, {std::move(environment), variable, SELVAGE_VERSION}),
          starting(loop) {}

    async::Awaitable<> start() {
        const auto started = co_await agent.start();
        if (started || started.error().code == Errc::cancelled) co_return;
        log::error("agent.start", "{}", started.error().detail);
        failed = true;
        // Ends run(): the runtime starts the agent again, and by then the daemon may answer better.
        ::kill(::getpid(), SIGTERM);
    }

    async::Awaitable<> run() {
        starting.spawn("start", start());
        const int signal = co_await async::wait_for_stop_signal();
        log::info("agent.stop", "stopping signal={}", signal);
        co_await starting.stop();
        co_await agent.stop();
    }

    async::SystemTime time;
    SystemRandom random;
    std::unique_ptr<net::Dialer> dialer;
    assembly::AgentProcess agent;
    async::TaskGroup starting;
    bool failed = false;
};

}  // namespace
}  // namespace selvage

int main() {
    using namespace selvage;
    log::Level level = log::Level::info;
    log::parse_level(variable("RuntimeLogLevel", "info"), level);
    log::start(level);
    auto environment = edge::read_module_environment([](const char* name) -> const char* { return std::getenv(name); });
    if (!environment) {
        log::error("agent.start", "{}", environment.error().detail);
        return 1;
    }
    boost::asio::io_context loop(1);
    Program program(loop.get_executor(), *std::move(environment));
    async::spawn_root(loop.get_executor(), program.run(), [&loop] { loop.stop(); });
    loop.run();
    return program.failed ? 1 : 0;
}
