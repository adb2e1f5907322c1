#include <gtest/gtest.h>

#include "base/encoding.h"
#include "codec/mqtt/packet.h"
#include "codec/mqtt/tests/random_packet.h"

namespace selvage::codec::mqtt {
namespace {

TEST(MqttEncoder, WritesTheBytesOfTheStandard) {
    struct Row {
        const char* name;
        Packet packet;
        const char* hex;
    };
    const Row rows[] = {
        {"CONNACK", Connack{true, ConnectCode::accepted}, "20020100"},
        {"CONNACK refusing", Connack{false, ConnectCode::not_authorized}, "20020005"},
        {"PUBLISH QoS 0", Publish{"a/b", "hi"}, "30070003612f626869"},
        {"PUBLISH QoS 1 again", Publish{"a", "", 258, 1, false, true}, "3a050001610102"},
        {"PUBACK", Puback{4660}, "40021234"},
        {"PUBREL", Qos2Step{6, 1}, "62020001"},
        {"SUBSCRIBE", Subscribe{1, {{"a/#", 1}}}, "820800010003612f2301"},
        {"SUBACK", Suback{1, {1, 128}}, "900400010180"},
        {"UNSUBSCRIBE", Unsubscribe{2, {"+"}}, "a205000200012b"},
        {"UNSUBACK", Unsuback{2}, "b0020002"},
        {"PINGREQ", Pingreq{}, "c000"},
        {"PINGRESP", Pingresp{}, "d000"},
        {"DISCONNECT", Disconnect{}, "e000"},
    };
    for (const Row& row : rows) {
        std::string bytes;
        ASSERT_TRUE(encode(row.packet, bytes)) << row.name;
        EXPECT_EQ(to_hex(bytes), row.hex) << row.name;
    }
}

TEST(MqttEncoder, IsUndoneByTheDecoder) {
    SeededRandom random(3);
    for (int i = 0; i < 3000; ++i) {
        std::string topic, payload;
        const Packet packet = testing::random_packet(random, topic, payload);
        std::string bytes;
        ASSERT_TRUE(encode(packet, bytes));
        Decoder decoder;
        decoder.feed(bytes);
        const auto again = decoder.next();
        ASSERT_TRUE(again && *again);
        ASSERT_EQ(**again, packet) << to_hex(bytes);
        const auto end = decoder.next();
        ASSERT_TRUE(end && !*end);
    }
}

TEST(MqttEncoder, WritesLengthsOfOneToFourBytes) {
    for (const std::size_t size : {124u, 125u, 16380u, 16381u, 262144u, 2097148u, 2097149u}) {
        const std::string payload(size, 'x');
        std::string bytes;
        ASSERT_TRUE(encode(Publish{"a", payload}, bytes));
        Decoder decoder({.packet_bytes_max = 3'000'000});
        decoder.feed(bytes);
        const auto packet = decoder.next();
        ASSERT_TRUE(packet && *packet) << size;
        EXPECT_EQ(std::get<Publish>(**packet).payload.size(), size);
    }
}

TEST(MqttEncoder, RefusesWhatTheDecoderWouldAndLeavesTheOutputAlone) {
    const std::string long_text(65536, 'x');
    Connect with_password;
    with_password.password = "p";
    Connect with_long_id;
    with_long_id.client_id = long_text;
    const Packet rows[] = {Publish{long_text, ""}, Publish{"a/#", ""},      Publish{"", ""},
                           Publish{"a", "", 0, 1}, Publish{"a", "", 1, 0},  Publish{"a", "", 1, 3},
                           Publish{"\xff", ""},    Puback{0},               Subscribe{1, {}},
                           Subscribe{1, {{"#a", 0}}}, Subscribe{1, {{"a", 3}}}, Suback{1, {}},
                           Suback{1, {5}},         Unsubscribe{0, {"a"}},   Unsubscribe{1, {}},
                           Unsuback{0},            Qos2Step{4, 1},          Connack{true, ConnectCode::unavailable},
                           with_password,          with_long_id};
    for (std::size_t i = 0; i < std::size(rows); ++i) {
        std::string out = "before";
        const auto done = encode(rows[i], out);
        ASSERT_FALSE(done) << "row " << i;
        EXPECT_EQ(done.error().code, Errc::invalid_argument) << "row " << i;
        EXPECT_EQ(out, "before") << "row " << i;
    }
}

}  // namespace
}  // namespace selvage::codec::mqtt
