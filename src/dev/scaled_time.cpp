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

TimePoint ScaledTime::real_time_of(TimePoint when) const {
    // Rounded up: nobody wakes before his time.
    return start_ + nanoseconds(std::ceil(static_cast<double>((when - start_).count()) / scale_) + 1);
}

async::Awaitable<Result<>> ScaledTime::sleep_until(TimePoint when) { co_return co_await real_.sleep_until(real_time_of(when)); }

class ScaledTime::ScaledTimer final : public async::Timer {
public:
    ScaledTimer(const ScaledTime& time, std::unique_ptr<async::Timer> real) : time_(time), real_(std::move(real)) {}
    void set(TimePoint when) override { real_->set(time_.real_time_of(when)); }
    void cancel() override { real_->cancel(); }

private:
    const ScaledTime& time_;
    std::unique_ptr<async::Timer> real_;
};

std::unique_ptr<async::Timer> ScaledTime::make_timer(async::Executor loop, std::move_only_function<void()> ring) {
    return std::make_unique<ScaledTimer>(*this, real_.make_timer(std::move(loop), std::move(ring)));
}

}  // namespace selvage::dev
