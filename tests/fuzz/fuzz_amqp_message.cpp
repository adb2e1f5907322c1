// Messages as clients send them: no input breaks the reader, and what was read is written and read back the same. First
// byte: read as a message, as a batch, or as one value.
#include <cstdint>
#include <cstdlib>
#include <string>

#include "codec/amqp/message.h"
#include "codec/amqp/wire.h"

namespace {

using namespace selvage::codec::amqp;

void check(bool holds) {
    if (!holds) std::abort();
}

void message(std::string_view bytes) {
    const auto first = decode_message(bytes);
    if (!first) return;
    const std::string written = encode_message(*first);
    const auto again = decode_message(written);
    check(again.has_value());
    check(again->application_properties.size() == first->application_properties.size());
    check(again->body() == first->body());
    // NaN is not itself.
    check(encode_message(*again) == written || !first->data.empty() || first->value.has_value());
}

void batch(std::string_view bytes) {
    const auto whole = decode_message(bytes, {.entries_max = 16, .data_sections_max = 64});
    if (!whole) return;
    for (const auto part : whole->data) message(part);
}

void value(std::string_view bytes) {
    Reader checked(bytes);
    const bool good = checked.check();
    Reader read(bytes);
    read.value();
    // What is well formed all the way down can be read over, to the same place.
    if (good) check(!read.failed() && read.rest().size() == checked.rest().size());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size == 0) return 0;
    const std::string_view bytes(reinterpret_cast<const char*>(data) + 1, size - 1);
    switch (data[0] % 3) {
        case 0: message(bytes); break;
        case 1: batch(bytes); break;
        default: value(bytes); break;
    }
    return 0;
}
