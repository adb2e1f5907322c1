// Small whole files: read with a bound, replaced atomically and durably.
//
// These calls block on the disk: at start-up, or on a blocking pool, never on an event loop.
#pragma once

#include <sys/types.h>

#include <cstddef>
#include <string>
#include <string_view>

#include "base/result.h"

namespace selvage {

// Errors: not_found; quota_exceeded when the file has more than `bytes_max`; io_error.
Result<std::string> read_file(const std::string& path, std::size_t bytes_max = 16 << 20);

// Writes a new file beside `path`, syncs it, renames it over `path` and syncs the folder: after a crash there is either
// the old content or the new. `mode` applies to the new file (0600 for secrets). Errors: io_error.
Result<> replace_file(const std::string& path, std::string_view content, mode_t mode = 0644);

// mkdir -p. Errors: io_error.
Result<> make_folders(const std::string& path, mode_t mode = 0755);

bool file_exists(const std::string& path);

}  // namespace selvage
