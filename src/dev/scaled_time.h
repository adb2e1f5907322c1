// A clock that runs faster (or slower) than the machine's, from the moment at which it is made.
//
// What hubs keep and do goes by it: intervals, times to live, retries, renewals. Connections do not: whoever is at their other
// end lives in the machine's time, so keep-alives, deadlines of sockets and ends of tokens go by that (assembly/surroundings.h).
//
// Safe from any thread.
#pragma once

#include "async/time_source.h"

namespace selvage::dev {

class ScaledTime final : public async::TimeSource {
public:
    // `scale`: how many seconds pass here in one of the machine's; over 0. `ahead`: by how much the wall clock begins ahead of
    // the machine's. `real` outlives it.
    ScaledTime(async::TimeSource& real, double scale, std::chrono::milliseconds ahead = std::chrono::milliseconds(0));

    TimePoint now() const override;
    UtcTime utc_now() const override;
    async::Awaitable<Result<>> sleep_until(TimePoint when) override;
    // Dies before this does.
    std::unique_ptr<async::Timer> make_timer(async::Executor loop, std::move_only_function<void()> ring) override;

private:
    class ScaledTimer;
    // When it is `when` here, in the machine's time.
    TimePoint real_time_of(TimePoint when) const;
    Duration passed() const;

    async::TimeSource& real_;
    double scale_;
    TimePoint start_;
    UtcTime utc_start_;
};

}  // namespace selvage::dev
