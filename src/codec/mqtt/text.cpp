#include "codec/mqtt/text.h"

#include <cstddef>
#include <cstdint>

namespace selvage::codec::mqtt {
namespace {

// How many bytes follow a lead byte, and the bounds of the first of them (Unicode, table 3-7). -1: not a lead byte.
struct Lead {
    int more;
    std::uint8_t low = 0x80;
    std::uint8_t high = 0xbf;
};
Lead lead(std::uint8_t byte) {
    if (byte < 0xc2) return {-1};
    if (byte < 0xe0) return {1};
    if (byte == 0xe0) return {2, 0xa0, 0xbf};
    if (byte == 0xed) return {2, 0x80, 0x9f};
    if (byte < 0xf0) return {2};
    if (byte == 0xf0) return {3, 0x90, 0xbf};
    if (byte < 0xf4) return {3};
    if (byte == 0xf4) return {3, 0x80, 0x8f};
    return {-1};
}

}  // namespace

bool is_utf8(std::string_view text) {
    for (std::size_t i = 0; i < text.size(); ++i) {
        const auto byte = static_cast<std::uint8_t>(text[i]);
        if (byte < 0x80) continue;
        const Lead rule = lead(byte);
        if (rule.more < 0 || text.size() - i <= static_cast<std::size_t>(rule.more)) return false;
        for (int k = 0; k < rule.more; ++k) {
            const auto next = static_cast<std::uint8_t>(text[++i]);
            if (next < (k == 0 ? rule.low : 0x80) || next > (k == 0 ? rule.high : 0xbf)) return false;
        }
    }
    return true;
}

bool is_mqtt_text(std::string_view text) { return text.find('\0') == std::string_view::npos && is_utf8(text); }

}  // namespace selvage::codec::mqtt
