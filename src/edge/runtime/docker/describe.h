// The engine's documents as our values. Pure. Wire: docs/wire/docker-engine.md#inspect.
#pragma once

#include <string>
#include <vector>

#include "base/json.h"
#include "base/result.h"
#include "edge/management/module_details.h"

namespace selvage::edge::runtime {

// Of GET /containers/{name}/json.
management::ModuleDetails describe_container(const JsonObject& inspected);

// The PID column of GET /containers/{name}/top. Errors: malformed when there is none.
Result<std::vector<int>> process_ids(const JsonObject& top);

// Where a running container shows a file or folder of this machine.
struct Mount {
    std::string source;
    std::string destination;
};
std::vector<Mount> mounts_of(const JsonObject& inspected);
// Its first process, as this machine numbers it; 0 when it does not run.
int first_process(const JsonObject& inspected);

}  // namespace selvage::edge::runtime
