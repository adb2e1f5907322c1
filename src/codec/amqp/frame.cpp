#include "codec/amqp/frame.h"

#include <algorithm>

#include "codec/amqp/wire.h"

namespace selvage::codec::amqp {
namespace {

constexpr std::size_t kHeaderBytes = 8;
constexpr std::uint8_t kAmqpFrameType = 0;
// All but transfers' payloads: link names, addresses, error texts.
constexpr std::size_t kPerformativeBytesMax = 8 * 1024;

std::uint32_t big_endian(std::string_view bytes) {
    std::uint32_t value = 0;
    for (const char c : bytes) value = value << 8 | static_cast<std::uint8_t>(c);
    return value;
}

std::optional<std::uint32_t> take_uint(Reader& items) {
    const Value value = items.value();
    if (const auto* number = std::get_if<std::uint32_t>(&value)) return *number;
    return std::nullopt;
}

// The fields that are looked at here; the rest is the engine's.
Result<> read_fields(Frame& frame) {
    Reader reader(frame.performative);
    reader.descriptor();
    auto list = reader.list();
    if (reader.failed()) return fail(Errc::malformed, "a performative that is not a list");
    const auto field = [&](std::uint32_t index) { return list.count > index; };
    switch (frame.kind) {
        case Performative::attach: {
            const Value name = field(0) ? list.items.value() : Value{};
            if (!std::holds_alternative<std::string>(name)) return fail(Errc::malformed, "an attach without a name");
            const auto& text = std::get<std::string>(name);
            if (text.empty() || text.find('\0') != std::string::npos) return fail(Errc::malformed, "an attach with a bad name");
            break;
        }
        case Performative::begin: frame.answers_begin = field(0) && !list.items.next_is_null(); return {};
        case Performative::transfer:
        case Performative::detach: break;
        case Performative::flow:
            for (int i = 0; i < 4; ++i)
                if (field(static_cast<std::uint32_t>(i))) list.items.skip();
            if (!field(4) || list.items.next_is_null()) return {};
            break;
        default: return {};
    }
    const std::uint32_t at = frame.kind == Performative::attach ? 1 : frame.kind == Performative::flow ? 4 : 0;
    const auto handle = field(at) ? take_uint(list.items) : std::nullopt;
    if (!handle) return fail(Errc::malformed, "a performative without a handle");
    frame.handle = *handle;
    frame.has_handle = true;
    if (frame.kind != Performative::transfer) return {};
    frame.has_delivery_id = field(1) && take_uint(list.items).has_value();
    if (field(2)) {
        const Value tag = list.items.value();
        const auto* binary = std::get_if<Binary>(&tag);
        if (binary != nullptr && binary->bytes.size() > 32) return fail(Errc::malformed, "a delivery tag of over 32 bytes");
    }
    if (field(3)) frame.message_format = take_uint(list.items).value_or(0);
    const auto next_is_true = [&] {
        const Value value = list.items.value();
        const auto* const truth = std::get_if<bool>(&value);
        return truth != nullptr && *truth;
    };
    if (field(4)) list.items.skip();
    frame.more = field(5) && next_is_true();
    for (std::uint32_t i = 6; i < 9; ++i)
        if (field(i)) list.items.skip();
    const bool aborted = field(9) && next_is_true();
    frame.more = frame.more && !aborted;
    return {};
}

}  // namespace

void FrameReader::feed(std::string_view bytes) {
    if (kept_.empty()) {
        rest_ = bytes;
        return;
    }
    kept_.erase(0, kept_.size() - rest_.size());
    kept_ += bytes;
    rest_ = kept_;
}

void FrameReader::keep() {
    if (rest_.empty()) {
        std::string().swap(kept_);
    } else if (kept_.empty()) {
        kept_ = rest_;
    } else {
        kept_.erase(0, kept_.size() - rest_.size());
    }
    rest_ = kept_;
}

Result<std::optional<Frame>> FrameReader::next() {
    if (rest_.size() < 4) return std::nullopt;
    const std::size_t size = big_endian(rest_.substr(0, 4));
    if (size < kHeaderBytes || size > frame_bytes_max_)
        return fail(Errc::malformed, "a frame of " + std::to_string(size) + " bytes, at most " + std::to_string(frame_bytes_max_));
    if (rest_.size() < size) return std::nullopt;
    SELVAGE_TRY(const Frame frame, parse(rest_.substr(0, size)));
    rest_.remove_prefix(size);
    return frame;
}

Result<Frame> FrameReader::parse(std::string_view bytes) const {
    const std::size_t offset = static_cast<std::uint8_t>(bytes[4]) * std::size_t{4};
    if (offset < kHeaderBytes || offset > bytes.size()) return fail(Errc::malformed, "a frame with a bad data offset");
    if (static_cast<std::uint8_t>(bytes[5]) != kAmqpFrameType) return fail(Errc::malformed, "a frame of another type than AMQP's");
    Frame frame;
    frame.channel = static_cast<std::uint16_t>(big_endian(bytes.substr(6, 2)));
    const std::string_view content = bytes.substr(offset);
    if (content.empty()) return frame;

    Reader checked(content);
    if (!checked.check()) return fail(Errc::malformed, "a malformed performative");
    frame.performative = content.substr(0, content.size() - checked.rest().size());
    frame.payload = checked.rest();
    if (frame.performative.size() > kPerformativeBytesMax) return fail(Errc::malformed, "a performative of over 8 KiB");
    // Numbered descriptors only: no known client sends names here, and the engine takes none.
    const bool numbered = frame.performative.size() > 1 && (frame.performative[1] == 0x53 || frame.performative[1] == '\x80');
    Reader reader(frame.performative);
    const auto code = reader.descriptor();
    if (!numbered || code < 0x10 || code > 0x18) return fail(Errc::malformed, "an unknown performative");
    frame.kind = static_cast<Performative>(code);
    if (!frame.payload.empty() && frame.kind != Performative::transfer)
        return fail(Errc::malformed, "bytes behind a performative that carries none");
    SELVAGE_CHECK(read_fields(frame));
    return frame;
}

Result<> PeerHandles::take(const Frame& frame) {
    if (frame.kind == Performative::empty) return {};
    if (opened_ == (frame.kind == Performative::open)) return fail(Errc::invalid_argument, "open is not the first frame, or comes twice");
    if (closed_) return fail(Errc::invalid_argument, "a frame behind close");
    const auto channel = std::find(channels_.begin(), channels_.end(), frame.channel);
    switch (frame.kind) {
        case Performative::open: opened_ = true; return {};
        case Performative::close: closed_ = true; return {};
        case Performative::begin:
            if (channel != channels_.end()) return fail(Errc::invalid_argument, "begin on a channel in use");
            if (frame.answers_begin && !answers_allowed_) return fail(Errc::invalid_argument, "begin answers none of ours");
            if (channels_.size() >= limits_.sessions_max) return fail(Errc::quota_exceeded, "too many sessions");
            channels_.push_back(frame.channel);
            return {};
        default: break;
    }
    if (channel == channels_.end()) return fail(Errc::invalid_argument, "a frame on a channel not in use");
    if (frame.kind == Performative::end) {
        channels_.erase(channel);
        const auto of_session = [&](std::uint64_t one) { return one >> 32 == frame.channel; };
        std::erase_if(handles_, of_session);
        std::erase_if(halfway_, of_session);
        return {};
    }
    return frame.has_handle ? take_link_frame(frame) : Result<>{};
}

Result<> PeerHandles::take_link_frame(const Frame& frame) {
    const auto key = static_cast<std::uint64_t>(frame.channel) << 32 | frame.handle;
    const auto handle = std::find(handles_.begin(), handles_.end(), key);
    if (frame.kind == Performative::attach) {
        if (handle != handles_.end()) return fail(Errc::invalid_argument, "attach on a handle in use");
        if (handles_.size() >= limits_.links_max) return fail(Errc::quota_exceeded, "too many links");
        handles_.push_back(key);
        return {};
    }
    if (handle == handles_.end()) return fail(Errc::invalid_argument, "a frame of a handle not in use");
    if (frame.kind == Performative::detach) {
        handles_.erase(handle);
        std::erase(halfway_, key);
    }
    if (frame.kind != Performative::transfer) return {};
    // The engine ends the process for want of it. Part 2.7.5: the first transfer of a delivery has one, the others may.
    const bool first = std::erase(halfway_, key) == 0;
    if (first && !frame.has_delivery_id) return fail(Errc::invalid_argument, "the first transfer of a delivery has no delivery-id");
    if (frame.more) halfway_.push_back(key);
    return {};
}

}  // namespace selvage::codec::amqp
