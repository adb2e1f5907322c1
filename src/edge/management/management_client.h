// The management API as edgeAgent and the command line call it: HTTP over the daemon's Unix socket.
//
//   ManagementClient daemon(*dialer, time, environment.management_uri);
//   auto modules = co_await daemon.list_modules();
//
// Runs on: the loop of the caller; calls may overlap. `dialer` and `time` outlive it. Every call has a deadline: 60 s, and
// ten minutes for those that may pull an image. Errors: unavailable when nothing listens on the socket (the daemon is
// down, or has been restarted and this socket is a dead one); else by status: forbidden 403, not_found 404,
// already_exists 409, invalid_argument 400, malformed 422, throttled 429, internal the rest. `detail` reads
// `Error calling <operation>: <the daemon's message>`.
// Wire: docs/wire/management-api.md.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "async/time_source.h"
#include "edge/management/log_query.h"
#include "edge/management/module_details.h"
#include "edge/management/module_spec.h"
#include "net/dial.h"

namespace selvage::edge::management {

using async::Awaitable;

inline constexpr std::string_view kApiVersion = "2022-08-03";

// The socket path of unix:///path. Errors: invalid_argument.
Result<std::string> socket_path_of(std::string_view uri);

class ManagementClient {
public:
    // `management_uri` is unix:///path; a bad one makes every call fail with invalid_argument.
    ManagementClient(net::Dialer& dialer, async::TimeSource& time, std::string management_uri,
                     std::string api_version = std::string(kApiVersion));
    ~ManagementClient();

    Awaitable<Result<std::vector<ModuleDetails>>> list_modules();
    Awaitable<Result<ModuleDetails>> module(std::string name);
    // Pulls if its policy says so, and creates; does not start.
    Awaitable<Result<ModuleDetails>> create_module(ModuleSpec spec);
    // Stops and removes what runs, creates, and starts when asked to. For `edgeAgent` the answer comes before the work.
    Awaitable<Result<ModuleDetails>> update_module(ModuleSpec spec, bool start);
    // Pulls the image and nothing else.
    Awaitable<Result<>> prepare_update(ModuleSpec spec);
    Awaitable<Result<>> delete_module(std::string name);
    Awaitable<Result<>> start_module(std::string name);      // fine when it runs already
    Awaitable<Result<>> stop_module(std::string name);
    Awaitable<Result<>> restart_module(std::string name);

    // The raw log stream (LogFrames takes it apart), part by part; false from `on_part` ends it.
    Awaitable<Result<>> logs(std::string name, LogQuery query,
                             std::function<Awaitable<bool>(std::string_view part)> on_part);

    Awaitable<Result<std::vector<ModuleIdentity>>> list_identities();
    Awaitable<Result<ModuleIdentity>> create_identity(std::string module_id);
    // Writes its keys at the hub again; the answer has the current generation.
    Awaitable<Result<ModuleIdentity>> update_identity(ModuleIdentity identity);
    Awaitable<Result<>> delete_identity(std::string module_id);

    Awaitable<Result<JsonObject>> system_info();
    Awaitable<Result<JsonObject>> system_resources();
    Awaitable<Result<>> reprovision();

private:
    struct Impl;
    std::unique_ptr<Impl> impl_;
};

}  // namespace selvage::edge::management
