// What the daemon tells about its machine: GET /systeminfo and /systeminfo/resources.
//
// Runs on: one loop; reads /proc and /sys on the pool. Everything given outlives it.
// Wire: docs/wire/management-api.md#systeminfo.
#pragma once

#include <map>
#include <string>

#include "async/blocking_pool.h"
#include "async/time_source.h"
#include "edge/runtime/module_runtime.h"

namespace selvage::edge::daemon {

using async::Awaitable;

class SystemInfo {
public:
    // `additional` strings override or are appended.
    SystemInfo(runtime::ModuleRuntime& runtime, async::TimeSource& time, async::BlockingPool& blocking, std::string version,
               std::map<std::string, std::string> additional);

    Awaitable<Result<JsonObject>> describe();
    Awaitable<Result<JsonObject>> resources();

private:
    runtime::ModuleRuntime& runtime_;
    async::TimeSource& time_;
    async::BlockingPool& blocking_;
    std::string version_;
    std::map<std::string, std::string> additional_;
    TimePoint started_;
};

}  // namespace selvage::edge::daemon
