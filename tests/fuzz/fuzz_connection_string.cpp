// A connection string as a user pastes it. What is accepted must read back the same from its own text.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "base/result.h"
#include "codec/connection_string/connection_string.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace selvage;
    const auto value = codec::parse_connection_string({reinterpret_cast<const char*>(data), size});
    if (!value) return 0;
    const auto text = codec::to_text(*value);
    const auto again = codec::parse_connection_string(text);
    SELVAGE_ASSERT(again && codec::to_text(*again) == text);
    return 0;
}
