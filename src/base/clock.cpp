#include "base/clock.h"

namespace selvage {

TimePoint SystemClock::now() const { return std::chrono::steady_clock::now(); }

UtcTime SystemClock::utc_now() const {
    return std::chrono::floor<std::chrono::milliseconds>(std::chrono::system_clock::now());
}

}  // namespace selvage
