// A clock one can sleep on. The real one uses the event loop's timers; a virtual one serves tests and simulation.
#pragma once

#include <map>
#include <memory>
#include <optional>

#include "async/awaitable.h"
#include "base/clock.h"
#include "base/result.h"

namespace selvage::async {

class Event;

class TimeSource : public Clock {
public:
    // Returns at `when`, or Errc::cancelled when the sleeping coroutine is cancelled. Called on any loop.
    virtual Awaitable<Result<>> sleep_until(TimePoint when) = 0;
    Awaitable<Result<>> sleep_for(Duration time);
};

// The machine's time. Safe from any thread.
class SystemTime final : public TimeSource {
public:
    TimePoint now() const override { return clock_.now(); }
    UtcTime utc_now() const override { return clock_.utc_now(); }
    Awaitable<Result<>> sleep_until(TimePoint when) override;

private:
    SystemClock clock_;
};

// Time that moves only when told to. One loop, one thread.
class VirtualTime final : public TimeSource {
public:
    VirtualTime(Executor executor, UtcTime start);
    ~VirtualTime() override;
    TimePoint now() const override { return now_; }
    UtcTime utc_now() const override { return utc_; }
    Awaitable<Result<>> sleep_until(TimePoint when) override;

    // Moves both clocks and wakes the sleepers whose time has come. Let the loop run between steps.
    void advance(Duration by);
    // Moves the wall clock only: a clock jump.
    void jump_utc(std::chrono::milliseconds by) { utc_ += by; }
    // When the next sleeper wants to wake; nothing when nobody sleeps. A simulation advances to exactly this.
    std::optional<TimePoint> next_wake() const;

private:
    Executor executor_;
    TimePoint now_{};
    UtcTime utc_;
    Duration utc_remainder_{0};
    std::multimap<TimePoint, std::shared_ptr<Event>> sleepers_;
};

}  // namespace selvage::async
