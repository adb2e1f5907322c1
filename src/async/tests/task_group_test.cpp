#include "async/task_group.h"

#include <gtest/gtest.h>

#include "async/event.h"
#include "async/tests/run.h"
#include "async/time_source.h"

namespace selvage::async {
namespace {

Awaitable<> sleep_long(SystemTime& time, int& cancelled) {
    const auto result = co_await time.sleep_for(std::chrono::hours(1));
    if (!result && result.error().code == Errc::cancelled) ++cancelled;
}

TEST(TaskGroup, StopCancelsAllAndWaits) {
    boost::asio::io_context loop;
    SystemTime time;
    int cancelled = 0;
    const auto body = [&]() -> Awaitable<> {
        TaskGroup group(loop.get_executor());
        for (int i = 0; i < 10; ++i) group.spawn("sleeper", sleep_long(time, cancelled));
        EXPECT_EQ(group.size(), 10u);
        co_await group.stop();
        EXPECT_EQ(group.size(), 0u);
        group.spawn("late", sleep_long(time, cancelled));
        EXPECT_EQ(group.size(), 0u);
        co_await group.stop();
    };
    testing::run(loop, body());
    EXPECT_EQ(cancelled, 10);
}

TEST(TaskGroup, TakesNoTaskOnceItIsStoppedAlsoIfItNeverHadOne) {
    boost::asio::io_context loop;
    SystemTime time;
    int cancelled = 0;
    const auto body = [&]() -> Awaitable<> {
        TaskGroup group(loop.get_executor());
        EXPECT_FALSE(group.stopping());
        EXPECT_EQ(group.size(), 0u);
        group.cancel();
        EXPECT_TRUE(group.stopping());
        group.spawn("late", sleep_long(time, cancelled));
        EXPECT_EQ(group.size(), 0u);
        co_await group.stop();
    };
    testing::run(loop, body());
    EXPECT_EQ(cancelled, 0);
}

Awaitable<> cancel_own_group(TaskGroup& group) {
    group.cancel();
    co_return;
}

TEST(TaskGroup, ATaskMayCancelItsOwnGroup) {
    boost::asio::io_context loop;
    SystemTime time;
    int cancelled = 0;
    const auto body = [&]() -> Awaitable<> {
        TaskGroup group(loop.get_executor());
        group.spawn("sleeper", sleep_long(time, cancelled));
        group.spawn("canceller", cancel_own_group(group));
        while (group.size() > 0) (void)co_await time.sleep_for(std::chrono::milliseconds(1));
        co_await group.stop();
    };
    testing::run(loop, body());
    EXPECT_EQ(cancelled, 1);
}

Awaitable<> throwing() {
    throw std::runtime_error("expected by the test");
    co_return;
}

TEST(TaskGroup, AnExceptionEndsOnlyItsTask) {
    boost::asio::io_context loop;
    SystemTime time;
    int cancelled = 0;
    const auto body = [&]() -> Awaitable<> {
        TaskGroup group(loop.get_executor());
        group.spawn("sleeper", sleep_long(time, cancelled));
        group.spawn("throwing", throwing());
        while (group.size() > 1) (void)co_await time.sleep_for(std::chrono::milliseconds(1));
        EXPECT_EQ(group.size(), 1u);
        co_await group.stop();
    };
    testing::run(loop, body());
    EXPECT_EQ(cancelled, 1);
}

}  // namespace
}  // namespace selvage::async
