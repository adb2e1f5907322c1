// A fuzz input as a list of texts, so that one input can hold a whole conversation.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

namespace selvage::fuzz {

// ASCII's record separator: no text that we read has a use for it. It is in dictionaries/parts.dict.
inline constexpr char kPartEnd = '\x1e';

inline std::string_view text_of(const std::uint8_t* data, std::size_t size) {
    return {reinterpret_cast<const char*>(data), size};
}

// Cuts what is before the next `end` off the front of `text`, and drops the `end`.
inline std::string_view take_until(std::string_view& text, char end) {
    const auto part = text.substr(0, text.find(end));
    text.remove_prefix(std::min(part.size() + 1, text.size()));
    return part;
}

// At most `parts_max` texts; what is behind them is left out.
inline std::vector<std::string_view> parts_of(std::string_view text, std::size_t parts_max = 16) {
    std::vector<std::string_view> parts;
    while (!text.empty() && parts.size() < parts_max) parts.push_back(take_until(text, kPartEnd));
    return parts;
}

}  // namespace selvage::fuzz
