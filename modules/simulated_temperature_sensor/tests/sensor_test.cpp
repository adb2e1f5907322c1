#include "simulated_temperature_sensor/sensor.h"

#include "codec/hub_mqtt/hub_mqtt.h"
#include "device_client/tests/fake_hub.h"

namespace selvage::temperature_sensor {
namespace {

using namespace std::chrono_literals;
using namespace codec;
using device_client::testing::FakeHub;
using device_client::testing::HubEnd;
using device_client::testing::Published;

// The sensor and its edge hub, in memory and under virtual time.
struct Plant {
    explicit Plant(Settings settings = {}) : time(loop.get_executor(), UtcTime(std::chrono::seconds(1'700'000'000))) {
        hub.on_publish = [this](HubEnd& end, const Published& published) { handle(end, published); };
        device_client::ClientSettings client;
        client.identity = domain::Identity::of_module("d1", "sensor");
        client.hub_host = "hub.example";
        sensor = std::make_unique<Sensor>(loop.get_executor(), time, random, hub, tokens, client, settings);
    }
    ~Plant() {
        stop();
        const auto end = [this]() -> Awaitable<> { co_await hub.stop(); };
        async::testing::run(loop, end());
    }

    void stop() {
        if (!sensor) return;
        bool stopped = false;
        const auto end = [](Sensor* it, bool* done) -> Awaitable<> {
            co_await it->stop();
            *done = true;
        };
        async::TaskGroup tasks(loop.get_executor());
        tasks.spawn("stop", end(sensor.get(), &stopped));
        for (int i = 0; i < 20 && !stopped; ++i) pass(1s);
        ASSERT_TRUE(stopped);
        sensor.reset();
        pass(0s);
    }

    void handle(HubEnd& end, const Published& published) {
        auto topic = hub_mqtt::parse_client_topic(published.topic).value();
        if (const auto* get = std::get_if<hub_mqtt::TwinGet>(&topic)) {
            hub.send(end, mqtt::Publish{.topic = hub_mqtt::twin_answer_topic(200, get->request_id), .payload = twin});
        } else if (const auto* patch = std::get_if<hub_mqtt::TwinPatch>(&topic)) {
            reported.push_back(published.payload);
            hub.send(end, mqtt::Publish{.topic = hub_mqtt::twin_answer_topic(204, patch->request_id, 2), .payload = ""});
        } else if (auto* telemetry = std::get_if<hub_mqtt::Telemetry>(&topic)) {
            telemetry->message.body = published.payload;
            if (drop_after && messages.size() == *drop_after) return hub.drop(end);
            messages.push_back(telemetry->message);
            if (acknowledges) hub.send(end, mqtt::Puback{published.packet_id});
        } else {
            answers.push_back(published.topic);
        }
    }

    void settle() {
        loop.restart();
        loop.poll();
    }
    void pass(Duration duration) {
        settle();
        const auto end = time.now() + duration;
        for (auto next = time.next_wake(); next && *next <= end; next = time.next_wake()) {
            time.advance(*next - time.now());
            settle();
        }
        time.advance(end - time.now());
        settle();
    }
    std::string sequence() const {
        std::string text;
        for (const auto& message : messages)
            for (const auto& property : message.properties)
                if (property.name == "sequenceNumber") text += *property.value + " ";
        return text;
    }

    boost::asio::io_context loop;
    async::VirtualTime time;
    SeededRandom random{3};
    FakeHub hub{loop};
    device_client::testing::CountedTokens tokens;
    std::unique_ptr<Sensor> sensor;
    std::string twin = R"({"desired":{"$version":1},"reported":{"$version":1}})";
    bool acknowledges = true;
    std::optional<std::size_t> drop_after;
    std::vector<domain::Message> messages;
    std::vector<std::string> reported;
    std::vector<std::string> answers;
};

TEST(Sensor, SendsItsCountOnItsOutputAndThenKeepsRunning) {
    Settings settings;
    settings.message_count = 3;
    Plant plant(settings);
    plant.sensor->start();
    plant.pass(11s);
    EXPECT_EQ(plant.sequence(), "1 2 3 ");
    plant.pass(60s);
    ASSERT_EQ(plant.messages.size(), 3u);
    const auto& first = plant.messages[0];
    EXPECT_EQ(first.get(domain::SystemProperty::output_name), "temperatureOutput");
    EXPECT_EQ(first.get(domain::SystemProperty::content_type), "application/json");
    EXPECT_EQ(first.get(domain::SystemProperty::content_encoding), "utf-8");
    ASSERT_EQ(first.properties.size(), 2u);
    EXPECT_EQ(first.properties[1].name, "batchId");
    EXPECT_EQ(first.properties[1], plant.messages[2].properties[1]);
    EXPECT_TRUE(parse_json_object(first.body).has_value());
    EXPECT_EQ(plant.reported, std::vector<std::string>{R"({"SendData":true,"SendInterval":5})"});
}

TEST(Sensor, TheTwinDecidesBeforeTheFirstMessage) {
    Plant plant;
    plant.twin = R"({"desired":{"SendData":false,"SendInterval":1,"$version":4}})";
    plant.sensor->start();
    plant.pass(60s);
    EXPECT_TRUE(plant.messages.empty());
    EXPECT_EQ(plant.reported, std::vector<std::string>{R"({"SendData":false,"SendInterval":1})"});
    plant.hub.send(plant.hub.last(), mqtt::Publish{.topic = hub_mqtt::desired_patch_topic(5), .payload = R"({"SendData":true,"$version":5})"});
    plant.pass(3s);
    EXPECT_TRUE(plant.sequence().starts_with("1 2 3 ")) << plant.sequence();
    EXPECT_EQ(plant.reported.back(), R"({"SendData":true,"SendInterval":1})");
}

TEST(Sensor, AShorterIntervalCountsAtOnce) {
    Settings settings;
    settings.message_delay = 24h;
    Plant plant(settings);
    plant.sensor->start();
    plant.pass(60s);
    EXPECT_EQ(plant.messages.size(), 1u);
    plant.hub.send(plant.hub.last(), mqtt::Publish{.topic = hub_mqtt::desired_patch_topic(5), .payload = R"({"SendInterval":10,"$version":5})"});
    plant.pass(1s);
    EXPECT_EQ(plant.messages.size(), 2u);
}

TEST(Sensor, ResetComesByMethodAndByInput) {
    Settings settings;
    settings.message_count = -1;
    Plant plant(settings);
    plant.sensor->start();
    const auto temperature = [&] {
        return parse_json_object(plant.messages.back().body)->at("machine").at("temperature").to_number<double>();
    };
    plant.pass(1000s);
    EXPECT_GT(temperature(), 60);
    plant.hub.send(plant.hub.last(), mqtt::Publish{.topic = hub_mqtt::method_call_topic("reset", "r1"), .payload = "{}"});
    plant.hub.send(plant.hub.last(), mqtt::Publish{.topic = hub_mqtt::method_call_topic("dance", "r2"), .payload = "{}"});
    plant.pass(6s);
    EXPECT_LT(temperature(), 25);
    EXPECT_EQ(plant.answers, (std::vector<std::string>{hub_mqtt::method_answer_topic("r1", 200), hub_mqtt::method_answer_topic("r2", 501)}));
    plant.pass(1000s);
    EXPECT_GT(temperature(), 60);
    domain::Message control;
    control.set(domain::SystemProperty::input_name, "control");
    const auto topic = hub_mqtt::input_topic(domain::Identity::of_module("d1", "sensor"), control);
    plant.hub.send(plant.hub.last(), mqtt::Publish{.topic = topic, .payload = R"([{"command":"reset"}])", .packet_id = 8, .qos = 1});
    plant.hub.send(plant.hub.last(), mqtt::Publish{.topic = topic, .payload = "nonsense", .packet_id = 9, .qos = 1});
    plant.pass(6s);
    EXPECT_LT(temperature(), 25);
    EXPECT_EQ(plant.hub.last().acknowledged, (std::vector<std::uint16_t>{8, 9}));
}

TEST(Sensor, NothingIsLostWhileTheHubIsAway) {
    Settings settings;
    settings.message_delay = 1s;
    settings.message_count = 100;
    Plant plant(settings);
    plant.drop_after = 10;
    plant.sensor->start();
    plant.pass(9500ms);
    plant.hub.reachable = false;
    plant.pass(50s);
    EXPECT_GT(plant.sensor->waiting(), 40u);
    plant.hub.reachable = true;
    plant.drop_after.reset();
    plant.pass(120s);
    std::string want;
    for (int i = 1; i <= 100; ++i) want += std::to_string(i) + " ";
    EXPECT_EQ(plant.sequence(), want);
    EXPECT_EQ(plant.sensor->waiting(), 0u);
}

TEST(Sensor, PausesWhenTheBacklogIsFull) {
    Settings settings;
    settings.message_delay = 1s;
    settings.message_count = -1;
    Plant plant(settings);
    plant.hub.reachable = false;
    plant.sensor->start();
    plant.pass(2000s);
    EXPECT_EQ(plant.sensor->waiting(), kBacklogMax);
    plant.hub.reachable = true;
    plant.pass(100s);
    EXPECT_EQ(plant.sensor->waiting(), 0u);
    EXPECT_TRUE(plant.sequence().starts_with("1 2 3 "));
    EXPECT_GT(plant.messages.size(), kBacklogMax);
}

TEST(Sensor, StopWaitsForWhatIsUnderWay) {
    Settings settings;
    settings.message_delay = 1s;
    Plant plant(settings);
    plant.acknowledges = false;
    plant.sensor->start();
    plant.pass(3500ms);
    EXPECT_EQ(plant.sensor->waiting(), 4u);
    const auto before = plant.time.now();
    plant.stop();
    EXPECT_GE(plant.time.now() - before, kStopWait);
    EXPECT_EQ(plant.messages.size(), 4u);
    EXPECT_TRUE(plant.hub.last().said_goodbye);
}

}  // namespace
}  // namespace selvage::temperature_sensor
