#include "async/turn.h"

#include <boost/asio/post.hpp>
#include <boost/asio/use_awaitable.hpp>

namespace selvage::async {

Awaitable<> next_turn(Executor loop) {
    co_await boost::asio::post(loop, boost::asio::use_awaitable);
}

}  // namespace selvage::async
