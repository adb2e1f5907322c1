// The head of one message: from its lines to a Head and to how its body is framed. Private to
// codec/http1.
#pragma once

#include <cstdint>
#include <string_view>

#include "codec/http1/http1.h"

namespace selvage::codec::http1 {

enum class Framing { none, length, chunked, until_close };

struct Framed {
    Head head;
    Framing framing = Framing::none;
    std::uint64_t length = 0;
};

// `text` is the whole head with its empty line. Errors: malformed; quota_exceeded (too many
// fields).
Result<Framed> parse_head(Parser::Role role, std::string_view text, bool no_body);

// Parses trailer fields by the same rules; they are dropped.
Result<> check_field_line(std::string_view line);

// Hexadecimal digits at the start of a chunk's first line, up to an extension. Errors: malformed.
Result<std::uint64_t> parse_chunk_size(std::string_view line);

}  // namespace selvage::codec::http1
