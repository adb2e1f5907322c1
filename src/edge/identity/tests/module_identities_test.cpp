#include "edge/identity/module_identities.h"

#include <gtest/gtest.h>

#include <filesystem>

#include "async/tests/run.h"
#include "base/file.h"
#include "edge/identity/tests/fake_hub.h"
#include "security/sas_signer.h"

namespace selvage::edge::identity {
namespace {

class ModuleIdentitiesTest : public ::testing::Test {
protected:
    void SetUp() override {
        std::string pattern = (std::filesystem::temp_directory_path() / "selvage-ids-XXXXXX").string();
        ASSERT_NE(::mkdtemp(pattern.data()), nullptr);
        folder_ = pattern;
        ASSERT_TRUE(replace_file(folder_ + "/device-id", "device key", 0600));
        auto keys = make_file_key_store(folder_ + "/secrets", folder_ + "/device-id", random_);
        ASSERT_TRUE(keys);
        keys_ = std::move(*keys);
    }
    void TearDown() override {
        run(fake_.stop());
        blocking_.reset();   // the last backup is written
        std::filesystem::remove_all(folder_);
    }

    HubModulesSettings settings() const {
        HubModulesSettings settings;
        settings.hub_host = "127.0.0.1";
        settings.gateway_host = "127.0.0.1";
        settings.port = fake_.port();
        settings.device_id = "d1";
        settings.retries = 0;
        return settings;
    }
    void run(async::Awaitable<> task) { async::testing::run(loop_, std::move(task)); }
    void wait_for_backup() {
        // Work of the pool is done in order, and its destructor waits.
        blocking_ = std::make_unique<async::BlockingPool>("test", 1);
    }

    boost::asio::io_context loop_;
    async::SystemTime time_;
    SystemRandom random_;
    std::unique_ptr<net::Dialer> dialer_ = net::make_dialer(time_);
    std::unique_ptr<async::BlockingPool> blocking_ = std::make_unique<async::BlockingPool>("test", 1);
    testing::FakeHub fake_{loop_.get_executor(), time_};
    std::string folder_;
    std::unique_ptr<KeyStore> keys_;
};

TEST_F(ModuleIdentitiesTest, GiveTheHubDerivedKeysAndSignWithThem) {
    HubModules hub(*dialer_, time_, *keys_, settings());
    ModuleIdentities identities(hub, *keys_, time_, *blocking_, folder_ + "/backup.json");
    run([](ModuleIdentities& ids, testing::FakeHub& fake) -> async::Awaitable<> {
        auto made = co_await ids.create("m1");
        EXPECT_TRUE(made) << made.error().detail;
        EXPECT_EQ(made->generation_id, "gen1");
        EXPECT_EQ(made->managed_by, "iotedge");
        EXPECT_EQ(fake.requests, (std::vector<std::string>{"PUT m1", "PUT m1 *"}));
        auto digest = co_await ids.sign("m1", "gen1", "data");
        EXPECT_EQ(*digest, security::hmac_sha256(*from_base64(fake.modules["m1"].primary_key), "data"));
        EXPECT_EQ(fake.requests.size(), 2u) << "the hub is not asked for a signature";
        EXPECT_TRUE(fake.last_authorization.starts_with("SharedAccessSignature sr=127.0.0.1%2Fdevices%2Fd1&sig=")) << fake.last_authorization;
        auto again = co_await ids.create("m1");
        EXPECT_TRUE(again) << "one that is there is taken: " << again.error().detail;
    }(identities, fake_));
}

TEST_F(ModuleIdentitiesTest, AskTheHubOnceWhenAModuleNamesAnotherGeneration) {
    HubModules hub(*dialer_, time_, *keys_, settings());
    ModuleIdentities identities(hub, *keys_, time_, *blocking_, folder_ + "/backup.json");
    run([](ModuleIdentities& ids, testing::FakeHub& fake) -> async::Awaitable<> {
        fake.modules["m1"].generation = "old";
        EXPECT_TRUE(co_await ids.sign("m1", "old", "x"));
        fake.modules["m1"].generation = "new";
        auto before = co_await ids.sign("m1", "old", "x");
        EXPECT_EQ(fake.requests.size(), 1u);
        auto after = co_await ids.sign("m1", "new", "x");
        EXPECT_EQ(fake.requests.size(), 2u - 1u) << "asked less than a minute ago";
        EXPECT_EQ(*before, *after);
        EXPECT_TRUE(co_await ids.list());
        after = co_await ids.sign("m1", "new", "x");
        EXPECT_NE(*before, *after) << "a new generation is a new key";
        auto unknown = co_await ids.sign("m2", "g", "x");
        EXPECT_FALSE(unknown);
        EXPECT_EQ(unknown.error().code, Errc::not_found);
    }(identities, fake_));
}

TEST_F(ModuleIdentitiesTest, ServeFromMemoryAndFileWhenTheHubIsAway) {
    HubModules hub(*dialer_, time_, *keys_, settings());
    std::string digest;
    {
        ModuleIdentities identities(hub, *keys_, time_, *blocking_, folder_ + "/backup.json");
        run([](ModuleIdentities& ids, testing::FakeHub& fake, std::string& out) -> async::Awaitable<> {
            EXPECT_TRUE(co_await ids.create("$edgeAgent"));
            out = *co_await ids.sign("$edgeAgent", "gen1", "x");
            fake.refuse_with = 500;
            auto updated = co_await ids.update("$edgeAgent");
            EXPECT_TRUE(updated) << updated.error().detail;
            EXPECT_EQ(updated->generation_id, "gen1");
        }(identities, fake_, digest));
    }
    wait_for_backup();
    ModuleIdentities restarted(hub, *keys_, time_, *blocking_, folder_ + "/backup.json");
    run([](ModuleIdentities& ids, testing::FakeHub& fake, std::string want) -> async::Awaitable<> {
        co_await ids.start();
        fake.refuse_with = 400;
        fake.refusal_body = R"({"errorMessage":"no way up","networkError":true})";
        auto list = co_await ids.list();
        EXPECT_TRUE(list && list->size() == 1);
        auto signature = co_await ids.sign("$edgeAgent", "gen1", "x");
        EXPECT_EQ(*signature, want);
        auto made = co_await ids.create("m9");
        EXPECT_FALSE(made);
        EXPECT_EQ(made.error().code, Errc::unavailable);
    }(restarted, fake_, digest));
    // Another device's memory is not ours.
    HubModulesSettings other = settings();
    other.device_id = "d2";
    HubModules other_hub(*dialer_, time_, *keys_, other);
    ModuleIdentities others(other_hub, *keys_, time_, *blocking_, folder_ + "/backup.json");
    run([](ModuleIdentities& ids) -> async::Awaitable<> {
        co_await ids.start();
        EXPECT_FALSE(co_await ids.list());
    }(others));
}

TEST_F(ModuleIdentitiesTest, PassOnWhatTheHubRefuses) {
    HubModules hub(*dialer_, time_, *keys_, settings());
    ModuleIdentities identities(hub, *keys_, time_, *blocking_, folder_ + "/backup.json");
    run([](ModuleIdentities& ids, testing::FakeHub& fake) -> async::Awaitable<> {
        EXPECT_TRUE(co_await ids.create("m1"));
        fake.refuse_with = 401;
        fake.refusal_body = R"({"Message":"ErrorCode:IotHubUnauthorizedAccess;Unauthorized"})";
        auto list = co_await ids.list();
        EXPECT_FALSE(list);
        EXPECT_EQ(list.error().code, Errc::unauthorized);
        EXPECT_NE(list.error().detail.find("IotHubUnauthorizedAccess"), std::string::npos) << list.error().detail;
        EXPECT_FALSE(co_await ids.update("m1")) << "a refusal is no lost network";
        fake.refuse_with = 0;
        EXPECT_TRUE(co_await ids.remove("m1"));
        auto gone = co_await ids.remove("m1");
        EXPECT_EQ(gone.error().code, Errc::not_found);
        EXPECT_FALSE(co_await ids.sign("m1", "gen1", "x"));
    }(identities, fake_));
}

}  // namespace
}  // namespace selvage::edge::identity
