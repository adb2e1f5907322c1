// Text forms of bytes: base64, hex and percent-encoding, plus views between std::string and std::byte.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>

#include "base/result.h"

namespace selvage {

inline std::span<const std::byte> as_bytes(std::string_view text) {
    return std::as_bytes(std::span(text.data(), text.size()));
}
inline std::string_view as_text(std::span<const std::byte> bytes) {
    return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

// RFC 4648 base64 with padding.
std::string to_base64(std::string_view bytes);
// Accepts missing padding (connection strings in the wild lack it); refuses any other character. Errors: malformed.
Result<std::string> from_base64(std::string_view text);

std::string to_hex(std::string_view bytes);
Result<std::string> from_hex(std::string_view text);

// RFC 3986: everything but A-Z a-z 0-9 - _ . ~ becomes %XX with upper-case digits.
std::string percent_encode(std::string_view text);
// %XX becomes its byte; '+' stays '+'. Errors: malformed on a '%' without two hex digits.
Result<std::string> percent_decode(std::string_view text);

bool equals_ignoring_case(std::string_view a, std::string_view b);
std::string to_lower(std::string_view text);
std::string_view trim(std::string_view text);

// Compares in a time that depends on the lengths only; for signatures and tokens.
bool equals_in_constant_time(std::string_view a, std::string_view b);

}  // namespace selvage
