#include <fmt/core.h>

#include <ostream>

#include "base/file.h"
#include "cli/iotedge/command.h"
#include "cli/iotedge/daemon_process.h"
#include "edge/management/management_client.h"

namespace selvage::cli {
namespace {

// "Running", "Ready" or "Down - why", in the words of `iotedge system status`.
std::string state_of_service(const edge::config::Home& home, bool answers) {
    if (is_systemd_service()) {
        const auto active = systemctl("is-active");
        if (!active) return "Down - " + active.error().detail.substr(active.error().detail.rfind(':') + 2);
        return answers ? "Running" : "Down - socket error";
    }
    if (answers) return "Running";
    return daemon_process(home) ? "Down - socket error" : "Down - not started";
}

}  // namespace

async::Awaitable<int> show_status(Command command, Surroundings& surroundings) {
    const edge::config::Home home{command.home};
    edge::management::ManagementClient daemon(surroundings.dialer, surroundings.time, command.host);
    auto modules = co_await daemon.list_modules();
    // An engine that is down is the engine's trouble: the daemon has answered.
    const bool answers = modules || (modules.error().code != Errc::unavailable && modules.error().code != Errc::timeout &&
                                     modules.error().code != Errc::connection_closed);
    const std::string state = state_of_service(home, answers);
    std::ostream& out = surroundings.out;
    out << "System services:\n" << fmt::format("    {:<24}{}\n\n", "selvaged", state);
    if (!answers) out << fmt::format("selvaged is in a bad state because:\n{}\n\n", modules.error().detail);
    else if (!modules) out << fmt::format("selvaged runs, but:\n{}\n\n", modules.error().detail);
    out << "Use 'iotedge list' to see the modules.\nUse 'iotedge logs <module>' to see what one of them says.\n";
    co_return 0;
}

}  // namespace selvage::cli
