// Where blocking work is done when it is not done on threads: a simulation does it on its own loop, so that the same seed
// gives the same run.
#pragma once

#include <functional>

namespace selvage::async {

class Worker {
public:
    virtual ~Worker() = default;
    // Does `work` later, behind all that was given before; never inside this call, never two at once.
    virtual void run(std::move_only_function<void()> work) = 0;
};

}  // namespace selvage::async
