#include <numeric>

#include "device_client/tests/fake_hub.h"

namespace selvage::device_client {
namespace {

using namespace std::chrono_literals;
using testing::HubEnd;
using testing::message;
using testing::Published;
using testing::World;

TEST(Send, TelemetryGoesOutWithItsPropertiesAndIsReportedWhenAcknowledged) {
    World world;
    world.start();
    auto telemetry = message("{\"a\":1}");
    telemetry.properties.push_back({"k", "v w"});
    telemetry.set(domain::SystemProperty::output_name, "out1");
    int acknowledged = 0;
    ASSERT_TRUE(world.client->send(telemetry, [&](const Result<>& done) { acknowledged += done.has_value() ? 1 : 100; }));
    world.settle();
    EXPECT_EQ(acknowledged, 1);
    const auto& published = world.hub.last().published;
    ASSERT_EQ(published.size(), 1u);
    EXPECT_EQ(published[0].payload, "{\"a\":1}");
    EXPECT_EQ(published[0].qos, 1);
    EXPECT_TRUE(published[0].topic.starts_with("devices/d1/modules/m1/messages/events/")) << published[0].topic;
    EXPECT_NE(published[0].topic.find("%24.on=out1"), std::string::npos) << published[0].topic;
    EXPECT_NE(published[0].topic.find("k=v%20w"), std::string::npos) << published[0].topic;
}

TEST(Send, IsRefusedWhileNotConnectedAndWhileTheWindowIsFull) {
    World world;
    world.settings.window = 3;
    world.hub.on_publish = [](HubEnd&, const Published&) {};
    world.hub.reachable = false;
    world.start();
    const auto ignore_done = [](const Result<>&) {};
    EXPECT_FALSE(world.client->send(message("x"), ignore_done));
    world.hub.reachable = true;
    world.pass(61s);
    for (int i = 0; i < 3; ++i) EXPECT_TRUE(world.client->send(message("x"), ignore_done));
    EXPECT_FALSE(world.client->send(message("x"), ignore_done));
    world.settle();
    world.hub.send(world.hub.last(), codec::mqtt::Puback{world.hub.last().published[1].packet_id});
    world.settle();
    EXPECT_TRUE(world.client->send(message("x"), ignore_done));
}

TEST(Send, WhatWasSentInOneTurnIsWrittenAtOnce) {
    World world;
    world.hub.on_publish = [](HubEnd&, const Published&) {};
    world.start();
    const int before = world.hub.last().reads;
    for (int i = 0; i < 100; ++i) ASSERT_TRUE(world.client->send(message("x"), [](const Result<>&) {}));
    world.settle();
    EXPECT_EQ(world.hub.last().published.size(), 100u);
    EXPECT_EQ(world.hub.last().reads, before + 1);
}

TEST(Send, AMessageThatCannotGoIsRefusedAtOnceAndHarmsNothing) {
    World world;
    world.start();
    Errc code{};
    ASSERT_TRUE(world.client->send(message(std::string(domain::kMessageBytesMax + 1, 'x')),
                                   [&](const Result<>& done) { code = done.error().code; }));
    EXPECT_EQ(code, Errc::message_too_large);
    auto wordy = message("x");
    wordy.properties.push_back({"k", std::string(70'000, 'v')});
    ASSERT_TRUE(world.client->send(wordy, [&](const Result<>& done) { code = done.error().code; }));
    EXPECT_EQ(code, Errc::invalid_argument);
    int good = 0;
    ASSERT_TRUE(world.client->send(message("y"), [&](const Result<>& done) { good += done.has_value() ? 1 : 100; }));
    world.settle();
    EXPECT_EQ(good, 1);
    EXPECT_EQ(world.hub.ends.size(), 1u);
}

TEST(Send, ALossReportsEachUnacknowledgedMessageInOrderAndBeforeTheState) {
    std::vector<std::string> log;     // outlives the client, which still tells it of its end
    World world;
    world.hub.on_publish = [&](HubEnd& end, const Published& published) {
        if (published.payload == "1") world.hub.send(end, codec::mqtt::Puback{published.packet_id});
        if (published.payload == "3") world.hub.drop(end);
    };
    Handlers handlers;
    handlers.on_state = [&](LinkState state, const Error*) { log.push_back(state == LinkState::connected ? "up" : "down"); };
    world.start(std::move(handlers));
    for (const char* body : {"0", "1", "2", "3", "4"})
        ASSERT_TRUE(world.client->send(message(body), [&log, body](const Result<>& done) {
            log.push_back(body + std::string(done ? " ok" : " " + std::string(name(done.error().code))));
        }));
    world.settle();
    std::erase(log, "1 ok");    // it may come or be lost with the connection: the hub closed
    std::erase(log, "1 connection_closed");
    EXPECT_EQ(log, (std::vector<std::string>{"up", "0 connection_closed", "2 connection_closed", "3 connection_closed",
                                             "4 connection_closed", "down"}));
}

struct Sender {
    World& world;
    int sent = 0;
    std::vector<int> results;       // per message: how often done was called
    int acknowledged = 0;
};

Awaitable<> send_all(Sender* sender, int count) {
    while (sender->sent < count) {
        if (!co_await sender->world.client->room()) co_return;
        const auto number = static_cast<std::size_t>(sender->sent);
        const bool taken = sender->world.client->send(message(std::to_string(number)), [sender, number](const Result<>& done) {
            ++sender->results[number];
            if (done) ++sender->acknowledged;
        });
        if (!taken) continue;
        ++sender->sent;
    }
}

// Whatever the hub does, each message that was taken has exactly one result; and without resending, those that the hub
// acknowledged and those that were reported acknowledged are the same.
TEST(Send, EveryMessageHasExactlyOneResultWhateverTheHubDoes) {
    for (std::uint64_t seed = 1; seed <= 20; ++seed) {
        SCOPED_TRACE(seed);
        SeededRandom dice(seed);
        constexpr int kCount = 500;
        std::vector<int> results;
        int sent = 0;
        {
            World world;
            world.settings.window = 1 + dice.next() % 40;
            world.hub.on_publish = [&](HubEnd& end, const Published& published) {
                const double roll = dice.fraction();
                if (roll < 0.02) return world.hub.drop(end);
                if (roll < 0.05) return;          // never acknowledged
                world.hub.send(end, codec::mqtt::Puback{published.packet_id});
                if (roll > 0.98) world.hub.send(end, codec::mqtt::Puback{published.packet_id});   // twice
            };
            world.start();
            Sender sender{world, 0, std::vector<int>(kCount), 0};
            async::TaskGroup tasks(world.loop.get_executor());
            tasks.spawn("sender", send_all(&sender, kCount));
            for (int step = 0; step < 200 && sender.sent < kCount; ++step) {
                world.pass(30s);
                // A hub that lost track of messages closes sooner or later, which empties the window.
                if (world.client->state() == LinkState::connected) world.hub.drop(world.hub.last());
            }
            EXPECT_EQ(sender.sent, kCount);
            const auto body = [&]() -> Awaitable<> {
                co_await world.client->stop();
                co_await tasks.stop();
            };
            async::testing::run(world.loop, body());
            results = sender.results;
            sent = sender.sent;
            EXPECT_GT(sender.acknowledged, kCount / 2);
        }
        EXPECT_EQ(sent, kCount);
        EXPECT_EQ(std::ranges::count(results, 1), kCount);
    }
}

}  // namespace
}  // namespace selvage::device_client
