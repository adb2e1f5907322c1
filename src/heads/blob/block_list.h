// The body of Put Block List: which blocks make the file, in order.
//
// Pure. Wire: docs/wire/file-upload.md#blocks.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace selvage::heads::blob {

// The storage service's own bound.
inline constexpr std::size_t kBlocksMax = 50'000;
// As many of the longest ids, and some space.
inline constexpr std::size_t kBlockListBytesMax = 6 << 20;

// Ids as they are in the text: base64. Errors: malformed (no such document), not_found (names a block of the file that is
// there, which this hub does not keep), invalid_argument (too many).
Result<std::vector<std::string>> read_block_list(std::string_view xml);

// The id that base64 text stands for. Errors: invalid_argument.
Result<std::string> read_block_id(std::string_view text);

}  // namespace selvage::heads::blob
