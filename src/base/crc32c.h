// CRC-32C (Castagnoli), the checksum of everything Selvage stores in its own formats.
#pragma once

#include <cstdint>
#include <string_view>

namespace selvage {

// Continue a checksum over more bytes by passing the last result as `seed`. Uses the processor's instruction if it has one.
std::uint32_t crc32c(std::string_view bytes, std::uint32_t seed = 0);

}  // namespace selvage
