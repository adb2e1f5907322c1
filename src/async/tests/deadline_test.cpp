#include "async/deadline.h"

#include <gtest/gtest.h>

#include "async/blocking_pool.h"
#include "async/event.h"
#include "async/tests/run.h"

namespace selvage::async {
namespace {

Awaitable<Result<int>> answer_after(TimeSource& time, Duration wait) {
    const auto slept = co_await time.sleep_for(wait);
    if (!slept) co_return fail(slept.error());
    co_return 42;
}

TEST(Deadline, PassesTheResultOrTimesOut) {
    boost::asio::io_context loop;
    SystemTime time;
    const auto body = [&]() -> Awaitable<> {
        auto quick = co_await with_deadline(time, std::chrono::seconds(5), answer_after(time, Duration(0)));
        EXPECT_EQ(quick.value(), 42);
        auto slow = co_await with_deadline(time, std::chrono::milliseconds(5), answer_after(time, std::chrono::hours(1)));
        EXPECT_EQ(slow.error().code, Errc::timeout);
    };
    testing::run(loop, body());
}

Awaitable<> hop(VirtualTime& time, std::vector<int>& order, int id, Duration wait) {
    const auto slept = co_await time.sleep_for(wait);
    if (slept) order.push_back(id);
}

TEST(VirtualTime, WakesSleepersInOrderOfTheirTime) {
    boost::asio::io_context loop;
    VirtualTime time(loop.get_executor(), UtcTime{});
    TaskGroup group(loop.get_executor());
    std::vector<int> order;
    group.spawn("late", hop(time, order, 2, std::chrono::seconds(20)));
    group.spawn("early", hop(time, order, 1, std::chrono::seconds(10)));
    loop.poll();
    while (const auto next = time.next_wake()) {
        time.advance(*next - time.now());
        loop.restart();
        loop.poll();
    }
    EXPECT_EQ(order, (std::vector<int>{1, 2}));
    EXPECT_EQ(time.utc_now(), UtcTime(std::chrono::seconds(20)));
    EXPECT_EQ(group.size(), 0u);
}

TEST(BlockingPool, RunsElsewhereAndComesBack) {
    boost::asio::io_context loop;
    BlockingPool pool("test", 2);
    const auto here = std::this_thread::get_id();
    const auto body = [&]() -> Awaitable<> {
        auto there = co_await pool.run([]() -> Result<std::thread::id> { return std::this_thread::get_id(); });
        EXPECT_NE(there.value(), here);
        EXPECT_EQ(std::this_thread::get_id(), here);
        auto failed = co_await pool.run([]() -> Result<> { return fail(Errc::io_error, "no"); });
        EXPECT_EQ(failed.error().code, Errc::io_error);
    };
    testing::run(loop, body());
}

}  // namespace
}  // namespace selvage::async
