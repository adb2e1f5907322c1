// WebSocket frames. The payload of data frames is a byte stream to us: message borders carry no meaning, so bytes are handed
// on as they come and no frame is ever held whole.
//
// Wire: RFC 6455 section 5. No extensions.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace selvage::codec::websocket {

enum class Opcode : std::uint8_t { continuation = 0, text = 1, binary = 2, close = 8, ping = 9, pong = 10 };

// A ping, pong or close that came; at most 125 bytes of payload.
struct Control {
    Opcode opcode = Opcode::ping;
    std::string payload;
    bool operator==(const Control&) const = default;
};

enum class Role { server, client };

// Takes frames apart. Holds at most one control frame (125 bytes) and one header.
class FrameReader {
public:
    // A server insists on masked frames, a client on unmasked ones.
    explicit FrameReader(Role role) : role_(role) {}

    // Decodes `bytes` in place: the payload of data frames is moved to their front, and its length is returned; control
    // frames are added to `controls`. Errors: malformed; the connection is to be closed (1002).
    Result<std::size_t> read(std::span<std::byte> bytes, std::vector<Control>& controls);

private:
    Result<> begin_frame();

    Role role_;
    std::array<std::uint8_t, 14> header_{};
    std::size_t header_have_ = 0;
    bool in_payload_ = false;
    bool in_message_ = false;                 // a fragmented data message is open
    Opcode opcode_ = Opcode::binary;
    std::uint64_t payload_left_ = 0;
    std::array<std::uint8_t, 4> mask_{};
    std::size_t mask_at_ = 0;
    std::string control_;
};

// Appends one unfragmented frame. `mask`: required of clients, never of servers (all zero there).
void write_frame(Opcode opcode, std::string_view payload, Role sender, std::array<std::uint8_t, 4> mask, std::string& out);

// The payload of a close frame: code and, for people, why.
std::string close_payload(std::uint16_t code, std::string_view reason);

}  // namespace selvage::codec::websocket
