// Time as a dependency: code below apps/ never asks the system for the time, it is given a Clock.
#pragma once

#include <chrono>

namespace selvage {

using Duration = std::chrono::nanoseconds;
// Monotonic, for deadlines and intervals. Only differences mean anything.
using TimePoint = std::chrono::time_point<std::chrono::steady_clock, Duration>;
// Wall clock in UTC, milliseconds, for what users and protocols see. It may jump.
using UtcTime = std::chrono::sys_time<std::chrono::milliseconds>;

class Clock {
public:
    virtual ~Clock() = default;
    virtual TimePoint now() const = 0;
    virtual UtcTime utc_now() const = 0;
};

// The machine's clocks. Safe from any thread.
class SystemClock final : public Clock {
public:
    TimePoint now() const override;
    UtcTime utc_now() const override;
};

}  // namespace selvage
