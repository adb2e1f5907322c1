// The coroutine type of the whole project.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>

namespace selvage::async {

// The executor of one event loop. All work of one connection, hub or device runs on one of these, so it needs no lock.
using Executor = boost::asio::any_io_executor;

template <class T = void>
using Awaitable = boost::asio::awaitable<T, Executor>;

}  // namespace selvage::async
