#include "cloud/sessions/session_table.h"

#include <gtest/gtest.h>

#include <optional>

#include "async/tests/run.h"

namespace selvage::cloud::sessions {
namespace {

using domain::Identity;
using hub_api::CloseReason;

struct RecordingSink final : hub_api::DeviceSink {
    std::optional<CloseReason> closed;
    void deliver(hub_api::Delivery) override {}
    void desired_changed(std::int64_t, const std::string&) override {}
    void invoke_method(const std::string&, const domain::MethodRequest&) override {}
    void close(CloseReason reason) override { closed = reason; }
};

struct SessionTableTest : testing::Test {
    boost::asio::io_context loop;
    SessionTable table{loop.get_executor(), 4};
    std::shared_ptr<RecordingSink> open(const Identity& identity, std::vector<std::string> chain = {}) {
        auto sink = std::make_shared<RecordingSink>();
        EXPECT_TRUE(table.open(identity, std::move(chain), sink, UtcTime{}));
        return sink;
    }
};

TEST_F(SessionTableTest, ANewerConnectionOfAnIdentityClosesTheOlder) {
    const auto older = open(Identity::of_device("d1"));
    const auto older_session = table.find(Identity::of_device("d1"));
    const auto newer = open(Identity::of_device("d1"));
    EXPECT_EQ(older->closed, CloseReason::replaced);
    EXPECT_FALSE(newer->closed);
    table.end(older_session);
    EXPECT_NE(table.find(Identity::of_device("d1")), nullptr) << "the older one's end took the newer one along";
}

TEST_F(SessionTableTest, RevokingADeviceClosesItsModulesAndNobodyElse) {
    const auto device = open(Identity::of_device("d1"));
    const auto module = open(Identity::of_module("d1", "m1"));
    const auto other = open(Identity::of_device("d10"));
    table.revoke_device("d1", CloseReason::identity_disabled);
    EXPECT_EQ(device->closed, CloseReason::identity_disabled);
    EXPECT_EQ(module->closed, CloseReason::identity_disabled);
    EXPECT_FALSE(other->closed);
    EXPECT_EQ(table.size(), 1u);
}

TEST_F(SessionTableTest, RevokingAnEdgeDeviceClosesWhatItHoldsForOthers) {
    const auto leaf = open(Identity::of_device("leaf"), {"leaf", "edge"});
    const auto own = open(Identity::of_device("loner"));
    table.revoke_on_behalf("edge", CloseReason::unauthorized);
    EXPECT_EQ(leaf->closed, CloseReason::unauthorized);
    EXPECT_FALSE(own->closed);
}

TEST_F(SessionTableTest, TheBoundOnClientsIsKeptAndATakeoverNeedsNoRoom) {
    for (const char* id : {"a", "b", "c", "d"})
        open(Identity::of_device(id));
    const auto refused = table.open(Identity::of_device("e"), {}, std::make_shared<RecordingSink>(), UtcTime{});
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, Errc::quota_exceeded);
    open(Identity::of_device("a"));
}

TEST_F(SessionTableTest, TheEndOfASessionFailsItsWaitingMethods) {
    open(Identity::of_device("d1"));
    const auto session = table.find(Identity::of_device("d1"));
    std::optional<Errc> seen;
    session->methods_waiting.emplace("1", [&](Result<domain::MethodResponse> answer) { seen = answer.error().code; });
    table.end(session);
    EXPECT_EQ(seen, Errc::connection_closed);
}

TEST_F(SessionTableTest, WaitingForMethodsEndsWhenASessionWantsThem) {
    async::testing::run(loop, [](SessionTable& sessions, SessionTableTest& test) -> async::Awaitable<> {
        test.open(Identity::of_device("d1"));
        async::TaskGroup group(co_await boost::asio::this_coro::executor);
        bool woken = false;
        const auto wait = [](SessionTable& s, bool& flag) -> async::Awaitable<> {
            co_await s.wait_for_methods(Identity::of_device("d1"));
            flag = true;
        };
        group.spawn("wait", wait(sessions, woken));
        co_await boost::asio::post(boost::asio::use_awaitable);
        co_await boost::asio::post(boost::asio::use_awaitable);
        EXPECT_FALSE(woken);
        sessions.methods_wanted(*sessions.find(Identity::of_device("d1")));
        for (int turn = 0; turn < 4; ++turn)
            co_await boost::asio::post(boost::asio::use_awaitable);
        EXPECT_TRUE(woken);
        co_await group.stop();
    }(table, *this));
}

}  // namespace
}  // namespace selvage::cloud::sessions
