#include "codec/websocket/frame.h"

#include <algorithm>

namespace selvage::codec::websocket {
namespace {

constexpr std::size_t kControlBytesMax = 125;   // RFC 6455 section 5.5

bool is_control(Opcode opcode) { return static_cast<std::uint8_t>(opcode) >= 8; }

// Header bytes needed, as far as the first two tell.
std::size_t header_size(const std::array<std::uint8_t, 14>& header) {
    const std::uint8_t length = header[1] & 0x7f;
    const std::size_t extended = length == 126 ? 2 : length == 127 ? 8 : 0;
    return 2 + extended + ((header[1] & 0x80) != 0 ? 4 : 0);
}

}  // namespace

Result<> FrameReader::begin_frame() {
    const auto refuse = [](const char* why) { return fail(Errc::malformed, std::string("WebSocket frame: ") + why); };
    const bool fin = (header_[0] & 0x80) != 0;
    const std::uint8_t code = header_[0] & 0x0f;
    const bool masked = (header_[1] & 0x80) != 0;
    if ((header_[0] & 0x70) != 0) return refuse("a reserved bit is set, but no extension was agreed");
    if (masked != (role_ == Role::server)) return refuse(masked ? "a server must not mask" : "a client must mask");
    opcode_ = static_cast<Opcode>(code);
    std::size_t at = 2;
    payload_left_ = header_[1] & 0x7f;
    if (payload_left_ >= 126) {
        const std::size_t bytes = payload_left_ == 126 ? 2 : 8;
        payload_left_ = 0;
        for (std::size_t i = 0; i < bytes; ++i) payload_left_ = (payload_left_ << 8) | header_[at++];
        if ((payload_left_ >> 63) != 0) return refuse("the length has its highest bit set");
    }
    if (masked) std::copy_n(header_.begin() + static_cast<std::ptrdiff_t>(at), 4, mask_.begin());
    mask_at_ = 0;
    switch (opcode_) {
        case Opcode::continuation:
            if (!in_message_) return refuse("a continuation without a beginning");
            in_message_ = !fin;
            break;
        case Opcode::text:
        case Opcode::binary:
            if (in_message_) return refuse("a new message inside another");
            in_message_ = !fin;
            break;
        case Opcode::close:
        case Opcode::ping:
        case Opcode::pong:
            if (!fin || payload_left_ > kControlBytesMax) return refuse("a control frame in parts or over 125 bytes");
            control_.clear();
            break;
        default: return refuse("an unknown opcode");
    }
    in_payload_ = true;
    return {};
}

Result<std::size_t> FrameReader::read(std::span<std::byte> bytes, std::vector<Control>& controls) {
    std::size_t written = 0;
    std::size_t at = 0;
    for (;;) {
        if (!in_payload_) {
            while (header_have_ < 2 || header_have_ < header_size(header_)) {
                if (at == bytes.size()) return written;
                header_[header_have_++] = static_cast<std::uint8_t>(bytes[at++]);
            }
            header_have_ = 0;
            SELVAGE_CHECK(begin_frame());
        }
        const std::size_t take = static_cast<std::size_t>(std::min<std::uint64_t>(payload_left_, bytes.size() - at));
        const bool masked = role_ == Role::server;
        for (std::size_t i = 0; i < take; ++i) {
            const std::byte byte = masked ? bytes[at + i] ^ static_cast<std::byte>(mask_[mask_at_++ & 3]) : bytes[at + i];
            // The output never overtakes the input: every payload byte was read behind at least two header bytes.
            if (is_control(opcode_)) control_ += static_cast<char>(byte);
            else bytes[written++] = byte;
        }
        at += take;
        payload_left_ -= take;
        if (payload_left_ > 0) return written;
        in_payload_ = false;
        if (is_control(opcode_)) controls.push_back({opcode_, std::move(control_)});
    }
}

void write_frame(Opcode opcode, std::string_view payload, Role sender, std::array<std::uint8_t, 4> mask, std::string& out) {
    const std::uint8_t mask_bit = sender == Role::client ? 0x80 : 0;
    out += static_cast<char>(0x80 | static_cast<std::uint8_t>(opcode));
    const auto length = static_cast<std::uint64_t>(payload.size());
    if (length < 126) {
        out += static_cast<char>(mask_bit | length);
    } else {
        const int bytes = length <= 0xffff ? 2 : 8;
        out += static_cast<char>(mask_bit | (bytes == 2 ? 126 : 127));
        for (int i = bytes - 1; i >= 0; --i) out += static_cast<char>((length >> (8 * i)) & 0xff);
    }
    if (sender == Role::server) {
        out += payload;
        return;
    }
    for (const std::uint8_t byte : mask) out += static_cast<char>(byte);
    for (std::size_t i = 0; i < payload.size(); ++i) out += static_cast<char>(payload[i] ^ static_cast<char>(mask[i & 3]));
}

std::string close_payload(std::uint16_t code, std::string_view reason) {
    std::string payload{static_cast<char>(code >> 8), static_cast<char>(code & 0xff)};
    payload += reason.substr(0, kControlBytesMax - 2);
    return payload;
}

}  // namespace selvage::codec::websocket
