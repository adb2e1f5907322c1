#include "edge/identity/key_store.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>

#include "base/encoding.h"
#include "base/file.h"
#include "edge/identity/module_identities.h"
#include "edge/identity/provisioning_state.h"
#include "security/sas_signer.h"

namespace selvage::edge::identity {
namespace {

class KeyStoreTest : public ::testing::Test {
protected:
    void SetUp() override {
        std::string pattern = (std::filesystem::temp_directory_path() / "selvage-keys-XXXXXX").string();
        ASSERT_NE(::mkdtemp(pattern.data()), nullptr);
        folder_ = pattern;
        ASSERT_TRUE(replace_file(folder_ + "/device-id", "device key", 0600));
    }
    void TearDown() override { std::filesystem::remove_all(folder_); }

    Result<std::unique_ptr<KeyStore>> open() { return make_file_key_store(folder_, folder_ + "/device-id", random_); }
    std::string folder_;
    SeededRandom random_{1};
};

TEST_F(KeyStoreTest, MakesMasterKeysOnceAndForItselfOnly) {
    auto store = open();
    ASSERT_TRUE(store) << store.error().detail;
    for (const std::string_view name : {kModuleKeysMaster, kEncryptionMaster}) {
        struct stat info {};
        ASSERT_EQ(::stat(fmt::format("{}/{}", folder_, name).c_str(), &info), 0);
        EXPECT_EQ(info.st_mode & 07777, 0600u);
        EXPECT_EQ(info.st_size, 32);
    }
    const std::string signature = *(*store)->hmac(kModuleKeysMaster, "x");
    EXPECT_EQ(*(*open())->hmac(kModuleKeysMaster, "x"), signature);
    EXPECT_EQ(*(*store)->hmac(kDeviceKey, "x"), security::hmac_sha256("device key", "x"));
    EXPECT_EQ((*store)->hmac("no such key", "x").error().code, Errc::not_found);
}

TEST_F(KeyStoreTest, DerivesModuleKeysAsAzureDoes) {
    std::string base;
    for (int i = 0; i < 32; ++i) base += static_cast<char>(i);
    ASSERT_TRUE(replace_file(fmt::format("{}/{}", folder_, kModuleKeysMaster), base, 0600));
    const auto store = open();
    const ModuleIdentity identity{"tempSensor", "637000000000000000"};
    EXPECT_EQ(to_base64(*derive_module_key(**store, identity, "primary")), "A21UBlesPueSXU1KqUZM0mBgTwnO+m6ouST7DhTDYLI=");
    EXPECT_EQ(to_base64(*derive_module_key(**store, identity, "secondary")), "/XkMDInlr40dAExFlKqgvUf/P71Fxnoy1zz3GQ7I4J8=");
}

TEST_F(KeyStoreTest, SealsWithTheDevicesOwnKey) {
    const auto store = open();
    const auto sealed = (*store)->seal(kEncryptionMaster, "0123456789abcdef0123456789abcdef", "$edgeHubgen", "text");
    ASSERT_TRUE(sealed);
    EXPECT_EQ((*sealed)[0], '\2');
    EXPECT_EQ(*(*store)->unseal(kEncryptionMaster, "0123456789abcdef0123456789abcdef", "$edgeHubgen", *sealed), "text");
    EXPECT_FALSE((*store)->unseal(kEncryptionMaster, "0123456789abcdef0123456789abcdef", "othergen", *sealed));
}

TEST_F(KeyStoreTest, RefusesKeysThatAreMissingOrDamaged) {
    const auto missing = make_file_key_store(folder_, folder_ + "/no-such-file", random_);
    ASSERT_FALSE(missing);
    EXPECT_NE(missing.error().detail.find("no-such-file"), std::string::npos);
    ASSERT_TRUE(replace_file(fmt::format("{}/{}", folder_, kEncryptionMaster), "short", 0600));
    const auto damaged = open();
    ASSERT_FALSE(damaged);
    EXPECT_EQ(damaged.error().code, Errc::corrupt);
    EXPECT_EQ(damaged.error().detail.find("short"), std::string::npos) << "no key in an error";
}

TEST(ProvisioningDigest, IsTheOneOfAzuresDaemon) {
    EXPECT_EQ(provisioning_digest({"d1", "hub.example", "hub.example"}), "r2mnRi0EDIeVrm+Zu2i0CA4z328CdrX6xnxgk/7ydrw=");
    EXPECT_NE(provisioning_digest({"d1", "parent", "hub.example"}), provisioning_digest({"d1", "hub.example", "hub.example"}));
}

}  // namespace
}  // namespace selvage::edge::identity
