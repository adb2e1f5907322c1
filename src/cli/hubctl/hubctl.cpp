#include "cli/hubctl/hubctl.h"

#include <boost/asio/io_context.hpp>
#include <cstdio>

#include "async/task_group.h"
#include "async/time_source.h"
#include "cli/hubctl/commands.h"
#include "cli/hubctl/monitor.h"

namespace selvage::cli::hubctl {

namespace {

int failed(const Error& error) {
    std::fprintf(stderr, "hubctl: %s\n", error.detail.c_str());
    return 1;
}

Awaitable<Result<>> dispatch(async::Executor loop, async::TimeSource& time, ServiceClient& hub, Options options) {
    switch (options.command) {
        case Command::identity_create:
            co_return co_await identity_create(hub, std::move(options));
        case Command::identity_show:
            co_return co_await identity_show(hub, std::move(options));
        case Command::identity_list:
            co_return co_await identity_list(hub, std::move(options));
        case Command::identity_delete:
            co_return co_await identity_delete(hub, std::move(options));
        case Command::identity_update:
            co_return co_await identity_update(hub, std::move(options));
        case Command::connection_string:
            co_return co_await connection_string(hub, std::move(options));
        case Command::set_modules:
            co_return co_await set_modules(hub, std::move(options));
        case Command::twin_show:
            co_return co_await twin_show(hub, std::move(options));
        case Command::twin_update:
            co_return co_await twin_update(hub, std::move(options));
        case Command::invoke_method:
            co_return co_await invoke_method(hub, std::move(options));
        case Command::c2d_send:
            co_return co_await c2d_send(hub, std::move(options));
        case Command::c2d_purge:
            co_return co_await c2d_purge(hub, std::move(options));
        case Command::c2d_feedback:
            co_return co_await c2d_feedback(time, hub, std::move(options));
        case Command::ca_add:
            co_return co_await ca_add(hub, std::move(options));
        case Command::ca_verify:
            co_return co_await ca_verify(hub, std::move(options));
        case Command::ca_list:
            co_return co_await ca_list(hub, std::move(options));
        case Command::ca_delete:
            co_return co_await ca_delete(hub, std::move(options));
        case Command::files_list:
            co_return co_await files_list(hub, std::move(options));
        case Command::files_get:
            co_return co_await files_get(hub, std::move(options));
        case Command::files_delete:
            co_return co_await files_delete(hub, std::move(options));
        case Command::monitor_events:
            break;
    }
    Monitor monitor(std::move(loop), time, hub, std::move(options));
    co_return co_await monitor.run();
}

Awaitable<> run_command(async::Executor loop, async::TimeSource& time, ServiceClient& hub, Options options,
                        Result<>& outcome) {
    outcome = co_await dispatch(std::move(loop), time, hub, std::move(options));
}

}  // namespace

int run(int argc, char** argv) {
    int exit_code = 0;
    auto options = read_command_line(argc, argv, exit_code);
    if (!options) return exit_code;
    if (options->command == Command::connection_string && options->device.empty()) {
        const auto text = policy_connection_string(*options);
        if (!text) return failed(text.error());
        std::printf("%s\n", text->c_str());
        return 0;
    }
    auto access = find_hub(*options);
    if (!access) return failed(access.error());
    boost::asio::io_context loop(1);
    async::SystemTime time;
    const auto dialer = net::make_dialer(time);
    auto hub = ServiceClient::make(time, *dialer, *std::move(access));
    if (!hub) return failed(hub.error());
    Result<> outcome;
    async::spawn_root(loop.get_executor(), run_command(loop.get_executor(), time, **hub, *std::move(options), outcome),
                      [&loop] { loop.stop(); });
    loop.run();
    return outcome ? 0 : failed(outcome.error());
}

}  // namespace selvage::cli::hubctl
