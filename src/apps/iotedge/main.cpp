// iotedge: looks at and configures an edge device, with the commands and outputs of Azure IoT Edge.

#include <unistd.h>

#include <boost/asio/io_context.hpp>
#include <cstdlib>
#include <iostream>

#include "async/task_group.h"
#include "cli/iotedge/command.h"

namespace {

selvage::async::Awaitable<> run(selvage::cli::Command command, selvage::cli::Surroundings& surroundings, int& exit_code) {
    exit_code = co_await selvage::cli::execute(std::move(command), surroundings);
}

}  // namespace

int main(int argc, char** argv) {
    using namespace selvage;
    const char* host = std::getenv("IOTEDGE_HOST");
    int exit_code = 0;
    auto command = cli::parse_command_line(std::vector<std::string>(argv + 1, argv + argc), host == nullptr ? "" : host,
                                           SELVAGE_VERSION, std::cout, std::cerr, exit_code);
    if (!command) return exit_code;

    std::array<char, 256> name{};
    if (::gethostname(name.data(), name.size() - 1) != 0) name[0] = '\0';
    boost::asio::io_context loop(1);
    async::SystemTime time;
    const auto dialer = net::make_dialer(time);
    cli::Surroundings surroundings{std::cout, std::cerr, *dialer, time, name.data(), SELVAGE_VERSION};
    exit_code = cli::kExitFailed;
    async::spawn_root(loop.get_executor(), run(std::move(*command), surroundings, exit_code), [] {});
    loop.run();
    return exit_code;
}
