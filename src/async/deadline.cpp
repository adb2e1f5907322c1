#include "async/deadline.h"

#include <boost/asio/experimental/awaitable_operators.hpp>

namespace selvage::async {

Awaitable<bool> run_for(TimeSource& clock, Duration time, Awaitable<> task) {
    using namespace boost::asio::experimental::awaitable_operators;
    // `||` cancels the loser and waits for it.
    const auto first = co_await (std::move(task) || clock.sleep_for(time));
    co_return first.index() == 0;
}

}  // namespace selvage::async
