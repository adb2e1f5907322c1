#include "heads/mqtt/tests/harness.h"

namespace selvage::heads::mqtt {
namespace {

using namespace testing;
using domain::SystemProperty;

constexpr std::string_view kEvents = "devices/d1/messages/events/";

class MqttTelemetry : public HeadTest {};

TEST_F(MqttTelemetry, ReachesTheHubWithItsProperties) {
    Client& client = connected(connect_as("d1"));
    client.send(telemetry_of("devices/d1/messages/events/%24.mid=m1&k=v&%24.cdid=spoof", std::string("\x00\xff", 2), 0));
    ASSERT_EQ(hub.telemetry.size(), 1u);
    EXPECT_EQ(hub.telemetry[0].body, std::string("\x00\xff", 2));
    EXPECT_EQ(hub.telemetry[0].get(SystemProperty::message_id), "m1");
    EXPECT_EQ(hub.telemetry[0].properties, (std::vector<domain::Property>{{"k", "v"}}));
    EXPECT_FALSE(hub.telemetry[0].get(SystemProperty::connection_device_id));
    EXPECT_TRUE(client.received().empty());
}

TEST_F(MqttTelemetry, MarksRetainAndDup) {
    Client& client = connected(connect_as("d1"));
    client.send(packets::Publish{.topic = "devices/d1/messages/events/mqtt-dup=no", .payload = "x", .packet_id = 3, .qos = 1, .retain = true, .dup = true});
    ASSERT_EQ(hub.telemetry.size(), 1u);
    EXPECT_EQ(hub.telemetry[0].properties, (std::vector<domain::Property>{{"mqtt-retain", "true"}, {"mqtt-dup", "true"}}));
    EXPECT_EQ(client.received_text(), "PUBACK 3");
}

TEST_F(MqttTelemetry, IsAcknowledgedOnlyWhenTheHubHasIt) {
    hub.hold_telemetry = true;
    Client& client = connected(connect_as("d1"));
    client.send(telemetry_of(kEvents, "1", 1));
    EXPECT_TRUE(client.received().empty());
    hub.finish(1);
    settle_down();
    EXPECT_EQ(client.received_text(), "PUBACK 1");
}

TEST_F(MqttTelemetry, IsAcknowledgedInOrderAlsoBetweenTwinRequests) {
    hub.hold_telemetry = true;
    Client& client = connected(connect_as("d1"));
    client.send(telemetry_of(kEvents, "1", 1));
    client.send(telemetry_of("$iothub/twin/GET/?$rid=1", "", 2));
    client.send(telemetry_of(kEvents, "3", 0));
    client.send(telemetry_of("$iothub/methods/res/200/?$rid=r1", "{}", 4));
    client.send(telemetry_of(kEvents, "5", 5));
    EXPECT_TRUE(client.received().empty()) << "nothing may overtake the first";
    hub.finish(1);
    settle_down();
    EXPECT_EQ(client.received_text(), "PUBACK 1\nPUBACK 2");
    hub.finish(1);
    settle_down();
    EXPECT_EQ(client.received_text(), "PUBACK 4");
    hub.finish(1);
    settle_down();
    EXPECT_EQ(client.received_text(), "PUBACK 5");
    EXPECT_EQ(hub.calls, (std::vector<std::string>{"get twin", "answer r1 200 {}"}));
}

TEST_F(MqttTelemetry, ThatTheHubRefusesEndsTheConnectionWithoutPuback) {
    hub.hold_telemetry = true;
    Client& client = connected(connect_as("d1"));
    client.send(telemetry_of(kEvents, "1", 1));
    hub.finish(1, fail(Errc::quota_exceeded, "the store is full"));
    settle_down();
    EXPECT_TRUE(client.received().empty());
    EXPECT_TRUE(client.closed);
}

TEST_F(MqttTelemetry, MayBeDoneAfterTheConnectionIsGone) {
    hub.hold_telemetry = true;
    Client& client = connected(connect_as("d1"));
    client.send(telemetry_of(kEvents, "1", 1));
    client.close();
    EXPECT_TRUE(client.served);
    hub.finish(1);
    settle_down();
}

TEST_F(MqttTelemetry, EndsTheConnectionWhenItBreaksARule) {
    struct Row {
        const char* name;
        packets::Publish publish;
    };
    const Row rows[] = {
        {"QoS 2", {.topic = kEvents, .payload = "x", .packet_id = 1, .qos = 2}},
        {"another device", {.topic = "devices/d2/messages/events/", .payload = "x", .packet_id = 1, .qos = 1}},
        {"another device's module", {.topic = "devices/d1/modules/m1/messages/events/", .payload = "x"}},
        {"an unknown topic", {.topic = "a/b", .payload = "x"}},
        {"a topic of the hub", {.topic = "devices/d1/messages/devicebound/", .payload = "x"}},
        {"a bag without a name", {.topic = "devices/d1/messages/events/=v", .payload = "x"}},
        {"twin GET without a request id", {.topic = "$iothub/twin/GET/", .payload = ""}},
    };
    for (const Row& row : rows) {
        Client& client = connected(connect_as("d1"));
        client.send(row.publish);
        EXPECT_TRUE(client.closed) << row.name;
        EXPECT_TRUE(client.received().empty()) << row.name;
    }
    EXPECT_TRUE(hub.telemetry.empty());
    for (const packets::Packet& packet : {packets::Packet(packets::Qos2Step{6, 1}), packets::Packet(packets::Pingresp{})}) {
        Client& client = connected(connect_as("d1"));
        client.send(packet);
        EXPECT_TRUE(client.closed);
    }
}

TEST_F(MqttTelemetry, TooLargeForAPacketEndsTheConnection) {
    Client& client = connected(connect_as("d1"), {.packet_bytes_max = 1000});
    client.send(telemetry_of(kEvents, std::string(900, 'x'), 1));
    EXPECT_EQ(client.received_text(), "PUBACK 1");
    client.send(telemetry_of(kEvents, std::string(1000, 'x'), 2));
    EXPECT_TRUE(client.closed);
}

TEST_F(MqttTelemetry, IsNotReadWhileTooMuchIsUnacknowledged) {
    hub.hold_telemetry = true;
    Client& client = connected(connect_as("d1"), {.inbound_unacked_max = 3});
    std::string burst;
    for (std::uint16_t id = 1; id <= 10; ++id) burst += bytes_of(telemetry_of(kEvents, "x", id));
    client.send_bytes(burst);
    EXPECT_EQ(hub.telemetry.size(), 3u);
    hub.finish(1);
    settle_down();
    EXPECT_EQ(hub.telemetry.size(), 4u);
    // Waiting for the hub is no silence of the client.
    advance(std::chrono::seconds(300));
    EXPECT_FALSE(client.closed);
    hub.hold_telemetry = false;
    hub.finish(10);
    settle_down();
    EXPECT_EQ(hub.telemetry.size(), 10u);
    EXPECT_EQ(client.received().size(), 10u);
}

TEST_F(MqttTelemetry, IsNotReadWhileTooManyBytesAreUnacknowledged) {
    hub.hold_telemetry = true;
    Client& client = connected(connect_as("d1"), {.inbound_unacked_bytes_max = 5000});
    std::string burst;
    for (std::uint16_t id = 1; id <= 10; ++id) burst += bytes_of(telemetry_of(kEvents, std::string(2000, 'x'), id));
    client.send_bytes(burst);
    EXPECT_EQ(hub.telemetry.size(), 3u);
    // The connection can end while it waits.
    client.close();
    hub.finish(10);
    settle_down();
}

}  // namespace
}  // namespace selvage::heads::mqtt
