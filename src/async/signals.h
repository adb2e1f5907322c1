// Waits for the process to be asked to stop.
#pragma once

#include "async/awaitable.h"

namespace selvage::async {

// Returns the number of the first SIGTERM or SIGINT that arrives; 0 when the waiting coroutine is cancelled.
Awaitable<int> wait_for_stop_signal();

}  // namespace selvage::async
