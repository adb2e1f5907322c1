// The processes of a container without the engine's help: those in the same control group as its first one.
//
// The engine's own list needs `ps` on the machine, which slim systems lack. Reads /proc, so it blocks for moments.
#pragma once

#include <vector>

#include "base/result.h"

namespace selvage::edge::runtime {

// Works with control groups of both versions. Errors: not_found when the process is gone.
Result<std::vector<int>> processes_beside(int first_process);

}  // namespace selvage::edge::runtime
