// edge-hub: the container `edgeHub`. Reads its environment and serves until SIGTERM. Exit codes: 0 stopped, 1 failed.
#include <unistd.h>

#include <boost/asio/io_context.hpp>

#include "apps/edge_hub/serve.h"
#include "async/task_group.h"
#include "base/log.h"

namespace {

using namespace selvage;

std::vector<std::pair<std::string, std::string>> environment_variables() {
    std::vector<std::pair<std::string, std::string>> variables;
    for (char** entry = environ; *entry != nullptr; ++entry) {
        const std::string_view text = *entry;
        const auto equals = text.find('=');
        if (equals != text.npos) variables.emplace_back(text.substr(0, equals), text.substr(equals + 1));
    }
    return variables;
}

}  // namespace

int main() {
    const edge::hub::Variables variables(environment_variables());
    auto environment = edge::hub::read_hub_environment(variables, {.version = SELVAGE_VERSION, .build = "", .commit = ""});
    log::start(environment ? environment->log_level : log::Level::info);
    if (!environment) {
        log::error("edge.start", "{}", environment.error().detail);
        return 1;
    }
    boost::asio::io_context loop(1);
    Result<> outcome = fail(Errc::internal, "ended by an exception");
    const auto root = [&]() -> async::Awaitable<> {
        outcome = co_await apps::serve_edge_hub(loop.get_executor(), *std::move(environment));
    };
    async::spawn_root(loop.get_executor(), root(), [] {});
    loop.run();
    if (!outcome) log::error("edge.stop", "{}", outcome.error().detail);
    return outcome ? 0 : 1;
}
