// For what gathers within a turn of the loop: one write for all that was said in it.
#pragma once

#include "async/awaitable.h"

namespace selvage::async {

// Returns once all else that is ready now has run. Runs on: `loop`.
Awaitable<> next_turn(Executor loop);

}  // namespace selvage::async
