#include <fmt/core.h>

#include <ostream>

#include "base/encoding.h"
#include "cli/iotedge/command.h"
#include "cli/iotedge/module_table.h"
#include "edge/management/log_frames.h"
#include "edge/management/management_client.h"

namespace selvage::cli {
namespace {

using edge::management::LogFrames;
using edge::management::LogPart;
using edge::management::LogQuery;
using edge::management::ManagementClient;

constexpr std::string_view kRuntimeFailed = "A module runtime error occurred";
constexpr std::string_view kCausedBy = "caused by: ";
// What the command has asked for since its first release; daemons of all ages answer it.
constexpr const char* kApiVersion = "2020-07-07";

ManagementClient client_of(const Command& command, Surroundings& surroundings) {
    return ManagementClient(surroundings.dialer, surroundings.time, command.host, kApiVersion);
}

bool check_host(const Command& command, Surroundings& surroundings) {
    const auto path = edge::management::socket_path_of(command.host);
    if (!path) print_error(surroundings.err, "Invalid value for --host parameter", path.error());
    return path.has_value();
}

int failed(Surroundings& surroundings, const Error& error) {
    print_error(surroundings.err, kRuntimeFailed, error);
    return kExitFailed;
}

// Nothing, with the error printed, when one of the parameters is wrong.
std::optional<LogQuery> query_of(const Command& command, Surroundings& surroundings) {
    LogQuery query;
    query.follow = command.follow;
    const auto refuse = [&](std::string_view parameter, const Error& error) {
        print_error(surroundings.err, fmt::format("Invalid value for --{} parameter", parameter), error);
        return std::nullopt;
    };
    const auto tail = edge::management::parse_tail(command.tail);
    if (!tail) return refuse("tail", tail.error());
    query.tail = *tail;
    const auto since = edge::management::parse_moment(command.since, surroundings.time.utc_now());
    if (!since) return refuse("since", since.error());
    query.since = *since;
    if (command.until.empty()) return query;
    const auto until = edge::management::parse_moment(command.until, surroundings.time.utc_now());
    if (!until) return refuse("until", until.error());
    query.until = *until;
    return query;
}

void print(std::ostream& out, const std::vector<LogPart>& parts) {
    for (const LogPart& part : parts) out << part.text;
    out.flush();
}

}  // namespace

void print_error(std::ostream& err, std::string_view outer, const Error& error) {
    err << outer << "\n";
    std::string_view rest = error.detail;
    while (!rest.empty()) {
        const auto end = std::min(rest.find('\n'), rest.size());
        std::string_view line = rest.substr(0, end);
        rest.remove_prefix(std::min(end + 1, rest.size()));
        if (line.starts_with(kCausedBy)) line.remove_prefix(kCausedBy.size());
        if (!trim(line).empty()) err << "\t" << kCausedBy << line << "\n";
    }
    err << "\n";
}

async::Awaitable<int> list_modules(Command command, Surroundings& surroundings) {
    if (!check_host(command, surroundings)) co_return kExitFailed;
    ManagementClient daemon = client_of(command, surroundings);
    auto modules = co_await daemon.list_modules();
    if (!modules) co_return failed(surroundings, modules.error());
    surroundings.out << module_table(std::move(*modules), surroundings.time.utc_now());
    co_return 0;
}

async::Awaitable<int> show_logs(Command command, Surroundings& surroundings) {
    if (!check_host(command, surroundings)) co_return kExitFailed;
    const auto query = query_of(command, surroundings);
    if (!query) co_return kExitFailed;
    ManagementClient daemon = client_of(command, surroundings);
    const auto frames = std::make_shared<LogFrames>();
    std::ostream& out = surroundings.out;
    auto done = co_await daemon.logs(command.module, *query, [frames, &out](std::string_view part) -> async::Awaitable<bool> {
        print(out, frames->feed(part));
        co_return out.good();
    });
    print(out, frames->finish());
    if (!done) co_return failed(surroundings, done.error());
    co_return 0;
}

async::Awaitable<int> restart_module(Command command, Surroundings& surroundings) {
    if (!check_host(command, surroundings)) co_return kExitFailed;
    ManagementClient daemon = client_of(command, surroundings);
    // Stop and start instead of restart: the workload socket is bound anew with the start.
    auto stopped = co_await daemon.stop_module(command.module);
    if (!stopped) surroundings.out << fmt::format("warn: {} was not stopped gracefully: {}\n", command.module, stopped.error().detail);
    auto started = co_await daemon.start_module(command.module);
    if (!started) co_return failed(surroundings, started.error());
    surroundings.out << fmt::format("Restarted {}\n\n", command.module);
    co_return 0;
}

async::Awaitable<int> execute(Command command, Surroundings& surroundings) {
    switch (command.verb) {
        case Command::Verb::list: co_return co_await list_modules(std::move(command), surroundings);
        case Command::Verb::logs: co_return co_await show_logs(std::move(command), surroundings);
        case Command::Verb::restart: co_return co_await restart_module(std::move(command), surroundings);
        case Command::Verb::config_mp: co_return write_manual_config(command, surroundings);
        case Command::Verb::config_apply: co_return co_await apply_config(std::move(command), surroundings);
        case Command::Verb::system_status: co_return co_await show_status(std::move(command), surroundings);
        case Command::Verb::version: break;
    }
    surroundings.out << "iotedge " << surroundings.version << "\n";
    co_return 0;
}

}  // namespace selvage::cli
