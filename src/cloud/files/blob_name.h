// Names of uploaded files: the device's id, a slash, and the name that the device gave.
//
// Pure. Wire: docs/wire/file-upload.md#names.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"
#include "storage/blobs/blob_store.h"

namespace selvage::cloud::files {

inline constexpr std::size_t kBlobNameBytesMax = 1024;

// The name that a device gives. Errors: invalid_argument (says what is wrong).
Result<storage::BlobName> make_blob_name(const std::string& device, const std::string& name);

// "d1/logs/x.txt". Errors: invalid_argument.
Result<storage::BlobName> parse_blob_name(std::string_view blob);
std::string to_text(const storage::BlobName& name);

}  // namespace selvage::cloud::files
