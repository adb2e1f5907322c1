#include "edge/daemon/watchdog.h"

#include <gtest/gtest.h>

#include <filesystem>

#include "async/tests/run.h"
#include "base/time_text.h"
#include "edge/daemon/tests/fake_runtime.h"

namespace selvage::edge::daemon {
namespace {

using testing::FakeRuntime;
using testing::ModuleStatus;

class WatchdogTest : public ::testing::Test {
protected:
    void SetUp() override {
        std::string pattern = (std::filesystem::temp_directory_path() / "selvage-w-XXXXXX").string();
        ASSERT_NE(::mkdtemp(pattern.data()), nullptr);
        folder_ = pattern;
        const auto open = [this](const std::string& path, unsigned mode, net::Serve serve) {
            return net::listen_unix(loop_.get_executor(), time_, path, mode, net::ListenSettings(), std::move(serve));
        };
        sockets_ = std::make_unique<ModuleSockets>(open, folder_, [](std::shared_ptr<net::Stream>) -> Awaitable<> { co_return; });
        modules_ = std::make_unique<Modules>(runtime_, *sockets_);
    }
    void TearDown() override {
        async::testing::run(loop_, sockets_->stop());
        std::filesystem::remove_all(folder_);
    }
    void make(Watchdog::Settings settings = {}) {
        watchdog_ = std::make_unique<Watchdog>(loop_.get_executor(), time_, *modules_, [this]() -> Awaitable<Result<management::ModuleSpec>> {
            if (!spec_error_.empty()) co_return fail(Errc::unavailable, spec_error_);
            management::ModuleSpec spec;
            spec.name = "edgeAgent";
            spec.image = "agent:1";
            co_return spec;
        }, settings);
    }
    Result<> check() {
        Result<> result;
        async::testing::run(loop_, [](Watchdog& watchdog, Result<>& out) -> Awaitable<> { out = co_await watchdog.check(); }(*watchdog_, result));
        return result;
    }
    // Looks, starts counted.
    std::size_t starts_after(std::chrono::seconds pause) {
        time_.advance(pause);
        runtime_.containers["edgeAgent"].status = ModuleStatus::failed;
        const auto before = std::ranges::count(runtime_.calls, "start edgeAgent");
        EXPECT_TRUE(check());
        return static_cast<std::size_t>(std::ranges::count(runtime_.calls, "start edgeAgent") - before);
    }

    boost::asio::io_context loop_;
    async::VirtualTime time_{loop_.get_executor(), *from_iso8601("2026-01-01T00:00:00Z")};
    FakeRuntime runtime_{loop_.get_executor()};
    std::string folder_;
    std::unique_ptr<ModuleSockets> sockets_;
    std::unique_ptr<Modules> modules_;
    std::string spec_error_;
    std::unique_ptr<Watchdog> watchdog_;
};

TEST_F(WatchdogTest, BringsTheAgentIntoTheRunningState) {
    make();
    EXPECT_TRUE(check());
    EXPECT_EQ(runtime_.containers["edgeAgent"].status, ModuleStatus::running) << "absent: created and started";
    const std::size_t calls = runtime_.calls.size();
    EXPECT_TRUE(check());
    EXPECT_EQ(runtime_.calls.size(), calls) << "running: left alone";
    time_.advance(std::chrono::minutes(10));
    runtime_.containers["edgeAgent"].status = ModuleStatus::failed;
    EXPECT_TRUE(check());
    EXPECT_EQ(runtime_.containers["edgeAgent"].status, ModuleStatus::running);
    EXPECT_FALSE(runtime_.called("remove edgeAgent"));
    time_.advance(std::chrono::minutes(10));
    runtime_.containers["edgeAgent"].status = ModuleStatus::dead;
    EXPECT_TRUE(check());
    EXPECT_TRUE(runtime_.called("remove edgeAgent"));
    EXPECT_EQ(runtime_.containers["edgeAgent"].status, ModuleStatus::running);
}

// As Docker does after it was killed at a bad moment.
TEST_F(WatchdogTest, MakesAnAgentAnewThatTheEngineDoesNotStart) {
    make();
    EXPECT_TRUE(check());
    auto& container = runtime_.containers["edgeAgent"];
    container.status = ModuleStatus::failed;
    container.refused = true;
    time_.advance(std::chrono::minutes(10));
    EXPECT_FALSE(check());
    EXPECT_FALSE(runtime_.called("remove edgeAgent")) << "once may be bad luck";
    time_.advance(std::chrono::minutes(2));
    spec_error_ = "the hub is away";
    EXPECT_FALSE(check());
    EXPECT_FALSE(runtime_.called("remove edgeAgent")) << "there would be nothing in its place";
    time_.advance(std::chrono::minutes(2));
    spec_error_.clear();
    EXPECT_TRUE(check());
    EXPECT_TRUE(runtime_.called("remove edgeAgent"));
    EXPECT_EQ(runtime_.containers["edgeAgent"].status, ModuleStatus::running);
}

TEST_F(WatchdogTest, DoesNotCreateWhileTheEngineIsDown) {
    make();
    runtime_.engine_is_down = true;
    const auto result = check();
    ASSERT_FALSE(result);
    EXPECT_EQ(result.error().code, Errc::unavailable);
    EXPECT_FALSE(runtime_.called("create edgeAgent"));
}

TEST_F(WatchdogTest, HealsAKilledAgentAtOnceAndSlowsDownForOneThatKeepsEnding) {
    make();
    EXPECT_TRUE(check());
    EXPECT_EQ(starts_after(std::chrono::seconds(0)), 1u) << "the first end is healed at once";
    EXPECT_EQ(starts_after(std::chrono::seconds(1)), 0u);
    EXPECT_EQ(starts_after(std::chrono::seconds(1)), 1u) << "after two seconds";
    EXPECT_EQ(starts_after(std::chrono::seconds(3)), 0u);
    EXPECT_EQ(starts_after(std::chrono::seconds(1)), 1u) << "after four";
    EXPECT_EQ(starts_after(std::chrono::seconds(60)), 1u);
    EXPECT_EQ(starts_after(std::chrono::seconds(0)), 1u) << "it had stayed: at once again";
}

TEST_F(WatchdogTest, GivesUpAtTheLimitAndForgetsOldFailures) {
    Watchdog::Settings settings;
    settings.retries_max = 3;
    make(settings);
    spec_error_ = "the hub is away";
    Result<> ended;
    bool over = false;
    async::TaskGroup group(loop_.get_executor());
    group.spawn("watchdog", [](Watchdog& watchdog, Result<>& out, bool& done) -> Awaitable<> {
        out = co_await watchdog.run();
        done = true;
    }(*watchdog_, ended, over));
    const auto settle = [this] {
        loop_.restart();
        while (loop_.poll() > 0) loop_.restart();
    };
    settle();
    time_.advance(std::chrono::seconds(10));
    settle();
    EXPECT_FALSE(over) << "two failures";
    spec_error_.clear();
    time_.advance(std::chrono::seconds(10));
    settle();
    EXPECT_EQ(runtime_.containers["edgeAgent"].status, ModuleStatus::running);
    for (int minute = 0; minute < 6; ++minute) {
        time_.advance(std::chrono::minutes(1));
        settle();
    }
    // It ran for a while, so the count begins anew.
    runtime_.engine_is_down = true;
    for (int round = 0; round < 2; ++round) {
        time_.advance(std::chrono::seconds(10));
        settle();
    }
    EXPECT_FALSE(over);
    time_.advance(std::chrono::seconds(10));
    settle();
    ASSERT_TRUE(over);
    EXPECT_EQ(ended.error().code, Errc::unavailable);
    EXPECT_NE(ended.error().detail.find("exceeded allowed retries"), std::string::npos) << ended.error().detail;
    async::testing::run(loop_, group.stop());
}

}  // namespace
}  // namespace selvage::edge::daemon
