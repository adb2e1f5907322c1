// Builds the edge hub's objects and runs them until SIGTERM or a failure that a restart may cure.
#pragma once

#include "async/awaitable.h"
#include "edge/hub/environment/hub_environment.h"

namespace selvage::apps {

// Errors: why the edge hub could not start or go on.
async::Awaitable<Result<>> serve_edge_hub(async::Executor loop, edge::hub::HubEnvironment environment);

}  // namespace selvage::apps
