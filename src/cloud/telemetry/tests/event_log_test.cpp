#include "cloud/telemetry/event_log.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>

#include "async/tests/run.h"
#include "async/time_source.h"

namespace selvage::cloud::telemetry {
namespace {

using domain::SystemProperty;

struct PartitionRow {
    const char* device;
    std::size_t of2, of4, of8, of32;
};
// Computed with the service's own algorithm.
constexpr PartitionRow kPartitions[] = {
    {"a", 0, 1, 2, 9},
    {"edge1", 0, 0, 1, 4},
    {"myDevice", 0, 0, 1, 6},
    {"device-0001", 1, 3, 7, 31},
    {"sensor-temperature-42", 0, 1, 3, 13},
    {"Contoso.Edge:Gateway_01", 0, 0, 1, 7},
    {"abcdefghijkl", 1, 2, 5, 22},
    {"abcdefghijklm", 0, 0, 0, 1},
};

TEST(Partition, IsTheServicesOwn) {
    for (const auto& row : kPartitions) {
        EXPECT_EQ(partition_of(row.device, 2), row.of2) << row.device;
        EXPECT_EQ(partition_of(row.device, 4), row.of4) << row.device;
        EXPECT_EQ(partition_of(row.device, 8), row.of8) << row.device;
        EXPECT_EQ(partition_of(row.device, 32), row.of32) << row.device;
    }
}

struct EventLogTest : testing::Test {
    std::string folder = (std::filesystem::temp_directory_path() / "selvage-XXXXXX").string();
    boost::asio::io_context loop;
    async::SystemTime time;
    std::unique_ptr<storage::MessageLog> log;
    std::unique_ptr<EventLog> events;

    void SetUp() override {
        ASSERT_NE(mkdtemp(folder.data()), nullptr);
        storage::LogSettings settings;
        settings.folder = folder + "/events";
        auto opened = storage::MessageLog::open(loop.get_executor(), time, settings);
        ASSERT_TRUE(opened) << opened.error().detail;
        log = *std::move(opened);
        events = std::make_unique<EventLog>(*log, time, 4,
                                            storage::Retention{.age = std::chrono::hours(1), .bytes = 1 << 20});
    }
    void TearDown() override {
        async::testing::run(loop, log->stop());
        log.reset();
        std::filesystem::remove_all(folder);
    }
    void send(const Sender& sender, std::vector<domain::Message> messages) {
        std::size_t done = 0;
        for (auto& message : messages) {
            events->append(sender, std::move(message), [&](const Result<>& stored) {
                EXPECT_TRUE(stored);
                ++done;
            });
        }
        const auto limit = std::chrono::steady_clock::now() + std::chrono::seconds(10);
        while (done < messages.size() && std::chrono::steady_clock::now() < limit) {
            loop.restart();
            loop.run_one_for(std::chrono::milliseconds(50));
        }
        ASSERT_EQ(done, messages.size());
    }
    EventBatch read(std::size_t partition, storage::Offset from) {
        std::optional<Result<EventBatch>> batch;
        const auto keep = [](EventLog& reader, std::size_t p, storage::Offset f,
                             std::optional<Result<EventBatch>>& out) -> async::Awaitable<> {
            out = co_await reader.read(p, f, 100, 1 << 20);
        };
        async::testing::run(loop, keep(*events, partition, from, batch));
        EXPECT_TRUE(*batch);
        return **batch;
    }
};

TEST_F(EventLogTest, EventsAreStampedWithTheirSenderWhateverTheClientClaims) {
    domain::Message message;
    message.body = "b";
    message.properties = {{"p", "1"}};
    message.set(SystemProperty::message_id, "mid");
    message.set(SystemProperty::output_name, "out");
    message.set(SystemProperty::connection_device_id, "somebody-else");
    message.set(SystemProperty::connection_module_id, "forged");
    const Sender sender{.identity = domain::Identity::of_device("a"),
                        .generation_id = "g1",
                        .auth_method = "{}",
                        .model_id = "dtmi:x;1"};
    send(sender, {message});
    const auto batch = read(partition_of("a", 4), 0);
    ASSERT_EQ(batch.events.size(), 1u);
    const auto& stored = batch.events[0].message;
    EXPECT_EQ(stored.body, "b");
    EXPECT_EQ(stored.properties, message.properties);
    EXPECT_EQ(stored.get(SystemProperty::message_id), "mid");
    EXPECT_EQ(stored.get(SystemProperty::connection_device_id), "a");
    EXPECT_EQ(stored.get(SystemProperty::connection_module_id), std::nullopt);
    EXPECT_EQ(stored.get(SystemProperty::connection_auth_generation_id), "g1");
    EXPECT_EQ(stored.get(SystemProperty::message_source), "Telemetry");
    EXPECT_EQ(stored.get(SystemProperty::model_id), "dtmi:x;1");
    EXPECT_EQ(stored.get(SystemProperty::output_name), std::nullopt);
}

TEST_F(EventLogTest, ADeviceAndItsModulesShareAPartitionInOrder) {
    const Sender device{
        .identity = domain::Identity::of_device("a"), .generation_id = "", .auth_method = "", .model_id = ""};
    const Sender module{
        .identity = domain::Identity::of_module("a", "m"), .generation_id = "", .auth_method = "", .model_id = ""};
    for (int i = 0; i < 5; ++i) {
        domain::Message message;
        message.body = std::to_string(i);
        send(i % 2 == 0 ? device : module, {message});
    }
    const auto batch = read(1, 0);
    ASSERT_EQ(batch.events.size(), 5u);
    for (std::size_t i = 0; i < 5; ++i) {
        EXPECT_EQ(batch.events[i].offset, i);
        EXPECT_EQ(batch.events[i].message.body, std::to_string(i));
    }
    EXPECT_EQ(batch.next, 5u);
    EXPECT_EQ(events->state(1).end, 5u);
    EXPECT_TRUE(read(1, 5).events.empty());
    EXPECT_EQ(read(1, 3).events.size(), 2u);
}

}  // namespace
}  // namespace selvage::cloud::telemetry
