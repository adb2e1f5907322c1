#include "cli/hubctl/hub_access.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>

#include "cloud/data_folder/data_folder.h"

namespace selvage::cli::hubctl {
namespace {

struct HubAccessTest : testing::Test {
    std::string base = (std::filesystem::temp_directory_path() / "selvage-XXXXXX").string();
    Options options;
    void SetUp() override {
        ASSERT_NE(mkdtemp(base.data()), nullptr);
        options.data = base + "/hub";
        SystemRandom random;
        ASSERT_TRUE(cloud::data_folder::make_hub({options.data}, "hub.example", SystemClock{}, random));
    }
    void TearDown() override { std::filesystem::remove_all(base); }
};

TEST_F(HubAccessTest, ADataFolderIsReachedOverTheLoopbackUnderTheHubsName) {
    const auto access = find_hub(options);
    ASSERT_TRUE(access) << access.error().detail;
    EXPECT_EQ(access->host_name, "hub.example");
    EXPECT_EQ(access->via, "127.0.0.1");
    EXPECT_EQ(access->https_port, 443);
    EXPECT_EQ(access->policy, "iothubowner");
    EXPECT_NE(access->ca_pem.find("BEGIN CERTIFICATE"), std::string::npos);
}

TEST_F(HubAccessTest, ARunningHubSaysWhereItReallyListens) {
    ASSERT_TRUE(cloud::data_folder::write_listening({options.data},
                                                    {.address = "127.0.9.1", .mqtt_port = 1, .https_port = 8443}));
    const auto access = find_hub(options);
    ASSERT_TRUE(access);
    EXPECT_EQ(access->via, "127.0.9.1");
    EXPECT_EQ(access->https_port, 8443);
}

struct AddressRow {
    const char* text;
    const char* via;
    int port;  // -1: refused
};
constexpr AddressRow kAddresses[] = {
    {"10.0.0.1", "10.0.0.1", 443}, {"host:8443", "host", 8443}, {"[::1]:8443", "::1", 8443},
    {"::1", "::1", 443},           {"[::1]", "::1", 443},       {"host:x", "", -1},
};

TEST_F(HubAccessTest, AnAddressMayHaveAPort) {
    for (const auto& row : kAddresses) {
        options.address = row.text;
        const auto access = find_hub(options);
        ASSERT_EQ(access.has_value(), row.port != -1) << row.text;
        if (!access) continue;
        EXPECT_EQ(access->via, row.via) << row.text;
        EXPECT_EQ(access->https_port, row.port) << row.text;
    }
}

TEST_F(HubAccessTest, PoliciesHaveConnectionStringsAndUnknownOnesAreNamed) {
    options.policy = "service";
    const auto text = policy_connection_string(options);
    ASSERT_TRUE(text);
    EXPECT_TRUE(text->starts_with("HostName=hub.example;SharedAccessKeyName=service;SharedAccessKey="))
        << "its beginning";
    options.policy = "nobody";
    EXPECT_NE(policy_connection_string(options).error().detail.find("registryReadWrite"), std::string::npos);
}

TEST(HubAccess, ADevicesConnectionStringIsRefused) {
    Options options;
    options.connection_string = "HostName=h.example;DeviceId=d;SharedAccessKey=AAAA";
    const auto access = find_hub(options);
    ASSERT_FALSE(access);
    EXPECT_EQ(access.error().code, Errc::invalid_argument);
    EXPECT_EQ(access.error().detail.find("AAAA"), std::string::npos) << "a key was shown";
}

}  // namespace
}  // namespace selvage::cli::hubctl
