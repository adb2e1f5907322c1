#include "async/signals.h"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <csignal>

namespace selvage::async {

Awaitable<int> wait_for_stop_signal() {
    boost::asio::basic_signal_set<Executor> signals(co_await boost::asio::this_coro::executor, SIGTERM, SIGINT);
    const auto [error, number] = co_await signals.async_wait(boost::asio::as_tuple(boost::asio::use_awaitable));
    co_return error ? 0 : number;
}

struct Signals::Impl {
    explicit Impl(const Executor& executor) : signals(executor) {}
    boost::asio::basic_signal_set<Executor> signals;
};

Signals::Signals(Executor executor, std::vector<int> numbers) : impl_(std::make_unique<Impl>(executor)) {
    for (const int number : numbers) impl_->signals.add(number);
}
Signals::~Signals() = default;

Awaitable<int> Signals::next() {
    const auto [error, number] = co_await impl_->signals.async_wait(boost::asio::as_tuple(boost::asio::use_awaitable));
    co_return error ? 0 : number;
}

}  // namespace selvage::async
