// Frames of a connection, split and checked before proton's engine sees them. Private to codec/amqp.
//
// The engine trusts its peer more than a server may: nested values recurse, arrays are expanded, handles may be attached
// twice. Here every performative is checked all the way down first. Wire: OASIS AMQP 1.0, part 2, section 2.3 (frames) and
// 2.7 (performatives).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace selvage::codec::amqp {

enum class Performative : std::uint8_t {
    empty = 0,
    open = 0x10,
    begin = 0x11,
    attach = 0x12,
    flow = 0x13,
    transfer = 0x14,
    disposition = 0x15,
    detach = 0x16,
    end = 0x17,
    close = 0x18,
};

struct Frame {
    Performative kind = Performative::empty;
    std::uint16_t channel = 0;
    std::string_view performative;      // encoded; empty for an empty frame
    std::string_view payload;           // of a transfer
    std::uint32_t handle = 0;           // attach, transfer, detach; flow only with has_handle
    bool has_handle = false;
    std::uint32_t message_format = 0;   // transfer
    bool has_delivery_id = false;       // transfer: one of the right type
    bool more = false;                  // transfer: its delivery goes on in the next one
    bool answers_begin = false;         // begin: it names the channel of a begin of ours
};

class FrameReader {
public:
    // Bytes behind the protocol header. Views of frames are good until the next call of feed() or keep().
    void feed(std::string_view bytes);
    // The next whole frame; nothing when more bytes are needed. Errors: malformed; final.
    Result<std::optional<Frame>> next();
    // What is left of the bytes last fed is copied: their owner may reuse them.
    void keep();
    void set_frame_bytes_max(std::size_t bytes) { frame_bytes_max_ = bytes; }

private:
    Result<Frame> parse(std::string_view frame) const;
    std::string kept_;
    std::string_view rest_;
    std::size_t frame_bytes_max_ = 65536;
};

// What the peer has opened, and which channels and handles it has in use; with bounds.
class PeerHandles {
public:
    // A server begins no session, so nothing can be an answer to it.
    explicit PeerHandles(bool answers_allowed) : answers_allowed_(answers_allowed) {}

    struct Limits {
        std::size_t sessions_max = 0;
        std::size_t links_max = 0;
    };
    void set_limits(Limits limits) { limits_ = limits; }
    // Errors: quota_exceeded; invalid_argument: a channel or handle in use, or one that is not, or out of order.
    Result<> take(const Frame& frame);

private:
    Result<> take_link_frame(const Frame& frame);
    Limits limits_;
    bool answers_allowed_;
    bool opened_ = false;
    bool closed_ = false;
    std::vector<std::uint16_t> channels_;
    std::vector<std::uint64_t> handles_;   // channel << 32 | handle
    std::vector<std::uint64_t> halfway_;   // those of them within a delivery
};

}  // namespace selvage::codec::amqp
