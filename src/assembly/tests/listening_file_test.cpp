#include "assembly/listening_file.h"

#include <gtest/gtest.h>
#include <stdlib.h>
#include <unistd.h>

#include <boost/asio/io_context.hpp>
#include <filesystem>

#include "async/tests/run.h"
#include "base/file.h"

namespace selvage::assembly {

namespace {

using cloud::data_folder::ListeningAt;
using cloud::data_folder::read_listening;

class ListeningFileTest : public ::testing::Test {
protected:
    ~ListeningFileTest() override {
        async::testing::run(loop_, file_.stop());
        std::filesystem::remove_all(folder_.root);
    }
    static cloud::data_folder::DataFolder make_folder() {
        std::string pattern = (std::filesystem::temp_directory_path() / "selvage-listening-XXXXXX").string();
        SELVAGE_ASSERT(::mkdtemp(pattern.data()) != nullptr);
        return {.root = pattern};
    }
    // No file can be made in the place of a folder that is not empty: writing fails as on a full disk, whoever runs the test.
    void fill_disk() { std::filesystem::create_directories(folder_.listening() + "/full"); }
    void make_room() { std::filesystem::remove_all(folder_.listening()); }
    void pass(std::chrono::seconds time) {
        time_.advance(time);
        loop_.restart();
        loop_.poll();
    }

    boost::asio::io_context loop_{1};
    async::VirtualTime time_{loop_.get_executor(), UtcTime(std::chrono::hours(24 * 20'000))};
    const cloud::data_folder::DataFolder folder_ = make_folder();
    const ListeningAt where_{.address = "127.0.0.1", .mqtt_port = 1883, .https_port = 8443};
    ListeningFile file_{loop_.get_executor(), time_, folder_};
};

TEST_F(ListeningFileTest, IsThereWhileTheHubRuns) {
    file_.write(where_);
    const auto found = read_listening(folder_);
    ASSERT_TRUE(found.has_value()) << found.error().detail;
    EXPECT_EQ(found->https_port, 8443);
    EXPECT_FALSE(time_.next_wake().has_value()) << "what is written is not written again";
    async::testing::run(loop_, file_.stop());
    EXPECT_FALSE(file_exists(folder_.listening()));
}

TEST_F(ListeningFileTest, IsWrittenWhenTheDiskHasRoomAgainAndSaysWhatThatMeans) {
    fill_disk();
    ::testing::internal::CaptureStderr();
    file_.write(where_);
    const auto said = ::testing::internal::GetCapturedStderr();
    for (const auto* what : {"listening.toml is not written", "hubctl --data", "mqtt=1883", "https=8443"})
        EXPECT_NE(said.find(what), std::string::npos) << what << " in: " << said;
    pass(std::chrono::seconds(60));
    EXPECT_FALSE(read_listening(folder_).has_value());
    make_room();
    pass(std::chrono::seconds(60));
    const auto found = read_listening(folder_);
    ASSERT_TRUE(found.has_value()) << found.error().detail;
    EXPECT_EQ(found->mqtt_port, 1883);
    EXPECT_FALSE(time_.next_wake().has_value());
}

TEST_F(ListeningFileTest, IsNotWrittenByAHubThatStops) {
    fill_disk();
    file_.write(where_);
    async::testing::run(loop_, file_.stop());
    make_room();
    pass(std::chrono::seconds(60));
    EXPECT_FALSE(file_exists(folder_.listening()));
}

// Ports of a hub that crashed here lead nowhere, or to another's.
TEST_F(ListeningFileTest, LeavesNoPortsOfAnEarlierProcess) {
    ASSERT_TRUE(cloud::data_folder::write_listening(folder_, {.address = "127.0.0.1", .mqtt_port = 1, .https_port = 2}));
    std::filesystem::create_directories(folder_.listening() + ".new." + std::to_string(::getpid()));
    file_.write(where_);
    EXPECT_FALSE(file_exists(folder_.listening()));
}

}  // namespace

}  // namespace selvage::assembly
