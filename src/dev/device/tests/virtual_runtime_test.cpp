#include "dev/device/virtual_runtime.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include "async/tests/run.h"

namespace selvage::dev {
namespace {

using edge::management::ModuleSpec;
using edge::management::ModuleStatus;

// What became of the modules, in order.
using Diary = std::vector<std::string>;

class Written final : public VirtualModule {
public:
    Written(Diary& diary, std::string name, bool fails) : diary_(diary), name_(std::move(name)), fails_(fails) {}
    Awaitable<Result<>> start() override {
        diary_.push_back("start " + name_);
        if (fails_) co_return fail(Errc::io_error, "it is broken");
        co_return Result<>();
    }
    Awaitable<> stop() override {
        diary_.push_back("stop " + name_);
        co_return;
    }

private:
    Diary& diary_;
    std::string name_;
    bool fails_;
};

struct VirtualRuntimeTest : ::testing::Test {
    boost::asio::io_context loop;
    async::VirtualTime time{loop.get_executor(), UtcTime(std::chrono::hours(1))};
    Diary diary;
    VirtualRuntime runtime{loop.get_executor(), time,
                           [](const std::string& image) -> Result<> {
                               return image == "none" ? Result<>(fail(Errc::not_found, "no such image")) : Result<>();
                           },
                           [this](const std::string& image, ModuleVariables) -> Result<std::unique_ptr<VirtualModule>> {
                               return std::make_unique<Written>(diary, image, image == "broken");
                           }};

    void run(Awaitable<> task) { async::testing::run(loop, std::move(task)); }
    void TearDown() override { run(runtime.stop_all()); }
    Awaitable<> make(std::string name, std::string image) {
        ModuleSpec spec;
        spec.name = name;
        spec.image = std::move(image);
        EXPECT_TRUE(co_await runtime.create(std::move(spec)));
        EXPECT_TRUE(co_await runtime.start(name));
    }
};

TEST_F(VirtualRuntimeTest, RunsAModuleFromStartToStop) {
    run([](VirtualRuntimeTest& test) -> Awaitable<> {
        co_await test.make("m", "image");
        EXPECT_EQ((co_await test.runtime.inspect("m"))->status, ModuleStatus::running);
        EXPECT_EQ(*co_await test.runtime.processes("m"), std::vector<int>{::getpid()});
        EXPECT_TRUE(co_await test.runtime.stop("m", std::nullopt));
        const auto stopped = co_await test.runtime.inspect("m");
        EXPECT_EQ(stopped->status, ModuleStatus::stopped);
        EXPECT_EQ(stopped->exit_code, 0);
        EXPECT_FALSE(co_await test.runtime.processes("m"));
        EXPECT_TRUE(co_await test.runtime.remove("m"));
        EXPECT_EQ((co_await test.runtime.inspect("m")).error().code, Errc::not_found);
        EXPECT_EQ(test.diary, (Diary{"start image", "stop image"}));
    }(*this));
}

TEST_F(VirtualRuntimeTest, ReportsAModuleThatCannotStartAsFailed) {
    run([](VirtualRuntimeTest& test) -> Awaitable<> {
        co_await test.make("m", "broken");
        const auto details = co_await test.runtime.inspect("m");
        EXPECT_EQ(details->status, ModuleStatus::failed);
        EXPECT_EQ(details->exit_code, 1);
        EXPECT_EQ(details->exit_time, test.time.utc_now());
    }(*this));
}

TEST_F(VirtualRuntimeTest, RefusesAnImageThatItDoesNotHave) {
    run([](VirtualRuntimeTest& test) -> Awaitable<> {
        ModuleSpec spec;
        spec.name = "m";
        spec.image = "none";
        EXPECT_EQ((co_await test.runtime.pull(spec)).error().code, Errc::not_found);
        EXPECT_EQ((co_await test.runtime.create(spec)).error().code, Errc::not_found);
    }(*this));
}

TEST_F(VirtualRuntimeTest, EndsTheAgentFirstAndTheHubLast) {
    run([](VirtualRuntimeTest& test) -> Awaitable<> {
        co_await test.make("edgeHub", "hub");
        co_await test.make("a", "sensor");
        co_await test.make("edgeAgent", "agent");
        test.diary.clear();
        co_await test.runtime.stop_all();
        EXPECT_EQ(test.diary, (Diary{"stop agent", "stop sensor", "stop hub"}));
    }(*this));
}

}  // namespace
}  // namespace selvage::dev
