// A conversation over HTTP/1.1. The first byte says whether requests or responses are read, and how
// the bytes are cut: the messages found must not depend on it.
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"
#include "codec/http1/http1.h"

namespace {

using selvage::codec::http1::Parser;

constexpr std::size_t kBodyMax = 4096;

// All messages in one text, then how it ended.
std::string read(Parser::Role role, std::string_view bytes, std::size_t piece) {
    Parser parser(role, {.head_bytes_max = 2048, .body_bytes_max = kBodyMax});
    std::string seen;
    std::string body;
    const auto ended = [&](const selvage::Result<>& result) {
        seen += result ? "" : std::string(selvage::name(result.error().code));
        return !result.has_value();
    };
    const auto take = [&] {
        body += parser.take_body();
        SELVAGE_ASSERT(body.size() <= kBodyMax);
        SELVAGE_ASSERT(!parser.complete() || parser.head() != nullptr);
        if (!parser.complete()) return;
        const auto& head = *parser.head();
        seen += head.method + " " + head.target + " " + std::to_string(head.status) + " " +
                std::to_string(head.fields.size()) + " " + body + "\n";
        body.clear();
    };
    while (!bytes.empty()) {
        const auto part = bytes.substr(0, piece);
        bytes.remove_prefix(part.size());
        if (ended(parser.feed(part))) return seen;
        for (take(); parser.complete(); take())
            if (ended(parser.next())) return seen;
    }
    const auto result = parser.finish();
    take();
    ended(result);
    return seen;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size == 0) return 0;
    const auto role = (data[0] & 1) != 0 ? Parser::Role::responses : Parser::Role::requests;
    const std::size_t piece = static_cast<std::size_t>(data[0] >> 1) % 32 + 1;
    const std::string_view bytes(reinterpret_cast<const char*>(data) + 1, size - 1);
    SELVAGE_ASSERT(read(role, bytes, piece) == read(role, bytes, bytes.size() + 1));
    return 0;
}
