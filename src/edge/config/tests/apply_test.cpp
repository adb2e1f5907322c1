#include "edge/config/apply.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <cstdlib>
#include <filesystem>

#include "base/file.h"

namespace selvage::edge::config {
namespace {

class ApplyTest : public ::testing::Test {
protected:
    void SetUp() override {
        std::string pattern = (std::filesystem::temp_directory_path() / "selvage-apply-XXXXXX").string();
        ASSERT_NE(::mkdtemp(pattern.data()), nullptr);
        folder_ = pattern;
    }
    void TearDown() override { std::filesystem::remove_all(folder_); }

    static unsigned mode_of(const std::string& path) {
        struct stat info {};
        return ::stat(path.c_str(), &info) == 0 ? info.st_mode & 07777 : 0;
    }
    std::string folder_;
};

constexpr std::string_view kInline = R"(
hostname = "edge1"
[provisioning]
source = "manual"
connection_string = "HostName=hub.example;DeviceId=d1;SharedAccessKey=c2VjcmV0LWtleQ=="
[agent]
name = "edgeAgent"
type = "docker"
[agent.config]
image = "a:1"
createOptions = { HostConfig = { Binds = ["/x:/y"] } }
)";

TEST_F(ApplyTest, MovesTheKeyIntoAFileOfItsOwn) {
    const Home home{folder_ + "/home"};
    const auto applied = apply_config(kInline, home, "machine");
    ASSERT_TRUE(applied) << applied.error().detail;
    EXPECT_TRUE(applied->moved_key);
    EXPECT_EQ(applied->config.provisioning.key_path, home.device_key_file());
    EXPECT_EQ(*read_file(home.device_key_file()), "secret-key");
    EXPECT_EQ(mode_of(home.device_key_file()), 0600u);
    EXPECT_EQ(mode_of(home.secrets_folder()), 0700u);
    EXPECT_EQ(mode_of(home.config_file()), 0600u);

    const std::string effective = *read_file(home.config_file());
    EXPECT_EQ(effective.find("c2VjcmV0"), std::string::npos) << effective;
    const auto again = parse_super_config(effective, "another machine");
    ASSERT_TRUE(again) << again.error().detail << "\n" << effective;
    EXPECT_EQ(again->hostname, "edge1");
    EXPECT_EQ(again->provisioning.device_id, "d1");
    EXPECT_EQ(again->provisioning.iothub_hostname, "hub.example");
    EXPECT_EQ(again->provisioning.key_path, home.device_key_file());
    EXPECT_EQ(to_text(again->agent.create_options), R"({"HostConfig":{"Binds":["/x:/y"]}})");
}

TEST_F(ApplyTest, WritesNothingWhenTheFileIsWrong) {
    const Home home{folder_ + "/home"};
    EXPECT_FALSE(apply_config("[provisioning]\nsource = \"manual\"\n", home, "machine"));
    EXPECT_FALSE(file_exists(home.folder));
}

TEST_F(ApplyTest, TellsThatTheHostnameChanges) {
    const Home home{folder_ + "/home"};
    ASSERT_TRUE(apply_config(kInline, home, "machine"));
    std::string renamed(kInline);
    renamed.replace(renamed.find("edge1"), 5, "edge2");
    const auto checked = check_config(renamed, home, "machine");
    ASSERT_TRUE(checked);
    EXPECT_EQ(checked->old_hostname, "edge1");
    EXPECT_EQ(check_config(kInline, home, "machine")->old_hostname, "");
}

TEST(ManualConfig, IsAConfigurationThatWorks) {
    const std::string text = "HostName=hub.example;DeviceId=d'1\";SharedAccessKey=c2VjcmV0LWtleQ==";
    const auto written = manual_config_text(text);
    ASSERT_TRUE(written) << written.error().detail;
    const auto config = parse_super_config(*written, "machine");
    ASSERT_TRUE(config) << config.error().detail << "\n" << *written;
    EXPECT_EQ(config->provisioning.device_id, "d'1\"");
    EXPECT_EQ(config->provisioning.key_bytes, "secret-key");
    EXPECT_EQ(config->listen_management_path, "/var/run/iotedge/mgmt.sock");
}

TEST(ManualConfig, RefusesABadConnectionString) {
    for (const char* text : {"", "HostName=h;SharedAccessKeyName=p;SharedAccessKey=aGVsbG8=", "HostName=h;DeviceId=d;SharedAccessKey=###",
                             "HostName=h;DeviceId=d;ModuleId=m;SharedAccessKey=aGVsbG8="}) {
        const auto written = manual_config_text(text);
        ASSERT_FALSE(written) << text;
        EXPECT_TRUE(written.error().detail.starts_with("invalid connection string: ")) << written.error().detail;
    }
}

}  // namespace
}  // namespace selvage::edge::config
