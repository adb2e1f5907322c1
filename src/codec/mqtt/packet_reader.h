// One packet's bytes, cut out of the stream, to a value. Private to the room.
#pragma once

#include "codec/mqtt/packet.h"

namespace selvage::codec::mqtt {

enum class PacketType : std::uint8_t {
    connect = 1, connack, publish, puback, pubrec, pubrel, pubcomp, subscribe, suback, unsubscribe, unsuback, pingreq,
    pingresp, disconnect
};

// The start of a packet: type and flags, and how long the rest is. Nothing while the header has not come whole.
struct FixedHeader {
    std::uint8_t type_and_flags = 0;
    std::size_t header_bytes = 0;
    std::size_t remaining_bytes = 0;
    std::size_t total() const { return header_bytes + remaining_bytes; }
};
// Errors: malformed (reserved type, wrong flags, length in more than four bytes), message_too_large.
Result<std::optional<FixedHeader>> read_fixed_header(std::string_view bytes, const Limits& limits);

// `type_and_flags` as read_fixed_header() let it pass; `body` is what follows. The views of a Publish point into it.
Result<Packet> read_packet(std::uint8_t type_and_flags, std::string_view body, const Limits& limits);

}  // namespace selvage::codec::mqtt
