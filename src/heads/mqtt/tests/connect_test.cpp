#include "heads/mqtt/tests/harness.h"

namespace selvage::heads::mqtt {
namespace {

using namespace testing;

class MqttConnect : public HeadTest {};

TEST_F(MqttConnect, AsksTheHubWithWhatTheClientShowed) {
    Client& client = dial();
    packets::Connect connect = connect_as("d1/m1");
    connect.username = "h.net/d1/m1/?api-version=2021-04-12&DeviceClientType=x%2F1&model-id=dtmi:a;1&auth-chain=leaf%3Bedge";
    client.send(connect);
    EXPECT_EQ(client.received_text(), "CONNACK 0");
    EXPECT_EQ(hub.credentials.identity, domain::Identity::of_module("d1", "m1"));
    EXPECT_EQ(hub.credentials.sas_token, "SharedAccessSignature sr=x");
    EXPECT_EQ(hub.credentials.auth_chain, "leaf;edge");
    EXPECT_EQ(hub.info.product_info, "x/1");
    EXPECT_EQ(hub.info.model_id, "dtmi:a;1");
    EXPECT_EQ(hub.info.protocol, "mqtt");
    EXPECT_FALSE(client.closed);
}

TEST_F(MqttConnect, IsRefusedWithTheCodeOfItsReason) {
    const auto with = [](auto change) {
        packets::Connect connect = connect_as("d1");
        change(connect);
        return connect;
    };
    const auto bytes_with_level = [&](std::uint8_t level) { return bytes_of(with([&](auto& c) { c.protocol_level = level; })); };
    struct Row {
        const char* name;
        std::string bytes;
        std::optional<Error> refusal, open_refusal;
        int code;
    };
    const std::string plain = bytes_of(connect_as("d1"));
    const Row rows[] = {
        {"MQTT 5", bytes_with_level(5), {}, {}, 1},
        {"MQTT 3.1", bytes_of(with([](auto& c) { c.protocol_name = "MQIsdp"; c.protocol_level = 3; })), {}, {}, 1},
        {"no user name", bytes_of(with([](auto& c) { c.username.reset(); c.password.reset(); })), {}, {}, 4},
        {"a malformed user name", bytes_of(with([](auto& c) { c.username = "d1"; })), {}, {}, 4},
        {"another's client id", bytes_of(with([](auto& c) { c.client_id = "d2"; })), {}, {}, 5},
        {"a client id in other case", bytes_of(with([](auto& c) { c.client_id = "D1"; })), {}, {}, 5},
        {"the device's client id for a module", bytes_of(with([](auto& c) { c.username = "h/d1/m1/?api-version=1"; })), {}, {}, 5},
        {"a will on a foreign topic", bytes_of(with([](auto& c) { c.will = packets::Will{"devices/d2/messages/events/", "x", 1}; })), {}, {}, 5},
        {"a will on no telemetry topic", bytes_of(with([](auto& c) { c.will = packets::Will{"$iothub/twin/GET/?$rid=1", "x", 1}; })), {}, {}, 5},
        {"a will with QoS 2", bytes_of(with([](auto& c) { c.will = packets::Will{"devices/d1/messages/events/", "x", 2}; })), {}, {}, 5},
        {"a bad token", plain, Error{Errc::unauthorized, "signature"}, {}, 5},
        {"an unknown device", plain, Error{Errc::device_not_found, ""}, {}, 5},
        {"an unknown module", plain, Error{Errc::module_not_found, ""}, {}, 5},
        {"a disabled device", plain, Error{Errc::device_disabled, ""}, {}, 5},
        {"out of scope", plain, Error{Errc::forbidden, ""}, {}, 5},
        {"a hub that cannot say", plain, Error{Errc::unavailable, ""}, {}, 3},
        {"a hub that is full", plain, {}, Error{Errc::quota_exceeded, ""}, 3},
    };
    for (const Row& row : rows) {
        hub.refusal = row.refusal;
        hub.open_refusal = row.open_refusal;
        Client& client = dial();
        client.send_bytes(row.bytes);
        EXPECT_EQ(client.received_text(), fmt::format("CONNACK {}", row.code)) << row.name;
        EXPECT_TRUE(client.closed) << row.name;
        EXPECT_TRUE(client.served) << row.name;
    }
    EXPECT_EQ(hub.sessions, 0);
}

TEST_F(MqttConnect, MustBeTheFirstPacketAndTheOnlyOne) {
    Client& early = dial();
    early.send(packets::Pingreq{});
    EXPECT_TRUE(early.closed);
    EXPECT_TRUE(early.received().empty());
    Client& twice = connected(connect_as("d1"));
    twice.send(connect_as("d1"));
    EXPECT_TRUE(twice.closed);
    Client& garbage = dial();
    garbage.send_bytes("GET / HTTP/1.1\r\n\r\n");
    EXPECT_TRUE(garbage.closed);
}

TEST_F(MqttConnect, HasAtMost16KiB) {
    packets::Connect connect = connect_as("d1");
    connect.will = packets::Will{"devices/d1/messages/events/", std::string(15'000, 'x'), 1};
    EXPECT_EQ(connected(connect).received_text(), "");
    connect.will->payload += std::string(2'000, 'x');
    Client& large = dial();
    large.send_bytes(bytes_of(connect).substr(0, 100));
    EXPECT_TRUE(large.closed) << "before its bytes are kept";
}

TEST_F(MqttConnect, IsWorthServingOnceItIsWholeOrCannotBecomeOne) {
    const auto bytes = bytes_of(connect_as("d1"));
    for (std::size_t cut = 0; cut < bytes.size(); ++cut) EXPECT_FALSE(is_opening(bytes.substr(0, cut))) << cut;
    EXPECT_TRUE(is_opening(bytes));
    EXPECT_TRUE(is_opening(bytes + "more"));
    EXPECT_TRUE(is_opening("GET / HTTP/1.1\r\n"));
    EXPECT_TRUE(is_opening("\x10\xff\xff\xff\x7f")) << "too long";
}

TEST_F(MqttConnect, MustComeInTime) {
    Client& client = dial({.connect_timeout = std::chrono::seconds(60)});
    client.send_bytes(bytes_of(connect_as("d1")).substr(0, 10));
    advance(std::chrono::seconds(59));
    EXPECT_FALSE(client.closed);
    advance(std::chrono::seconds(1));
    EXPECT_TRUE(client.closed);
    EXPECT_TRUE(client.served);
}

TEST_F(MqttConnect, IsTakenWhereverItsFlightIsCut) {
    const std::string topic = "devices/d1/messages/events/a=b";
    const std::string flight = bytes_of(connect_as("d1")) +
                               bytes_of(packets::Subscribe{1, {{"$iothub/twin/res/#", 0}, {"devices/d1/messages/devicebound/#", 1}}}) +
                               bytes_of(telemetry_of(topic, "body", 2));
    for (std::size_t cut = 0; cut < flight.size(); ++cut) {
        hub.stored.reset();
        hub.telemetry.clear();
        Client& client = dial();
        client.send_bytes(flight.substr(0, cut));
        client.send_bytes(flight.substr(cut));
        ASSERT_EQ(client.received_text(), "CONNACK 0\nSUBACK 1 0,1\nPUBACK 2") << "cut at " << cut;
        ASSERT_EQ(hub.telemetry.size(), 1u);
        ASSERT_EQ(hub.telemetry[0].body, "body");
        client.close();
    }
}

TEST_F(MqttConnect, TellsWhetherASessionIsPresent) {
    Client& first = dial();
    first.send(connect_as("d1"));
    EXPECT_EQ(first.received_text(), "CONNACK 0");
    first.close();
    Client& again = dial();
    again.send(connect_as("d1"));
    EXPECT_EQ(again.received_text(), "CONNACK 0 present");
    again.close();
    Client& clean = dial();
    clean.send(connect_as("d1", true));
    EXPECT_EQ(clean.received_text(), "CONNACK 0");
    EXPECT_FALSE(hub.stored) << "a clean session ends the stored one";
    clean.close();
    Client& last = dial();
    last.send(connect_as("d1"));
    EXPECT_EQ(last.received_text(), "CONNACK 0");
}

TEST_F(MqttConnect, RestoresTheFiltersOfItsSession) {
    hub.stored = {{"$iothub/methods/POST/#", 0}, {"devices/d1/messages/devicebound/#", 1}, {"no longer known", 1}};
    Client& client = dial({.outbound_window = 7});
    client.send(connect_as("d1"));
    EXPECT_EQ(client.received_text(), "CONNACK 0 present");
    EXPECT_EQ(hub.calls, (std::vector<std::string>{"methods on", "c2d on", "window c2d 7"}));
    hub.sink.lock()->invoke_method("r", {.name = "reboot", .payload = {}});
    settle_down();
    EXPECT_EQ(client.received_text(), "PUBLISH q0 #0 $iothub/methods/POST/reboot/?$rid=r|");
}

TEST_F(MqttConnect, ClosesTheOlderConnectionOfTheIdentity) {
    Client& older = connected(connect_as("d1"));
    Client& newer = connected(connect_as("d1"));
    EXPECT_TRUE(older.closed);
    EXPECT_TRUE(older.served);
    EXPECT_FALSE(newer.closed);
    newer.send(packets::Pingreq{});
    EXPECT_EQ(newer.received_text(), "PINGRESP");
}

}  // namespace
}  // namespace selvage::heads::mqtt
