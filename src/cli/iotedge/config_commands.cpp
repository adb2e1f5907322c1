#include <fmt/core.h>
#include <unistd.h>

#include <ostream>

#include "base/file.h"
#include "cli/iotedge/command.h"
#include "cli/iotedge/daemon_process.h"
#include "edge/management/management_client.h"

namespace selvage::cli {
namespace {

constexpr std::string_view kRuleOfRoot = "this command must be run as root";

int failed(Surroundings& surroundings, std::string_view text, const Error& error) {
    print_error(surroundings.err, fmt::format("Command failed: {}", text), error);
    return kExitFailed;
}

int refused(Surroundings& surroundings, std::string_view text) { return failed(surroundings, text, Error{Errc::invalid_argument, ""}); }

// Containers know the old name by their environment and certificates, so it may change only when there are none.
async::Awaitable<bool> modules_exist(std::string uri, Surroundings& surroundings) {
    edge::management::ManagementClient daemon(surroundings.dialer, surroundings.time, std::move(uri));
    auto modules = co_await daemon.list_modules();
    if (!modules) surroundings.out << "Warning: the daemon does not answer, so modules that know the old hostname may remain\n";
    co_return modules && !modules->empty();
}

Result<> restart_daemon(const edge::config::Home& home, std::ostream& out) {
    if (is_systemd_service()) {
        out << "Restarting service for configuration to take effect...\n";
        SELVAGE_TRY(const std::string printed, systemctl("restart"));
        out << "Done.\n";
        return {};
    }
    const auto pid = daemon_process(home);
    if (!pid) {
        out << "The daemon does not run; start it with: selvaged --home '" << home.folder << "'\n";
        return {};
    }
    out << "Restarting service for configuration to take effect...\n";
    SELVAGE_CHECK(reload_daemon(*pid));
    out << "Done.\n";
    return {};
}

}  // namespace

int write_manual_config(const Command& command, Surroundings& surroundings) {
    const std::string& path = command.config_file;
    if (file_exists(path) && !command.force)
        return refused(surroundings, fmt::format("file {} already exists.\n\nTo use it, run:\n\n    sudo iotedge config apply -c '{}'\n\n"
                                                 "To replace it, run:\n\n    sudo iotedge config mp --force", path, path));
    auto text = edge::config::manual_config_text(command.connection_string);
    if (!text) return failed(surroundings, text.error().detail, Error{text.error().code, ""});
    const auto slash = path.rfind('/');
    if (slash != std::string::npos && slash > 0) {
        auto made = make_folders(path.substr(0, slash));
        if (!made) return failed(surroundings, "the configuration could not be written", made.error());
    }
    auto written = replace_file(path, *text, 0600);
    if (!written) return failed(surroundings, "the configuration could not be written", written.error());
    surroundings.out << fmt::format(
        "The device has been configured successfully!\nThe configuration has been written to {}\n"
        "To apply the new configuration, run:\n\n    sudo iotedge config apply -c '{}'\n\n"
        "WARNING: This configuration is not suitable for a gateway: its CA is made for quickstarts and it names no hostname.\n",
        path, path);
    return 0;
}

async::Awaitable<int> apply_config(Command command, Surroundings& surroundings) {
    if (::geteuid() != 0 && command.home == edge::config::kDefaultHome) co_return refused(surroundings, kRuleOfRoot);
    const edge::config::Home home{command.home};
    auto text = read_file(command.config_file);
    if (!text) co_return failed(surroundings, "the configuration could not be read", text.error());
    const auto checked = edge::config::check_config(*text, home, surroundings.machine_hostname);
    if (!checked) co_return failed(surroundings, fmt::format("{} cannot be used", command.config_file), checked.error());
    if (!checked->old_hostname.empty()) {
        const bool exist = co_await modules_exist("unix://" + checked->config.listen_management_path, surroundings);
        if (exist)
            co_return refused(surroundings, fmt::format("the hostname changes from {} to {} while modules exist. Stop the daemon, remove them with "
                                                        "`docker rm -f` (list them with `iotedge list`), and apply again",
                                                        checked->old_hostname, checked->config.hostname));
    }
    auto applied = edge::config::apply_config(*text, home, surroundings.machine_hostname);
    if (!applied) co_return failed(surroundings, "the configuration could not be applied", applied.error());
    if (applied->moved_key) surroundings.out << fmt::format("Note: Symmetric key will be written to {}\n", home.device_key_file());
    surroundings.out << "The configuration has been applied successfully!\n\n";
    auto restarted = restart_daemon(home, surroundings.out);
    if (!restarted) co_return failed(surroundings, "the daemon could not be restarted", restarted.error());
    co_return 0;
}

}  // namespace selvage::cli
