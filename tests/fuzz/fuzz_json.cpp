// The JSON that everything else begins with, and the small encodings beside it: what is read is written and read back the same.
// First byte: which.
#include <cstdint>
#include <string>

#include "base/encoding.h"
#include "base/json.h"
#include "base/time_text.h"
#include "rig/input.h"

namespace {

using namespace selvage;

void json(std::string_view text) {
    const auto value = parse_json(text);
    if (!value) return;
    const std::string written = to_text(*value);
    const auto again = parse_json(written);
    SELVAGE_ASSERT(again && *again == *value && to_text(*again) == written);
    const auto pretty = parse_json(to_pretty_text(*value));
    SELVAGE_ASSERT(pretty && *pretty == *value);
}

void encodings(std::string_view text) {
    if (const auto bytes = from_base64(text)) SELVAGE_ASSERT(*from_base64(to_base64(*bytes)) == *bytes);
    if (const auto bytes = from_hex(text)) SELVAGE_ASSERT(*from_hex(to_hex(*bytes)) == *bytes);
    if (const auto plain = percent_decode(text)) SELVAGE_ASSERT(*percent_decode(percent_encode(*plain)) == *plain);
    SELVAGE_ASSERT(*from_base64(to_base64(text)) == text && *percent_decode(percent_encode(text)) == text);
}

void moment(std::string_view text) {
    const auto time = from_iso8601(text);
    if (!time) return;
    const auto again = from_iso8601(to_iso8601(*time));
    SELVAGE_ASSERT(again && *again == *time);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size == 0) return 0;
    const auto text = fuzz::text_of(data + 1, size - 1);
    switch (data[0] % 3) {
        case 0: json(text); break;
        case 1: encodings(text); break;
        default: moment(text); break;
    }
    return 0;
}
