#include "dev/scaled_time.h"

#include <cmath>

namespace selvage::dev {
namespace {

// Longer than any process lives; keeps sums below from overflowing.
constexpr double kLongest = 1e18;    // nanoseconds, 31 years

Duration nanoseconds(double count) { return Duration(static_cast<Duration::rep>(std::fmin(count, kLongest))); }

}  // namespace

ScaledTime::ScaledTime(async::TimeSource& real, double scale, std::chrono::milliseconds ahead)
    : real_(real), scale_(scale), start_(real.now()), utc_start_(real.utc_now() + ahead) {
    SELVAGE_ASSERT(scale > 0);
}

Duration ScaledTime::passed() const {
    return nanoseconds(static_cast<double>((real_.now() - start_).count()) * scale_);
}

TimePoint ScaledTime::now() const { return start_ + passed(); }

UtcTime ScaledTime::utc_now() const { return utc_start_ + std::chrono::floor<std::chrono::milliseconds>(passed()); }

async::Awaitable<Result<>> ScaledTime::sleep_until(TimePoint when) {
    // Rounded up: nobody wakes before his time.
    const auto wait = nanoseconds(std::ceil(static_cast<double>((when - start_).count()) / scale_) + 1);
    co_return co_await real_.sleep_until(start_ + wait);
}

}  // namespace selvage::dev
