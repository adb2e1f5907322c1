#include "heads/mqtt/tests/harness.h"

namespace selvage::heads::mqtt {
namespace {

using namespace testing;

class MqttLifetime : public HeadTest {};

TEST_F(MqttLifetime, EndsAfterOneAndAHalfKeepAlivesOfSilence) {
    Client& client = connected(connect_as("d1"));
    advance(std::chrono::seconds(89));
    EXPECT_FALSE(client.closed);
    client.send(packets::Pingreq{});
    EXPECT_EQ(client.received_text(), "PINGRESP");
    advance(std::chrono::seconds(89));
    EXPECT_FALSE(client.closed);
    advance(std::chrono::seconds(1));
    EXPECT_TRUE(client.closed);
    EXPECT_TRUE(client.served);
}

TEST_F(MqttLifetime, CapsTheKeepAlive) {
    for (const std::uint16_t asked : {std::uint16_t(0), std::uint16_t(65535)}) {
        packets::Connect connect = connect_as("d1");
        connect.keep_alive_seconds = asked;
        Client& client = connected(connect, {.keep_alive_max = std::chrono::seconds(600)});
        advance(std::chrono::seconds(599));
        EXPECT_FALSE(client.closed);
        advance(std::chrono::seconds(1));
        EXPECT_TRUE(client.closed);
    }
}

TEST_F(MqttLifetime, EndsWithTheToken) {
    hub.expires = time.utc_now() + std::chrono::seconds(100);
    packets::Connect connect = connect_as("d1");
    connect.keep_alive_seconds = 0;
    Client& client = connected(connect);
    advance(std::chrono::seconds(399));
    EXPECT_FALSE(client.closed) << "five minutes are for clocks that differ";
    advance(std::chrono::seconds(1));
    EXPECT_TRUE(client.closed);
}

TEST_F(MqttLifetime, SurvivesATokenThatWasAcceptedAtItsVeryEnd) {
    hub.expires = time.utc_now() - std::chrono::seconds(200);
    Client& client = connected(connect_as("d1"));
    advance(std::chrono::seconds(80));
    EXPECT_FALSE(client.closed);
}

TEST_F(MqttLifetime, SendsTheWillWhenTheClientVanishes) {
    packets::Connect connect = connect_as("d1");
    connect.will = packets::Will{"devices/d1/messages/events/a=b", "gone", 1};
    Client& client = connected(connect);
    client.close();
    ASSERT_EQ(hub.telemetry.size(), 1u);
    EXPECT_EQ(hub.telemetry[0].body, "gone");
    EXPECT_EQ(hub.telemetry[0].properties, (std::vector<domain::Property>{{"a", "b"}, {"iothub-MessageType", "Will"}}));
}

TEST_F(MqttLifetime, ForgetsTheWillOnDisconnectAndOnTakeover) {
    packets::Connect connect = connect_as("d1");
    connect.will = packets::Will{"devices/d1/messages/events/", "gone", 1};
    Client& leaving = connected(connect);
    leaving.send(packets::Disconnect{});
    EXPECT_TRUE(leaving.closed);
    Client& replaced = connected(connect);
    connected(connect_as("d1"));
    EXPECT_TRUE(replaced.closed);
    EXPECT_TRUE(hub.telemetry.empty());
}

TEST_F(MqttLifetime, WaitsForTheWillToBeStored) {
    hub.hold_telemetry = true;
    packets::Connect connect = connect_as("d1");
    connect.will = packets::Will{"devices/d1/messages/events/", "gone", 0};
    Client& client = connected(connect);
    client.close();
    EXPECT_FALSE(client.served);
    EXPECT_EQ(hub.closed_sessions, 0);
    hub.finish(1);
    settle_down();
    EXPECT_TRUE(client.served);
    Client& unlucky = connected(connect);
    unlucky.close();
    advance(std::chrono::seconds(10));
    EXPECT_TRUE(unlucky.served) << "and not for ever";
}

TEST_F(MqttLifetime, EndsWhenTheHubSaysSo) {
    for (const auto reason : {hub_api::CloseReason::identity_removed, hub_api::CloseReason::shutting_down}) {
        Client& client = connected(connect_as("d1"));
        hub.sink.lock()->close(reason);
        settle_down();
        EXPECT_TRUE(client.closed);
        EXPECT_TRUE(client.served);
    }
}

TEST_F(MqttLifetime, EndsForAClientThatDoesNotReadItsAnswers) {
    hub.twin = std::string(30'000, 'x');
    Client& client = connected(connect_as("d1"), {.outbound_bytes_max = 200'000});
    client.send(packets::Subscribe{1, {{"$iothub/twin/res/#", 0}}});
    client.stop_reading();
    client.send(packets::Pingreq{});   // the last that it reads
    for (int i = 0; i < 20 && !client.served; ++i) client.send(telemetry_of("$iothub/twin/GET/?$rid=1", "", 0));
    EXPECT_TRUE(client.served);
}

TEST_F(MqttLifetime, EndsForAClientThatNeverReadsOnAgain) {
    hub.twin = std::string(100'000, 'x');
    packets::Connect connect = connect_as("d1");
    connect.keep_alive_seconds = 0;
    Client& client = connected(connect);
    client.send(packets::Subscribe{1, {{"$iothub/twin/res/#", 0}}});
    client.stop_reading();
    client.send(packets::Pingreq{});
    client.send(telemetry_of("$iothub/twin/GET/?$rid=1", "", 0));
    advance(std::chrono::seconds(59));
    EXPECT_FALSE(client.served);
    advance(std::chrono::seconds(61));
    EXPECT_TRUE(client.served);
}

// The owner of connections cancels them when the server stops.
TEST_F(MqttLifetime, EndsWhenItsOwnerStops) {
    async::TaskGroup owner(loop.get_executor());
    auto idle = net::make_stream_pair(loop.get_executor());
    auto early = net::make_stream_pair(loop.get_executor());
    owner.spawn("served", serve_mqtt(std::move(idle.second), hub, time, random, std::make_shared<const MqttSettings>()));
    owner.spawn("served", serve_mqtt(std::move(early.second), hub, time, random, std::make_shared<const MqttSettings>()));
    packets::Connect connect = connect_as("d1");
    connect.will = packets::Will{"devices/d1/messages/events/", "gone", 1};
    const std::shared_ptr<net::Stream> client = std::move(idle.first);
    async::spawn_root(loop.get_executor(), write_all(client, bytes_of(connect)), [] {});
    settle_down();
    EXPECT_EQ(hub.sessions, 1);
    bool stopped = false;
    async::spawn_root(loop.get_executor(), owner.stop(), [&] { stopped = true; });
    settle_down();
    EXPECT_TRUE(stopped);
    EXPECT_EQ(hub.closed_sessions, 1);
    EXPECT_TRUE(hub.telemetry.empty()) << "it is not the client that vanished";
}

TEST_F(MqttLifetime, EndsWhenItsOwnerStopsWhileReadingPauses) {
    hub.hold_telemetry = true;
    async::TaskGroup owner(loop.get_executor());
    auto ends = net::make_stream_pair(loop.get_executor());
    owner.spawn("served", serve_mqtt(std::move(ends.second), hub, time, random,
                                      std::make_shared<const MqttSettings>(MqttSettings{.inbound_unacked_max = 1})));
    const std::shared_ptr<net::Stream> client = std::move(ends.first);
    const std::string flight = bytes_of(connect_as("d1")) + bytes_of(telemetry_of("devices/d1/messages/events/", "x", 1));
    async::spawn_root(loop.get_executor(), write_all(client, flight), [] {});
    settle_down();
    EXPECT_EQ(hub.held.size(), 1u);
    bool stopped = false;
    async::spawn_root(loop.get_executor(), owner.stop(), [&] { stopped = true; });
    settle_down();
    EXPECT_TRUE(stopped);
}

}  // namespace
}  // namespace selvage::heads::mqtt
