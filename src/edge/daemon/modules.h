// What the management API and the watchdog do with modules: the runtime's steps in the right order, with their sockets.
//
// Runs on: one loop; calls overlap freely. `runtime` and `sockets` outlive it.
// Errors: the runtime's, each with the step in front as `context`.
#pragma once

#include <map>
#include <string>

#include "edge/daemon/module_sockets.h"
#include "edge/runtime/module_runtime.h"

namespace selvage::edge::daemon {

class Modules {
public:
    Modules(runtime::ModuleRuntime& runtime, ModuleSockets& sockets) : runtime_(runtime), sockets_(sockets) {}

    Awaitable<Result<>> pull(management::ModuleSpec spec);
    // Pulls and creates; does not start.
    Awaitable<Result<>> create(management::ModuleSpec spec);
    // Pulls first, so that the old one stays when that fails; then stops, removes, creates, and starts when asked to.
    Awaitable<Result<>> replace(std::string name, management::ModuleSpec spec, bool start);
    Awaitable<Result<>> start(std::string name);
    Awaitable<Result<>> stop(std::string name);
    Awaitable<Result<>> restart(std::string name);
    Awaitable<Result<>> remove(std::string name);

    // While a module is being replaced nobody else should bring it back.
    bool is_being_replaced(const std::string& name) const { return being_replaced_.contains(name); }

    runtime::ModuleRuntime& runtime() { return runtime_; }

private:
    runtime::ModuleRuntime& runtime_;
    ModuleSockets& sockets_;
    std::map<std::string, int> being_replaced_;
};

}  // namespace selvage::edge::daemon
