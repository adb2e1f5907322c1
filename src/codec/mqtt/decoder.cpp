#include <algorithm>

#include "codec/mqtt/packet_reader.h"

namespace selvage::codec::mqtt {
namespace {

constexpr std::size_t kFixedHeaderBytesMax = 5;   // MQTT 3.1.1 section 2.2: type, and one to four bytes of length

}  // namespace

void Decoder::feed(std::string_view bytes) {
    keep();
    fed_ = bytes;
}

void Decoder::keep() {
    if (fed_.empty()) return;
    held_.erase(0, held_at_);
    held_at_ = 0;
    held_.append(fed_);
    fed_ = {};
}

Result<std::optional<Packet>> Decoder::next() {
    if (held_bytes() > 0) return next_held();
    if (!held_.empty()) {
        std::string().swap(held_);   // an idle connection owns no buffer
        held_at_ = 0;
    }
    if (fed_.empty()) return std::nullopt;
    SELVAGE_TRY(const auto header, read_fixed_header(fed_, limits_));
    if (!header || fed_.size() < header->total()) {
        keep();
        return std::nullopt;
    }
    const std::string_view body = fed_.substr(header->header_bytes, header->remaining_bytes);
    fed_.remove_prefix(header->total());
    return read_packet(header->type_and_flags, body, limits_);
}

// The front of the stream is in held_: take over from fed_ just what its first packet lacks.
Result<std::optional<Packet>> Decoder::next_held() {
    const auto take_over = [this](std::size_t wanted) {
        const std::size_t lacking = wanted - std::min(wanted, held_bytes());
        const std::string_view part = fed_.substr(0, lacking);
        held_.append(part);
        fed_.remove_prefix(part.size());
    };
    held_.erase(0, fed_.empty() ? 0 : held_at_);
    if (!fed_.empty()) held_at_ = 0;

    std::optional<FixedHeader> header;
    for (std::size_t bytes = 2; !header && bytes <= kFixedHeaderBytesMax; ++bytes) {
        take_over(bytes);
        SELVAGE_TRY(header, read_fixed_header(std::string_view(held_).substr(held_at_), limits_));
        if (!header && held_bytes() < bytes) return std::nullopt;
    }
    SELVAGE_ASSERT(header.has_value());
    take_over(header->total());
    if (held_bytes() < header->total()) return std::nullopt;
    const std::string_view body = std::string_view(held_).substr(held_at_ + header->header_bytes, header->remaining_bytes);
    held_at_ += header->total();
    return read_packet(header->type_and_flags, body, limits_);
}

}  // namespace selvage::codec::mqtt
