#include "async/channel.h"

#include <gtest/gtest.h>

#include "async/tests/run.h"

namespace selvage::async {
namespace {

Awaitable<> read_all(Channel<int>& channel, std::vector<int>& got) {
    while (auto item = co_await channel.pop()) got.push_back(*item);
}

TEST(Channel, RefusesWhenFullAndDrainsAfterClose) {
    boost::asio::io_context loop;
    Channel<int> channel(loop.get_executor(), 2);
    std::vector<int> got;
    EXPECT_TRUE(channel.try_push(1));
    EXPECT_TRUE(channel.try_push(2));
    EXPECT_FALSE(channel.try_push(3));
    channel.close();
    EXPECT_FALSE(channel.try_push(4));
    testing::run(loop, read_all(channel, got));
    EXPECT_EQ(got, (std::vector<int>{1, 2}));
}

Awaitable<> write_many(Channel<int>& channel, int count) {
    for (int i = 0; i < count; ++i)
        while (!channel.try_push(i)) co_await channel.room();
    channel.close();
}

TEST(Channel, WriterWaitsForRoom) {
    boost::asio::io_context loop;
    Channel<int> channel(loop.get_executor(), 3);
    std::vector<int> got;
    TaskGroup group(loop.get_executor());
    group.spawn("writer", write_many(channel, 100));
    testing::run(loop, read_all(channel, got));
    loop.restart();
    loop.poll();
    ASSERT_EQ(got.size(), 100u);
    EXPECT_EQ(got.back(), 99);
}

}  // namespace
}  // namespace selvage::async
