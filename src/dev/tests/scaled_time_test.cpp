#include "dev/scaled_time.h"

#include <gtest/gtest.h>

#include "async/tests/run.h"

namespace selvage::dev {
namespace {

using namespace std::chrono_literals;
using async::Awaitable;

struct ScaledTimeTest : ::testing::Test {
    boost::asio::io_context loop;
    async::VirtualTime real{loop.get_executor(), UtcTime(1h)};

    // Whether a sleep of `time` has ended after the machine's clock went on by `real_time`.
    bool slept(ScaledTime& scaled, Duration time, Duration real_time) {
        bool ended = false;
        async::TaskGroup group(loop.get_executor());
        group.spawn("sleep", [](ScaledTime& clock, Duration how_long, bool& flag) -> Awaitable<> {
            if (co_await clock.sleep_for(how_long)) flag = true;
        }(scaled, time, ended));
        loop.restart();
        loop.poll();    // it sleeps now
        real.advance(real_time);
        loop.restart();
        loop.poll();
        const bool in_time = ended;
        async::testing::run(loop, group.stop());
        return in_time;
    }
};

TEST_F(ScaledTimeTest, RunsAsManyTimesAsFast) {
    ScaledTime scaled(real, 60, 5s);
    const auto start = scaled.now();
    EXPECT_EQ(scaled.utc_now(), UtcTime(1h + 5s));
    real.advance(2s);
    EXPECT_EQ(scaled.now() - start, 2min);
    EXPECT_EQ(scaled.utc_now(), UtcTime(1h + 5s + 2min));
}

TEST_F(ScaledTimeTest, WakesSleepersInItsOwnTimeAndNotBefore) {
    ScaledTime scaled(real, 60);
    EXPECT_FALSE(slept(scaled, 1min, 999ms));
    EXPECT_TRUE(slept(scaled, 1min, 1001ms));
}

TEST_F(ScaledTimeTest, MayRunSlower) {
    ScaledTime scaled(real, 0.5);
    EXPECT_FALSE(slept(scaled, 1s, 1900ms));
    EXPECT_TRUE(slept(scaled, 1s, 2001ms));
}

TEST_F(ScaledTimeTest, TakesTheLongestSleep) {
    ScaledTime scaled(real, 0.01);
    EXPECT_FALSE(slept(scaled, 24h * 365 * 100, 1h));
}

}  // namespace
}  // namespace selvage::dev
