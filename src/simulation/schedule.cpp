#include "simulation/schedule.h"

#include <boost/asio/detail/concurrency_hint.hpp>

namespace selvage::simulation {

// One thread uses the loop, and nobody else ever posts to it: no locks.
Schedule::Schedule(UtcTime start) : context_(BOOST_ASIO_CONCURRENCY_HINT_UNSAFE), time_(context_.get_executor(), start) {
    // The product may take the epoch for "never".
    time_.advance(std::chrono::hours(1));
}

void Schedule::at(TimePoint when, std::move_only_function<void()> act) {
    acts_.emplace(std::max(when, now()), std::move(act));
}

void Schedule::run_ready() {
    std::uint64_t here = 0;
    context_.restart();
    while (context_.poll_one() > 0) {
        ++turns_;
        if (++here > kTurnsMax) {
            stuck_ = true;
            return;
        }
    }
}

bool Schedule::run_until(TimePoint end, const std::function<bool()>& enough) {
    for (;;) {
        run_ready();
        if (stuck_) return false;
        if (enough && enough()) return true;
        auto next = time_.next_wake();
        if (!acts_.empty() && (!next || acts_.begin()->first < *next)) next = acts_.begin()->first;
        if (!next || *next > end) {
            if (end > now()) time_.advance(end - now());
            return !enough;
        }
        if (*next > now()) time_.advance(*next - now());
        while (!acts_.empty() && acts_.begin()->first <= now()) {
            const auto act = std::make_unique<std::move_only_function<void()>>(std::move(acts_.begin()->second));
            acts_.erase(acts_.begin());
            (*act)();
        }
    }
}

}  // namespace selvage::simulation
