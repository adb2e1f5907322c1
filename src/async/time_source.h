// A clock one can sleep on. The real one uses the event loop's timers; a virtual one serves tests and simulation.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>

#include "async/awaitable.h"
#include "base/clock.h"
#include "base/result.h"

namespace selvage::async {

// Calls a function at a time. Where a coroutine that sleeps would do, this costs a tenth of its memory.
//
// Runs on: one loop; the function is called there, never inside a call to the timer, and never once that is destroyed.
class Timer {
public:
    virtual ~Timer() = default;
    virtual void set(TimePoint when) = 0;    // instead of what was set before
    virtual void cancel() = 0;
};

class TimeSource : public Clock {
public:
    // Returns at `when`, or Errc::cancelled when the sleeping coroutine is cancelled. Called on any loop.
    virtual Awaitable<Result<>> sleep_until(TimePoint when) = 0;
    Awaitable<Result<>> sleep_for(Duration time);
    // A timer of that loop, not set yet.
    virtual std::unique_ptr<Timer> make_timer(Executor loop, std::move_only_function<void()> ring) = 0;
};

// The machine's time. Safe from any thread.
class SystemTime final : public TimeSource {
public:
    TimePoint now() const override { return clock_.now(); }
    UtcTime utc_now() const override { return clock_.utc_now(); }
    Awaitable<Result<>> sleep_until(TimePoint when) override;
    std::unique_ptr<Timer> make_timer(Executor loop, std::move_only_function<void()> ring) override;

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
    // Dies before this does.
    std::unique_ptr<Timer> make_timer(Executor loop, std::move_only_function<void()> ring) override;

    // Moves both clocks and wakes the sleepers whose time has come. Let the loop run between steps.
    void advance(Duration by);
    // Moves the wall clock only: a clock jump.
    void jump_utc(std::chrono::milliseconds by) { utc_ += by; }
    // When the next sleeper wants to wake; nothing when nobody sleeps. A simulation advances to exactly this.
    std::optional<TimePoint> next_wake() const;

private:
    class VirtualTimer;
    // What wakes them.
    using Sleepers = std::multimap<TimePoint, std::move_only_function<void()>>;

    Executor executor_;
    TimePoint now_{};
    UtcTime utc_;
    Duration utc_remainder_{0};
    Sleepers sleepers_;
};

}  // namespace selvage::async
