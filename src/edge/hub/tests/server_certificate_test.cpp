#include "edge/hub/server_certificate.h"

#include <gtest/gtest.h>

#include "async/tests/run.h"
#include "security/certificates.h"

namespace selvage::edge::hub {
namespace {

using namespace std::chrono_literals;

class ServerCertificateTest : public ::testing::Test {
public:
    async::Awaitable<Result<ServerCertificate>> fetch() {
        ++fetches_;
        if (!reachable_) co_return fail(Errc::unavailable, "no daemon");
        const auto made = security::make_certificate({.common_name = "gateway", .lifetime = 24h * 30, .server_auth = true},
                                                     nullptr, time_.utc_now(), random_);
        co_return ServerCertificate{made->certificate_pem, made->key_pem, time_.utc_now() + 24h * 30};
    }
    void turns() {
        for (int i = 0; i < 30; ++i) {
            loop_.restart();
            loop_.poll();
        }
    }
    // Goes through time in steps, as the keeper sleeps.
    void pass(std::chrono::hours time) {
        for (auto left = time; left > 0h; left -= 1h) {
            time_.advance(1h);
            turns();
        }
    }

    boost::asio::io_context loop_;
    async::VirtualTime time_{loop_.get_executor(), UtcTime(1'700'000'000'000ms)};
    SystemRandom random_;
    int fetches_ = 0;
    bool reachable_ = true;
    ServerCertificateKeeper keeper_{loop_.get_executor(), time_, [this](UtcTime) { return fetch(); }};
};

TEST_F(ServerCertificateTest, IsRenewedAfterTwoThirdsOfItsLifeAndTriedUntilItWorks) {
    async::testing::run(loop_, [](ServerCertificateKeeper& keeper) -> async::Awaitable<> {
        const auto context = co_await keeper.start();
        EXPECT_TRUE(context.has_value());
    }(keeper_));
    EXPECT_EQ(fetches_, 1);
    pass(24h * 20 - 1h);
    EXPECT_EQ(fetches_, 1);
    reachable_ = false;
    pass(3h);
    EXPECT_GT(fetches_, 2);
    reachable_ = true;
    pass(1h);
    const auto after = fetches_;
    pass(24h * 19);
    EXPECT_EQ(fetches_, after);
    async::testing::run(loop_, keeper_.stop());
}

TEST_F(ServerCertificateTest, AFirstCertificateThatCannotBeHadIsAnError) {
    reachable_ = false;
    async::testing::run(loop_, [](ServerCertificateKeeper& keeper) -> async::Awaitable<> {
        const auto context = co_await keeper.start();
        EXPECT_EQ(context.error().code, Errc::unavailable);
    }(keeper_));
    async::testing::run(loop_, keeper_.stop());
}

}  // namespace
}  // namespace selvage::edge::hub
