#include "cloud/data_folder/data_folder.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <cstdlib>
#include <filesystem>

#include "base/file.h"
#include "cloud/data_folder/settings_text.h"
#include "security/certificates.h"

namespace selvage::cloud::data_folder {
namespace {

struct SetClock final : Clock {
    UtcTime utc{std::chrono::sys_days{std::chrono::year{2026} / 1 / 1}};
    TimePoint now() const override { return {}; }
    UtcTime utc_now() const override { return utc; }
};

struct HubFolder : testing::Test {
    std::string base = (std::filesystem::temp_directory_path() / "selvage-XXXXXX").string();
    DataFolder folder;
    SetClock clock;
    SystemRandom random;
    void SetUp() override {
        ASSERT_NE(mkdtemp(base.data()), nullptr);
        folder.root = base + "/hub";
    }
    void TearDown() override { std::filesystem::remove_all(base); }
    static mode_t mode(const std::string& path) {
        struct stat facts{};
        return stat(path.c_str(), &facts) == 0 ? facts.st_mode & 0777 : 0;
    }
};

TEST_F(HubFolder, ANewHubHasSettingsPoliciesAndSecretsThatOnlyTheOwnerReads) {
    const auto made = make_hub(folder, "127.0.9.1", clock, random);
    ASSERT_TRUE(made) << made.error().detail;
    EXPECT_EQ(mode(folder.root), 0700u);
    EXPECT_EQ(mode(folder.root + "/secrets"), 0700u);
    for (const auto& secret : {folder.ca_key(), folder.server_key(), folder.policies()}) {
        EXPECT_EQ(mode(secret), 0600u) << secret;
    }
    const auto settings = read_settings(folder);
    ASSERT_TRUE(settings) << settings.error().detail;
    EXPECT_EQ(settings->host_name, "127.0.9.1");
    EXPECT_EQ(settings->mqtt_port, 8883);
    const auto policies = read_policies(folder);
    ASSERT_TRUE(policies) << policies.error().detail;
    ASSERT_EQ(policies->size(), 5u);
    for (const auto& policy : *policies) {
        for (const auto& built_in : kBuiltInPolicies) {
            if (policy.name == built_in.name) {
                EXPECT_EQ(policy.permissions, built_in.permissions) << policy.name;
            }
        }
    }
}

TEST_F(HubFolder, AnExistingHubIsNeverOverwritten) {
    ASSERT_TRUE(make_hub(folder, "hub.example", clock, random));
    const auto before = read_file(folder.ca_key());
    const auto again = make_hub(folder, "hub.example", clock, random);
    ASSERT_FALSE(again);
    EXPECT_EQ(again.error().code, Errc::already_exists);
    EXPECT_EQ(read_file(folder.ca_key()).value(), before.value());
}

TEST_F(HubFolder, TheServerCertificateIsMadeAnewThirtyDaysBeforeItsEnd) {
    ASSERT_TRUE(make_hub(folder, "hub.example", clock, random));
    const auto first = server_certificate(folder, "hub.example", clock, random);
    ASSERT_TRUE(first) << first.error().detail;
    EXPECT_FALSE(first->renewed);
    clock.utc += std::chrono::hours(24 * 340);
    const auto second = server_certificate(folder, "hub.example", clock, random);
    ASSERT_TRUE(second) << second.error().detail;
    EXPECT_TRUE(second->renewed);
    const auto facts = security::read_certificate(second->chain_pem);
    ASSERT_TRUE(facts);
    EXPECT_GT(facts->not_after, clock.utc + std::chrono::hours(24 * 300));
    const auto third = server_certificate(folder, "hub.example", clock, random);
    ASSERT_TRUE(third);
    EXPECT_FALSE(third->renewed) << "the new one was not kept";
}

TEST_F(HubFolder, AFolderWithoutAHubSaysHowToMakeOne) {
    const auto settings = read_settings(folder);
    ASSERT_FALSE(settings);
    EXPECT_EQ(settings.error().code, Errc::not_found);
    EXPECT_NE(settings.error().detail.find("selvage-hub init"), std::string::npos);
}

struct BadSetting {
    const char* name;
    const char* toml;
    const char* in_message;
};
constexpr BadSetting kBadSettings[] = {
    {"no host", "[hub]\n", "host_name"},
    {"port too high", "[hub]\nhost_name='h'\n[listen]\nmqtt_port=70000\n", "mqtt_port"},
    {"port as text", "[hub]\nhost_name='h'\n[listen]\nhttps_port='443'\n", "https_port"},
    {"no partitions", "[hub]\nhost_name='h'\n[events]\npartitions=0\n", "partitions"},
    {"unknown durability", "[hub]\nhost_name='h'\n[events]\ndurability='maybe'\n", "durability"},
    {"not TOML", "[hub\n", "line 1"},
    {"no header", "[!]\n", "not TOML"},
    {"letters of no alphabet of keys", "\u00e4 = 1\n", "line 1"},
};

TEST(HubSettings, BadOnesAreRefusedByName) {
    for (const auto& row : kBadSettings) {
        const auto settings = parse_settings(row.toml);
        ASSERT_FALSE(settings) << row.name;
        EXPECT_NE(settings.error().detail.find(row.in_message), std::string::npos)
            << row.name << ": " << settings.error().detail;
    }
}

TEST(HubSettings, WhatIsWrittenReadsBack) {
    HubSettings settings;
    settings.host_name = "hub.example";
    settings.partitions = 7;
    settings.connect_timeout = std::chrono::seconds(9);
    settings.durable_against_power_loss = false;
    settings.retention_age = std::chrono::hours(5);
    const auto back = parse_settings(settings_text(settings));
    ASSERT_TRUE(back) << back.error().detail;
    EXPECT_EQ(back->partitions, 7u);
    EXPECT_EQ(back->connect_timeout, std::chrono::seconds(9));
    EXPECT_EQ(back->retention_age, std::chrono::hours(5));
    EXPECT_FALSE(back->durable_against_power_loss);
}

TEST_F(HubFolder, HostNamesThatNoCertificateCanCarryAreRefused) {
    for (const char* name : {"", "a b", "-x", "x..y", "hub_1/x"}) {
        const auto made = make_hub(folder, name, clock, random);
        ASSERT_FALSE(made) << name;
        EXPECT_EQ(made.error().code, Errc::invalid_argument) << name;
    }
}

TEST(HubSettings, TheBoundsOfFilesReadBackAndHaveTheirOwnBounds) {
    HubSettings settings;
    settings.host_name = "hub.example";
    settings.files_enabled = false;
    settings.file_megabytes_max = 3;
    settings.device_megabytes_max = 5;
    settings.files_megabytes_max = 7;
    settings.upload_lifetime = std::chrono::minutes(9);
    settings.uploads_per_device_max = 11;
    settings.file_notifications = false;
    const auto back = parse_settings(settings_text(settings));
    ASSERT_TRUE(back) << back.error().detail;
    EXPECT_FALSE(back->files_enabled);
    EXPECT_EQ(back->file_megabytes_max, 3u);
    EXPECT_EQ(back->device_megabytes_max, 5u);
    EXPECT_EQ(back->files_megabytes_max, 7u);
    EXPECT_EQ(back->upload_lifetime, std::chrono::minutes(9));
    EXPECT_EQ(back->uploads_per_device_max, 11u);
    EXPECT_FALSE(back->file_notifications);
    for (const char* line : {"enabled = 1", "file_megabytes = 0", "upload_minutes = 2881", "uploads_per_device = 0"}) {
        EXPECT_FALSE(parse_settings(std::string("[hub]\nhost_name = \"h\"\n[files]\n") + line)) << line;
    }
    EXPECT_TRUE(parse_settings("[hub]\nhost_name = \"h\"\n")->files_enabled) << "a folder from before there were any";
}

TEST_F(HubFolder, TheKeyOfFilesIsMadeOnceAndForTheOwnerOnly) {
    ASSERT_TRUE(make_hub(folder, "127.0.9.1", clock, random));
    const auto key = files_key(folder, random);
    ASSERT_TRUE(key) << key.error().detail;
    EXPECT_GE(key->size(), 44u);
    EXPECT_EQ(files_key(folder, random).value(), *key);
    EXPECT_EQ(mode(folder.files_key()), 0600u);
}

}  // namespace
}  // namespace selvage::cloud::data_folder
