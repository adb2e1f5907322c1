// Waits for the process to be asked to stop, or for other signals.
#pragma once

#include <memory>
#include <vector>

#include "async/awaitable.h"

namespace selvage::async {

// Returns the number of the first SIGTERM or SIGINT that arrives; 0 when the waiting coroutine is cancelled.
Awaitable<int> wait_for_stop_signal();

// Takes signals for as long as it lives, so that none that comes between two waits is missed. Runs on: one loop.
class Signals {
public:
    Signals(Executor executor, std::vector<int> numbers);
    ~Signals();
    // The number of the next one; 0 when the waiting coroutine is cancelled.
    Awaitable<int> next();

private:
    struct Impl;
    std::unique_ptr<Impl> impl_;
};

}  // namespace selvage::async
