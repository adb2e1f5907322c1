#include "edge/hub/scope/client_authenticator.h"

#include <gtest/gtest.h>

#include <filesystem>

#include "async/tests/run.h"
#include "edge/hub/scope/tests/fake_scope_api.h"
#include "security/sas_signer.h"
#include "storage/sqlite/sqlite_stores.h"

namespace selvage::edge::hub {
namespace {

using domain::Identity;
using namespace std::chrono_literals;

class ClientAuthenticatorTest : public ::testing::Test {
public:
    ClientAuthenticatorTest() {
        std::string pattern = (std::filesystem::temp_directory_path() / "selvage-auth-XXXXXX").string();
        folder_ = mkdtemp(pattern.data());
        store_ = *storage::open_sqlite_state_store({.path = folder_ + "/state.db"});
        sealed_ = std::make_unique<SealedStore>(*store_, random_, std::string(32, 'k'));
        cache_ = std::make_unique<ScopeCache>(loop_.get_executor(), time_, *sealed_, api_, listener_, ScopeCache::Settings{});
        authenticator_ = std::make_unique<ClientAuthenticator>(
            time_, *cache_,
            ClientAuthenticator::Settings{.edge_device = "edge", .hub_host = "hub.example", .edge_host = "Gateway"});
        api_.add(Identity::of_module("edge", "m"), "bW9kdWxl");
        api_.add(Identity::of_device("edge"), "ZWRnZQ==");
        api_.add(Identity::of_device("leaf"), "bGVhZg==");
        api_.add(Identity::of_device("off"), "bGVhZg==", false);
    }
    ~ClientAuthenticatorTest() override {
        async::testing::run(loop_, cache_->stop());
        cache_.reset();
        async::testing::run(loop_, store_->stop());
        sealed_.reset();
        store_.reset();
        std::filesystem::remove_all(folder_);
    }
    Result<hub_api::Grant> verdict(Identity identity, std::string token, std::string chain = "") {
        Result<hub_api::Grant> got = fail(Errc::internal, "");
        hub_api::Credentials credentials{
            .identity = std::move(identity), .sas_token = std::move(token), .certificate_chain_pem = {}, .auth_chain = chain};
        async::testing::run(loop_, [](ClientAuthenticator& authenticator, hub_api::Credentials given,
                                      Result<hub_api::Grant>& out) -> async::Awaitable<> {
            out = co_await authenticator.authenticate(std::move(given));
        }(*authenticator_, std::move(credentials), got));
        return got;
    }
    std::string token(const std::string& resource, std::string_view key, std::chrono::seconds life = 1h) {
        return security::make_sas_token(key, resource, time_.utc_now() + life).value();
    }

    std::string folder_;
    boost::asio::io_context loop_;
    async::VirtualTime time_{loop_.get_executor(), UtcTime(1'700'000'000'000ms)};
    SeededRandom random_{1};
    testing::FakeScopeApi api_{loop_.get_executor()};
    testing::RecordingScopeListener listener_;
    std::unique_ptr<storage::StateStore> store_;
    std::unique_ptr<SealedStore> sealed_;
    std::unique_ptr<ScopeCache> cache_;
    std::unique_ptr<ClientAuthenticator> authenticator_;
};

const Identity kModule = Identity::of_module("edge", "m");
const Identity kLeaf = Identity::of_device("leaf");

TEST_F(ClientAuthenticatorTest, LetsThoseInWhoProveThemselves) {
    struct Row {
        const char* name;
        Identity identity;
        const char* resource;
        const char* key;
    };
    const Row rows[] = {
        {"module", kModule, "hub.example/devices/edge/modules/m", "bW9kdWxl"},
        {"secondary key", kModule, "hub.example/devices/edge/modules/m", "c2Vjb25kYXJ5"},
        {"the edge's name", kModule, "gateway/devices/edge/modules/m", "bW9kdWxl"},
        {"any case", kModule, "HUB.example/devices/EDGE/modules/M", "bW9kdWxl"},
        {"the device's audience", kModule, "hub.example/devices/edge", "bW9kdWxl"},
        {"the device's key", kModule, "hub.example/devices/edge/modules/m", "ZWRnZQ=="},
        {"leaf device", kLeaf, "hub.example/devices/leaf", "bGVhZg=="},
    };
    verdict(Identity::of_device("edge"), token("hub.example/devices/edge", "ZWRnZQ=="));
    for (const auto& row : rows) {
        const auto grant = verdict(row.identity, token(row.resource, row.key));
        ASSERT_TRUE(grant.has_value()) << row.name << ": " << grant.error().detail;
        EXPECT_EQ(grant->identity, row.identity) << row.name;
        EXPECT_EQ(grant->expires, time_.utc_now() + 1h) << row.name;
        EXPECT_EQ(grant->generation_id, "g") << row.name;
    }
}

TEST_F(ClientAuthenticatorTest, RefusesTheOthersEachWithItsReason) {
    struct Row {
        const char* name;
        Identity identity;
        std::string token;
        Errc code;
    };
    const Row rows[] = {
        {"wrong key", kModule, token("hub.example/devices/edge/modules/m", "bGVhZg=="), Errc::unauthorized},
        {"expired", kModule, token("hub.example/devices/edge/modules/m", "bW9kdWxl", -1s), Errc::unauthorized},
        {"another hub", kModule, token("other.example/devices/edge/modules/m", "bW9kdWxl"), Errc::unauthorized},
        {"another module's token", kModule, token("hub.example/devices/edge/modules/x", "bW9kdWxl"), Errc::unauthorized},
        {"the module's token for its device", Identity::of_device("edge"),
         token("hub.example/devices/edge/modules/m", "bW9kdWxl"), Errc::unauthorized},
        {"no token", kModule, "", Errc::unauthorized},
        {"not a token", kModule, "SharedAccessSignature nonsense", Errc::malformed},
        {"unknown device", Identity::of_device("ghost"), token("hub.example/devices/ghost", "bGVhZg=="),
         Errc::device_not_found},
        {"unknown module", Identity::of_module("edge", "ghost"), token("hub.example/devices/edge/modules/ghost", "ZWRnZQ=="),
         Errc::module_not_found},
        {"disabled", Identity::of_device("off"), token("hub.example/devices/off", "bGVhZg=="), Errc::device_disabled},
        {"the hub itself", Identity::of_module("edge", "$edgeHub"), token("hub.example/devices/edge", "ZWRnZQ=="),
         Errc::forbidden},
    };
    for (const auto& row : rows) {
        const auto grant = verdict(row.identity, row.token);
        ASSERT_FALSE(grant.has_value()) << row.name;
        EXPECT_EQ(grant.error().code, row.code) << row.name << ": " << grant.error().detail;
    }
    EXPECT_EQ(verdict(kModule, token("hub.example/devices/edge/modules/m", "bW9kdWxl"), "edge/m;child;edge").error().code,
              Errc::forbidden);
}

TEST_F(ClientAuthenticatorTest, WhatNoRefreshCanCureCostsNoQuestion) {
    verdict(kModule, token("hub.example/devices/edge/modules/m", "bW9kdWxl", -1s));
    verdict(kModule, token("other.example/devices/edge/modules/m", "bW9kdWxl"));
    EXPECT_EQ(api_.gets, 0);
    EXPECT_TRUE(verdict(kModule, token("hub.example/devices/edge/modules/m", "bW9kdWxl")).has_value());
    EXPECT_TRUE(verdict(kModule, token("hub.example/devices/edge/modules/m", "bW9kdWxl")).has_value());
    EXPECT_EQ(api_.gets, 1);
}

TEST_F(ClientAuthenticatorTest, ARenewedKeyIsLearntAndTheOldOneRefused) {
    EXPECT_TRUE(verdict(kLeaf, token("hub.example/devices/leaf", "bGVhZg==")).has_value());
    api_.add(kLeaf, "bmV3");
    time_.advance(121s);
    EXPECT_TRUE(verdict(kLeaf, token("hub.example/devices/leaf", "bmV3")).has_value());
    EXPECT_EQ(verdict(kLeaf, token("hub.example/devices/leaf", "bGVhZg==")).error().code, Errc::unauthorized);
}

TEST_F(ClientAuthenticatorTest, OfflineTheKnownComeInAndTheUnknownAreToldToTryLater) {
    EXPECT_TRUE(verdict(kLeaf, token("hub.example/devices/leaf", "bGVhZg==")).has_value());
    api_.reachable = false;
    EXPECT_TRUE(verdict(kLeaf, token("hub.example/devices/leaf", "bGVhZg==")).has_value());
    EXPECT_EQ(verdict(kModule, token("hub.example/devices/edge/modules/m", "bW9kdWxl")).error().code, Errc::unavailable);
    EXPECT_EQ(verdict(kLeaf, token("hub.example/devices/leaf", "bW9kdWxl")).error().code, Errc::unauthorized);
}

TEST_F(ClientAuthenticatorTest, AVerdictComesInTimeWhenTheHubAboveHangs) {
    api_.answering.reset();
    Result<hub_api::Grant> got = fail(Errc::internal, "");
    async::TaskGroup tasks(loop_.get_executor());
    bool done = false;
    const auto ask = [](ClientAuthenticator& authenticator, hub_api::Credentials given, Result<hub_api::Grant>& out,
                        bool& end) -> async::Awaitable<> {
        out = co_await authenticator.authenticate(std::move(given));
        end = true;
    };
    tasks.spawn("ask", ask(*authenticator_,
                           {.identity = kLeaf,
                            .sas_token = token("hub.example/devices/leaf", "bGVhZg=="),
                            .certificate_chain_pem = {},
                            .auth_chain = {}},
                           got, done));
    for (int i = 0; i < 1000 && !done; ++i) {
        loop_.restart();
        loop_.run_one_for(1ms);
        if (i > 20) time_.advance(1s);
    }
    EXPECT_TRUE(done);
    EXPECT_EQ(got.error().code, Errc::unavailable);
    async::testing::run(loop_, tasks.stop());
    api_.answering.set();
}

}  // namespace
}  // namespace selvage::edge::hub
