#include <gtest/gtest.h>

#include "base/encoding.h"
#include "codec/mqtt/packet.h"
#include "codec/mqtt/tests/random_packet.h"

namespace selvage::codec::mqtt {
namespace {

// A packet as text, so that views may end before the comparison.
std::string encoded(const Packet& packet) {
    std::string bytes;
    const auto done = encode(packet, bytes);
    EXPECT_TRUE(done) << (done ? "" : done.error().detail);
    return bytes;
}

Error first_error(std::string_view bytes, Limits limits = {}) {
    Decoder decoder(limits);
    decoder.feed(bytes);
    for (;;) {
        auto packet = decoder.next();
        if (!packet) return packet.error();
        if (!*packet) return {Errc::not_found, "no error"};
    }
}

std::string from(std::string_view hex) {
    std::string digits;
    for (const char c : hex)
        if (c != ' ') digits += c;
    return from_hex(digits).value();
}

TEST(MqttDecoder, ReadsAConnectAsTheNodeSdkSendsIt) {
    Decoder decoder;
    const std::string bytes = encoded(Connect{.clean_session = false, .keep_alive_seconds = 180, .client_id = "d1",
                                              .username = "h/d1/?api-version=2021-04-12", .password = "SharedAccessSignature x"});
    EXPECT_EQ(to_hex(bytes.substr(2, 8)), "00044d51545404c0");
    decoder.feed(bytes);
    const auto packet = decoder.next();
    ASSERT_TRUE(packet && *packet);
    const auto& connect = std::get<Connect>(**packet);
    EXPECT_EQ(connect.client_id, "d1");
    EXPECT_FALSE(connect.clean_session);
    EXPECT_EQ(connect.keep_alive_seconds, 180);
    EXPECT_EQ(connect.password, "SharedAccessSignature x");
}

TEST(MqttDecoder, LooksAtAWholePublishWhereItLies) {
    Decoder decoder;
    const std::string bytes = encoded(Publish{"a/b", "hello", 7, 1});
    decoder.feed(bytes);
    const auto packet = decoder.next();
    ASSERT_TRUE(packet && *packet);
    const auto& publish = std::get<Publish>(**packet);
    EXPECT_GE(publish.payload.data(), bytes.data());
    EXPECT_LT(publish.payload.data(), bytes.data() + bytes.size());
    EXPECT_EQ(decoder.held_bytes(), 0u);
}

TEST(MqttDecoder, GivesTheSamePacketsWhereverTheStreamIsCut) {
    SeededRandom random(42);
    for (int round = 0; round < 30; ++round) {
        std::string stream;
        std::vector<std::string> wanted;
        for (int i = 0; i < 4; ++i) {
            std::string topic, payload;
            wanted.push_back(encoded(testing::random_packet(random, topic, payload)));
            stream += wanted.back();
        }
        for (std::size_t cut = 0; cut <= stream.size(); ++cut) {
            Decoder decoder;
            std::vector<std::string> got;
            // Each part lies in a buffer of its own that is gone afterwards, as a shared read buffer is.
            for (const std::string& part : {stream.substr(0, cut), stream.substr(cut)}) {
                auto buffer = std::make_unique<std::string>(part);
                decoder.feed(*buffer);
                for (;;) {
                    const auto packet = decoder.next();
                    ASSERT_TRUE(packet) << packet.error().detail << " cut at " << cut;
                    if (!*packet) break;
                    got.push_back(encoded(**packet));
                }
            }
            ASSERT_EQ(got, wanted) << "cut at " << cut;
            ASSERT_EQ(decoder.held_bytes(), 0u);
        }
    }
}

TEST(MqttDecoder, GivesTheSamePacketsByteByByteAndWhenKept) {
    SeededRandom random(7);
    std::string stream;
    std::vector<std::string> wanted;
    for (int i = 0; i < 50; ++i) {
        std::string topic, payload;
        wanted.push_back(encoded(testing::random_packet(random, topic, payload)));
        stream += wanted.back();
    }
    Decoder slow;
    std::vector<std::string> got;
    for (std::size_t i = 0; i < stream.size(); ++i) {
        slow.feed(std::string_view(stream).substr(i, 1));
        while (true) {
            const auto packet = slow.next();
            ASSERT_TRUE(packet) << packet.error().detail;
            if (!*packet) break;
            got.push_back(encoded(**packet));
        }
    }
    EXPECT_EQ(got, wanted);

    Decoder keeping;
    got.clear();
    auto buffer = std::make_unique<std::string>(stream);
    keeping.feed(*buffer);
    got.push_back(encoded(**keeping.next()));
    keeping.keep();
    buffer.reset();
    EXPECT_EQ(keeping.held_bytes(), stream.size() - wanted[0].size());
    for (;;) {
        const auto packet = keeping.next();
        ASSERT_TRUE(packet) << packet.error().detail;
        if (!*packet) break;
        got.push_back(encoded(**packet));
    }
    EXPECT_EQ(got, wanted);
    EXPECT_EQ(keeping.held_bytes(), 0u);
}

TEST(MqttDecoder, RefusesWhatBreaksARule) {
    struct Row {
        const char* name;
        const char* hex;
    };
    constexpr Row kRows[] = {
        {"type 0", "00 00"},
        {"type 15", "f0 00"},
        {"remaining length in five bytes", "c0 80808080 01"},
        {"CONNECT with flags", "11 0c 0004 4d515454 04 02 0000 0000"},
        {"CONNECT with the reserved flag", "10 0c 0004 4d515454 04 03 0000 0000"},
        {"CONNECT cut short", "10 0b 0004 4d515454 04 02 0000 00"},
        {"CONNECT with bytes behind it", "10 0d 0004 4d515454 04 02 0000 0000 00"},
        {"CONNECT with a password but no user name", "10 0e 0004 4d515454 04 42 0000 0000 0000"},
        {"CONNECT with will QoS but no will", "10 0c 0004 4d515454 04 0a 0000 0000"},
        {"CONNECT with will QoS 3", "10 11 0004 4d515454 04 1e 0000 0000 0001 61 0000"},
        {"CONNECT with a wildcard in the will topic", "10 11 0004 4d515454 04 06 0000 0000 0001 23 0000"},
        {"CONNACK with reserved flags", "20 02 02 00"},
        {"CONNACK with code 6", "20 02 00 06"},
        {"CONNACK refusing a present session", "20 02 01 05"},
        {"PUBLISH with QoS 3", "36 05 0001 61 0001"},
        {"PUBLISH with DUP and QoS 0", "38 03 0001 61"},
        {"PUBLISH with packet id 0", "32 05 0001 61 0000"},
        {"PUBLISH without a topic", "30 02 0000"},
        {"PUBLISH with + in the topic", "30 03 0001 2b"},
        {"PUBLISH with # in the topic", "30 03 0001 23"},
        {"PUBLISH with U+0000 in the topic", "30 03 0001 00"},
        {"PUBLISH with an overlong form", "30 04 0002 c080"},
        {"PUBLISH with a surrogate", "30 05 0003 eda080"},
        {"PUBLISH with half a character", "30 03 0001 c3"},
        {"PUBLISH over U+10FFFF", "30 06 0004 f4908080"},
        {"PUBLISH whose topic is longer than the packet", "30 03 0005 61"},
        {"PUBLISH of QoS 1 that ends before the packet id", "32 03 0001 61"},
        {"PUBACK with flags", "42 02 0001"},
        {"PUBACK with packet id 0", "40 02 0000"},
        {"PUBACK with three bytes", "40 03 000100"},
        {"PUBREL without its flags", "60 02 0001"},
        {"SUBSCRIBE without its flags", "80 06 0001 0001 61 00"},
        {"SUBSCRIBE without filters", "82 02 0001"},
        {"SUBSCRIBE with packet id 0", "82 06 0000 0001 61 00"},
        {"SUBSCRIBE with QoS 3", "82 06 0001 0001 61 03"},
        {"SUBSCRIBE with reserved bits in the QoS", "82 06 0001 0001 61 80"},
        {"SUBSCRIBE with an empty filter", "82 05 0001 0000 00"},
        {"SUBSCRIBE with # in the middle", "82 08 0001 0003 232f61 00"},
        {"SUBSCRIBE without the QoS", "82 05 0001 0001 61"},
        {"SUBACK without codes", "90 02 0001"},
        {"SUBACK with code 3", "90 03 0001 03"},
        {"UNSUBSCRIBE without filters", "a2 02 0001"},
        {"UNSUBACK with packet id 0", "b0 02 0000"},
        {"PINGREQ with a body", "c0 01 00"},
        {"DISCONNECT with flags", "e1 00"},
    };
    for (const Row& row : kRows) {
        const Error error = first_error(from(row.hex));
        EXPECT_EQ(error.code, Errc::malformed) << row.name << ": " << error.detail;
    }
}

TEST(MqttDecoder, RefusesATooLargePacketBeforeItsBytesCome) {
    EXPECT_EQ(first_error(from("30 8f4e"), {.packet_bytes_max = 9999}).code, Errc::not_found);    // 9,999 bytes
    EXPECT_EQ(first_error(from("30 904e"), {.packet_bytes_max = 9999}).code, Errc::message_too_large);
    EXPECT_EQ(first_error(from("30 ffffff"), {}).code, Errc::message_too_large);
}

TEST(MqttDecoder, RefusesMoreFiltersThanTheLimit) {
    Subscribe subscribe{1, {{"a", 0}, {"b", 0}, {"c", 0}}};
    EXPECT_EQ(first_error(encoded(subscribe), {.filters_max = 3}).code, Errc::not_found);
    EXPECT_EQ(first_error(encoded(subscribe), {.filters_max = 2}).code, Errc::malformed);
    EXPECT_EQ(first_error(encoded(Unsubscribe{1, {"a", "b"}}), {.filters_max = 1}).code, Errc::malformed);
}

TEST(MqttDecoder, NamesOtherProtocolVersionsWithoutReadingOn) {
    // MQTT 5 has properties where 3.1.1 has the client id.
    Decoder decoder;
    const std::string bytes = from("10 0d 0004 4d515454 05 02 003c 00 0000") + from("10 0e 0006 4d5149736470 03 02 003c 0000");
    decoder.feed(bytes);
    auto packet = decoder.next();
    ASSERT_TRUE(packet && *packet);
    EXPECT_EQ(std::get<Connect>(**packet).protocol_level, 5);
    packet = decoder.next();
    ASSERT_TRUE(packet && *packet);
    EXPECT_EQ(std::get<Connect>(**packet).protocol_name, "MQIsdp");
}

}  // namespace
}  // namespace selvage::codec::mqtt
