#include "edge/hub/sessions/method_calls.h"

#include <gtest/gtest.h>

#include "async/tests/run.h"

namespace selvage::edge::hub {
namespace {

using domain::Identity;
using namespace std::chrono_literals;

class MethodCallsTest : public ::testing::Test {
public:
    ~MethodCallsTest() override { async::testing::run(loop_, tasks_.stop()); }

    void call(domain::MethodRequest request) {
        tasks_.spawn("call", [](MethodCallsTest& t, domain::MethodRequest given) -> async::Awaitable<> {
            t.answer_ = co_await t.calls_.invoke(kModule, std::move(given));
        }(*this, std::move(request)));
        turns();
    }
    void turns() {
        for (int i = 0; i < 20; ++i) {
            loop_.restart();
            loop_.poll();
        }
    }

    static inline const Identity kModule = Identity::of_module("edge", "m");
    boost::asio::io_context loop_;
    async::VirtualTime time_{loop_.get_executor(), UtcTime(1'700'000'000'000ms)};
    SeededRandom random_{1};
    HubCounters counters_;
    bool listens_ = true;
    std::vector<std::string> delivered_;
    std::optional<Result<domain::MethodResponse>> answer_;
    MethodCalls calls_{loop_.get_executor(), time_, random_, counters_,
                       [this](const Identity&, const std::string& request_id, const domain::MethodRequest&) {
                           if (listens_) delivered_.push_back(request_id);
                           return listens_;
                       }};
    async::TaskGroup tasks_{loop_.get_executor()};
};

TEST_F(MethodCallsTest, GivesTheAnswerOfTheClientAndIgnoresStrangers) {
    call({.name = "m", .payload = "1"});
    ASSERT_EQ(delivered_.size(), 1u);
    calls_.answered(Identity::of_device("other"), delivered_[0], {.status = 1, .payload = ""});
    calls_.answered(kModule, "unknown", {.status = 1, .payload = ""});
    turns();
    EXPECT_FALSE(answer_.has_value());
    calls_.answered(kModule, delivered_[0], {.status = 207, .payload = "{}"});
    turns();
    EXPECT_EQ(answer_->value().status, 207);
}

TEST_F(MethodCallsTest, WaitsForTheClientAsLongAsTheCallerAllows) {
    listens_ = false;
    call({.name = "m", .payload = ""});
    EXPECT_EQ(answer_->error().code, Errc::not_online);
    answer_.reset();
    call({.name = "m", .payload = "", .connect_timeout = 10s});
    time_.advance(9s);
    turns();
    EXPECT_FALSE(answer_.has_value());
    listens_ = true;
    calls_.listening(kModule);
    turns();
    ASSERT_EQ(delivered_.size(), 1u);
    calls_.answered(kModule, delivered_[0], {.status = 200, .payload = ""});
    turns();
    EXPECT_TRUE(answer_->has_value());
}

TEST_F(MethodCallsTest, EndsWhenTheClientIsSilentOrLeaves) {
    call({.name = "m", .payload = "", .response_timeout = 5s});
    time_.advance(6s);
    turns();
    EXPECT_EQ(answer_->error().code, Errc::timeout);
    answer_.reset();
    call({.name = "m", .payload = ""});
    calls_.session_ended(kModule);
    turns();
    EXPECT_EQ(answer_->error().code, Errc::timeout);
}

}  // namespace
}  // namespace selvage::edge::hub
