// `selvage-hub dev`: the cloud hub, an edge device and virtual sensors in one process, for a developer's own tests.
//
// Runs until SIGTERM, SIGINT or a reader of its output that has gone; then everything is taken down in order, and a temporary
// folder is removed. Output (standard output): the facts of the system, then telemetry and faults as they come.
#pragma once

#include "dev/options.h"

namespace selvage::dev {

// `options` are complete. Errors: what kept the system from running, with what to do about it.
Result<> run(const Options& options);

}  // namespace selvage::dev
