// What runs modules: an interface, of which docker/ is the implementation.
//
// Runs on: one loop; calls overlap freely, and none waits for another one's pull. Every call has a deadline of its own.
// Errors everywhere: unavailable when the engine cannot be reached (detail says where and why), else what it refused:
// not_found, already_exists, invalid_argument, forbidden, or internal, with the engine's own words in `detail`.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "async/awaitable.h"
#include "base/json.h"
#include "base/result.h"
#include "edge/management/log_query.h"
#include "edge/management/module_details.h"
#include "edge/management/module_spec.h"

namespace selvage::edge::runtime {

using async::Awaitable;

// False ends the transfer.
using OnLogPart = std::function<Awaitable<bool>(std::string_view part)>;
// A container of ours started or ended.
using OnModuleEvent = std::function<void(std::string name)>;

struct EngineInfo {
    std::string server_version;
};

class ModuleRuntime {
public:
    virtual ~ModuleRuntime() = default;

    // Makes what modules need before the first one: the network.
    virtual Awaitable<Result<>> prepare() = 0;
    virtual Awaitable<Result<EngineInfo>> info() = 0;

    // Fetches the image unless the policy is never. When that fails and the image is here already, that one is used: a
    // registry that cannot be reached stops no device.
    virtual Awaitable<Result<>> pull(management::ModuleSpec spec) = 0;
    // Creates the container from an image that is here; does not start it.
    virtual Awaitable<Result<>> create(management::ModuleSpec spec) = 0;
    virtual Awaitable<Result<>> start(std::string name) = 0;       // fine when it runs
    // Asks it to end and kills it after `patience` (nothing: the engine's own); fine when it does not run.
    virtual Awaitable<Result<>> stop(std::string name, std::optional<std::chrono::seconds> patience) = 0;
    virtual Awaitable<Result<>> restart(std::string name) = 0;
    virtual Awaitable<Result<>> remove(std::string name) = 0;      // running or not; its volumes stay

    virtual Awaitable<Result<management::ModuleDetails>> inspect(std::string name) = 0;
    // All that carry our owner label; those that vanish meanwhile are left out.
    virtual Awaitable<Result<std::vector<management::ModuleDetails>>> list() = 0;
    virtual Awaitable<Result<>> logs(std::string name, management::LogQuery query, OnLogPart on_part) = 0;
    // Its processes, as this machine numbers them. Errors: not_found when it does not run.
    virtual Awaitable<Result<std::vector<int>>> processes(std::string name) = 0;
    // One raw statistics document a module that runs; takes a second or two.
    virtual Awaitable<Result<JsonArray>> statistics() = 0;

    // Reports starts and ends until it is cancelled or the engine goes away (then unavailable).
    virtual Awaitable<Result<>> watch(OnModuleEvent on_event) = 0;

    // Shows a running module the socket that is now at `host_path`, where it has an older one of that path mounted. A file
    // that is bind-mounted keeps showing the file that was there at the time, so after a restart of the daemon modules
    // would knock at a dead socket. Nothing to do is fine. Errors: unsupported when the machine does not allow it (the
    // module must then be restarted).
    virtual Awaitable<Result<>> refresh_mount(std::string name, std::string host_path) = 0;
};

}  // namespace selvage::edge::runtime
