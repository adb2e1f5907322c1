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

Awaitable<> hold_until_stopped(TimeSource& time, std::string& ended) {
    auto slow = co_await with_deadline(time, std::chrono::hours(1), answer_after(time, std::chrono::hours(2)));
    ended = slow ? "answered" : std::string(name(slow.error().code));
}

TEST(Deadline, PassesOnTheCancellationOfItsCaller) {
    boost::asio::io_context loop;
    SystemTime time;
    std::string ended;
    TaskGroup group(loop.get_executor());
    const auto body = [&]() -> Awaitable<> {
        group.spawn("held", hold_until_stopped(time, ended));
        co_await time.sleep_for(std::chrono::milliseconds(1));
        co_await group.stop();
    };
    testing::run(loop, body());
    EXPECT_EQ(ended, "cancelled");
}

Awaitable<> throw_at_once() {
    throw std::runtime_error("a bug");
    co_return;
}

TEST(Deadline, LetsExceptionsThrough) {
    boost::asio::io_context loop;
    SystemTime time;
    bool caught = false;
    const auto body = [&]() -> Awaitable<> {
        try {
            co_await run_for(time, std::chrono::hours(1), throw_at_once());
        } catch (const std::runtime_error&) {
            caught = true;
        }
    };
    testing::run(loop, body());
    EXPECT_TRUE(caught);
}

TEST(SystemTimer, RingsOnceForTheLastTimeThatWasSet) {
    boost::asio::io_context loop;
    SystemTime time;
    int rung = 0;
    const auto timer = time.make_timer(loop.get_executor(), [&] { ++rung; });
    timer->set(time.now() + std::chrono::hours(1));
    timer->set(time.now());
    EXPECT_EQ(rung, 0) << "never inside a call";
    loop.run();
    EXPECT_EQ(rung, 1);
}

TEST(SystemTimer, IsSilentOnceCancelledOrDestroyed) {
    boost::asio::io_context loop;
    SystemTime time;
    const auto cancelled = time.make_timer(loop.get_executor(), [] { FAIL(); });
    auto destroyed = time.make_timer(loop.get_executor(), [] { FAIL(); });
    cancelled->set(time.now());
    destroyed->set(time.now());
    cancelled->cancel();
    destroyed.reset();
    loop.run();
}

TEST(VirtualTimer, RingsWhenItsTimeHasComeAndNotWhenCancelled) {
    boost::asio::io_context loop;
    VirtualTime time(loop.get_executor(), UtcTime{});
    int rung = 0;
    const auto timer = time.make_timer(loop.get_executor(), [&] { ++rung; });
    timer->set(time.now() + std::chrono::seconds(5));
    EXPECT_EQ(time.next_wake(), time.now() + std::chrono::seconds(5));
    time.advance(std::chrono::seconds(5));
    loop.poll();
    EXPECT_EQ(rung, 1);
    timer->set(time.now() + std::chrono::seconds(5));
    timer->cancel();
    EXPECT_EQ(time.next_wake(), std::nullopt);
    timer->set(time.now());
    time.advance(Duration(0));
    timer->cancel();
    loop.restart();
    loop.poll();
    EXPECT_EQ(rung, 1) << "cancelled between its time and its call";
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
