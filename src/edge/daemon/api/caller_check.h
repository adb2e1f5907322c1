// Who is at the other end of a socket: which module, or a person who may manage the device.
//
// Runs on: one loop. `runtime` and `time` outlive it. Wire: docs/wire/workload-api.md#callers.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "async/time_source.h"
#include "edge/runtime/module_runtime.h"

namespace selvage::edge::daemon {

using async::Awaitable;

class CallerCheck {
public:
    CallerCheck(runtime::ModuleRuntime& runtime, async::TimeSource& time) : runtime_(runtime), time_(time) {}

    // Is process `pid` one of the module's? `module_id` may begin with $. Found ones are believed for a second; whoever is
    // not found is looked for again.
    Awaitable<bool> is_module(int pid, std::string module_id);

    // May this process read and steer the device by the management socket: root, the daemon's own user, edgeAgent's user
    // (13622), a member of the group iotedge, or a process of the container edgeAgent.
    Awaitable<bool> may_manage(int pid, int uid);

private:
    struct Seen {
        std::vector<int> pids;
        TimePoint at{};
    };
    runtime::ModuleRuntime& runtime_;
    async::TimeSource& time_;
    std::map<std::string, Seen> seen_;
};

}  // namespace selvage::edge::daemon
