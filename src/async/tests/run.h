// Runs one coroutine to its end on a loop of its own, with a guard against hanging.
#pragma once

#include <boost/asio/io_context.hpp>
#include <gtest/gtest.h>

#include <chrono>

#include "async/task_group.h"

namespace selvage::async::testing {

inline void run(boost::asio::io_context& loop, Awaitable<> task, std::chrono::seconds guard = std::chrono::seconds(10)) {
    bool ended = false;
    spawn_root(loop.get_executor(), std::move(task), [&] { ended = true; });
    const auto limit = std::chrono::steady_clock::now() + guard;
    while (!ended && std::chrono::steady_clock::now() < limit) {
        loop.restart();
        loop.run_one_for(std::chrono::milliseconds(100));
    }
    ASSERT_TRUE(ended) << "the coroutine did not end in " << guard.count() << " s";
}

}  // namespace selvage::async::testing
