// Packets that a codec must carry unchanged, from a seed.
#pragma once

#include "base/random.h"
#include "codec/mqtt/packet.h"

namespace selvage::codec::mqtt::testing {

inline std::string random_text(Random& random, std::size_t least, std::size_t most) {
    static constexpr std::string_view kPieces[] = {"a", "Z", "/", "%24", "\xc3\xa9", "\xe2\x82\xac", "\xf0\x9f\x92\xa1", "-", "$"};
    std::string text;
    const std::size_t pieces = least + random.next() % (most - least + 1);
    for (std::size_t i = 0; i < pieces; ++i) text += kPieces[random.next() % std::size(kPieces)];
    return text;
}
inline std::string random_bytes(Random& random, std::size_t most) {
    std::string bytes(random.next() % (most + 1), '\0');
    random.fill(std::as_writable_bytes(std::span(bytes.data(), bytes.size())));
    return bytes;
}
inline std::uint16_t random_id(Random& random) { return static_cast<std::uint16_t>(1 + random.next() % 65535); }
inline std::uint8_t random_qos(Random& random) { return static_cast<std::uint8_t>(random.next() % 3); }

inline Packet random_packet(Random& random, std::string& topic, std::string& payload) {
    switch (random.next() % 12) {
        case 0: {
            Connect connect;
            connect.clean_session = random.next() % 2 == 0;
            connect.keep_alive_seconds = static_cast<std::uint16_t>(random.next());
            connect.client_id = random_text(random, 0, 20);
            if (random.next() % 2 == 0)
                connect.will = Will{random_text(random, 1, 9), random_bytes(random, 50), random_qos(random), random.next() % 2 == 0};
            if (random.next() % 2 == 0) connect.username = random_text(random, 0, 200);
            if (connect.username && random.next() % 2 == 0) connect.password = random_bytes(random, 200);
            return connect;
        }
        case 1: return Connack{false, static_cast<ConnectCode>(random.next() % 6)};
        case 2: return Puback{random_id(random)};
        case 3: {
            Subscribe subscribe{random_id(random), {}};
            for (auto n = 1 + random.next() % 4; n > 0; --n)
                subscribe.filters.push_back({random_text(random, 1, 9) + "/#", random_qos(random)});
            return subscribe;
        }
        case 4: return Suback{random_id(random), {0, 1, 0x80}};
        case 5: return Unsubscribe{random_id(random), {random_text(random, 1, 9), "+/a"}};
        case 6: return Unsuback{random_id(random)};
        case 7: return Qos2Step{static_cast<std::uint8_t>(5 + random.next() % 3), random_id(random)};
        case 8: return Pingreq{};
        case 9: return Pingresp{};
        case 10: return Disconnect{};
        default: {
            topic = random_text(random, 1, 60);
            payload = random_bytes(random, 300);
            Publish publish{topic, payload, 0, random_qos(random), random.next() % 2 == 0, false};
            if (publish.qos > 0) publish.packet_id = random_id(random);
            if (publish.qos > 0) publish.dup = random.next() % 2 == 0;
            return publish;
        }
    }
}

}  // namespace selvage::codec::mqtt::testing
