// The task runs as a coroutine of its own, so that it can be cancelled without its caller; whoever cancels the caller
// cancels it too. One timer beside it: this stands in front of every wait there is, so it is to be light.
#include "async/deadline.h"

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>

namespace selvage::async {
namespace {

using boost::asio::cancellation_type;

// Passes the caller's cancellation on, as long as it lives.
class Forwarding {
public:
    Forwarding(boost::asio::cancellation_slot from, boost::asio::cancellation_signal& to) : from_(from) {
        if (from_.is_connected()) from_.assign([&to](cancellation_type type) { to.emit(type); });
    }
    ~Forwarding() {
        if (from_.is_connected()) from_.clear();
    }
    Forwarding(const Forwarding&) = delete;
    Forwarding& operator=(const Forwarding&) = delete;

private:
    boost::asio::cancellation_slot from_;
};

}  // namespace

Awaitable<bool> run_for(TimeSource& clock, Duration time, Awaitable<> task) {
    const auto loop = co_await boost::asio::this_coro::executor;
    const auto caller = co_await boost::asio::this_coro::cancellation_state;
    boost::asio::cancellation_signal stop;
    bool late = false;
    const auto timer = clock.make_timer(loop, [&stop, &late] {
        late = true;
        stop.emit(cancellation_type::all);
    });
    timer->set(clock.now() + time);
    const Forwarding forwarding(caller.slot(), stop);
    try {
        co_await boost::asio::co_spawn(loop, std::move(task),
                                       boost::asio::bind_cancellation_slot(stop.slot(), boost::asio::use_awaitable));
    } catch (...) {
        // A task that was cancelled may say so by an exception.
        if (!late) throw;
    }
    co_return !late;
}

}  // namespace selvage::async
