#include "async/event.h"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>

namespace selvage::async {

// A timer that never expires; cancelling it wakes every waiter in one go.
struct Event::Impl {
    explicit Impl(Executor executor) : timer(std::move(executor), boost::asio::steady_timer::time_point::max()) {}
    boost::asio::basic_waitable_timer<std::chrono::steady_clock, boost::asio::wait_traits<std::chrono::steady_clock>, Executor>
        timer;
    bool set = false;
};

Event::Event(Executor executor) : impl_(std::make_unique<Impl>(std::move(executor))) {}
Event::~Event() = default;

void Event::set() {
    if (impl_->set) return;
    impl_->set = true;
    impl_->timer.cancel();
}

void Event::reset() { impl_->set = false; }
bool Event::is_set() const { return impl_->set; }

Awaitable<> Event::wait() {
    if (impl_->set) co_return;
    co_await impl_->timer.async_wait(boost::asio::as_tuple(boost::asio::use_awaitable));
}

}  // namespace selvage::async
