// The `iotedge` command: what was asked for, and doing it.
//
// Same names, outputs and exit codes as Azure's: 0 done, 1 failed, 2 wrong usage. Format: docs/wire/cli.md.
#pragma once

#include <iosfwd>
#include <optional>
#include <string>
#include <vector>

#include "async/time_source.h"
#include "edge/config/apply.h"
#include "net/dial.h"

namespace selvage::cli {

inline constexpr int kExitFailed = 1;
inline constexpr int kExitUsage = 2;

struct Command {
    enum class Verb { list, logs, restart, config_mp, config_apply, system_status, version };
    Verb verb = Verb::version;
    std::string host = "unix:///var/run/iotedge/mgmt.sock";
    std::string home{edge::config::kDefaultHome};

    std::string module{};                     // logs, restart
    std::string tail = "all";
    std::string since = "1 day";
    std::string until{};
    bool follow = false;

    std::string connection_string{};          // config mp; secret
    std::string config_file{edge::config::kDefaultConfigPath};
    bool force = false;
};

struct Surroundings {
    std::ostream& out;
    std::ostream& err;
    net::Dialer& dialer;
    async::TimeSource& time;
    std::string machine_hostname;
    std::string version;
};

// Nothing when there is nothing left to do (help, version, wrong usage): then `exit_code` is set and the text is written.
// `default_host` is the value of IOTEDGE_HOST; empty: unset.
std::optional<Command> parse_command_line(const std::vector<std::string>& arguments, const std::string& default_host,
                                          const std::string& version, std::ostream& out, std::ostream& err, int& exit_code);

// The exit code. `surroundings` outlives the call.
async::Awaitable<int> execute(Command command, Surroundings& surroundings);

// An error as the command prints it: the outer message, then each cause behind a tab, then an empty line.
void print_error(std::ostream& err, std::string_view outer, const Error& error);

// The commands one by one; each is what execute() does for its verb.
async::Awaitable<int> list_modules(Command command, Surroundings& surroundings);
async::Awaitable<int> show_logs(Command command, Surroundings& surroundings);
async::Awaitable<int> restart_module(Command command, Surroundings& surroundings);
async::Awaitable<int> apply_config(Command command, Surroundings& surroundings);
async::Awaitable<int> show_status(Command command, Surroundings& surroundings);
int write_manual_config(const Command& command, Surroundings& surroundings);

}  // namespace selvage::cli
