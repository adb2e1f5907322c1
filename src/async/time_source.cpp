#include "async/time_source.h"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "async/event.h"

namespace selvage::async {

Awaitable<Result<>> TimeSource::sleep_for(Duration time) { return sleep_until(now() + time); }

Awaitable<Result<>> SystemTime::sleep_until(TimePoint when) {
    using Timer = boost::asio::basic_waitable_timer<std::chrono::steady_clock,
                                                    boost::asio::wait_traits<std::chrono::steady_clock>, Executor>;
    Timer timer(co_await boost::asio::this_coro::executor, when);
    const auto [error] = co_await timer.async_wait(boost::asio::as_tuple(boost::asio::use_awaitable));
    if (error) co_return fail(Errc::cancelled, "sleep cancelled");
    co_return Result<>{};
}

VirtualTime::VirtualTime(Executor executor, UtcTime start) : executor_(std::move(executor)), utc_(start) {}
VirtualTime::~VirtualTime() = default;

Awaitable<Result<>> VirtualTime::sleep_until(TimePoint when) {
    if (when <= now_) co_return Result<>{};
    const auto event = std::make_shared<Event>(executor_);
    const auto self = sleepers_.emplace(when, event);
    co_await event->wait();
    if (event->is_set()) co_return Result<>{};
    sleepers_.erase(self);
    co_return fail(Errc::cancelled, "sleep cancelled");
}

void VirtualTime::advance(Duration by) {
    now_ += by;
    utc_remainder_ += by;
    const auto whole = std::chrono::floor<std::chrono::milliseconds>(utc_remainder_);
    utc_ += whole;
    utc_remainder_ -= whole;
    while (!sleepers_.empty() && sleepers_.begin()->first <= now_) {
        const auto event = sleepers_.begin()->second;
        sleepers_.erase(sleepers_.begin());
        event->set();
    }
}

std::optional<TimePoint> VirtualTime::next_wake() const {
    if (sleepers_.empty()) return std::nullopt;
    return sleepers_.begin()->first;
}

}  // namespace selvage::async
