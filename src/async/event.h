// A flag that coroutines wait for.
//
// Runs on: one loop; set(), reset() and wait() are called there. Any number may wait.
#pragma once

#include <memory>

#include "async/awaitable.h"

namespace selvage::async {

class Event {
public:
    explicit Event(Executor executor);
    ~Event();
    Event(const Event&) = delete;
    Event& operator=(const Event&) = delete;

    void set();    // wakes all who wait; later waits return at once
    void reset();
    bool is_set() const;

    // Returns when the flag is set, or when the waiting coroutine is cancelled (look at is_set()). The Event must outlive
    // the wait.
    Awaitable<> wait();

private:
    struct Impl;
    std::unique_ptr<Impl> impl_;
};

}  // namespace selvage::async
