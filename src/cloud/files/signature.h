// The right to one uploaded file for a while, as a query that storage clients append to its address.
//
// Signed with a key that only this hub has, over the whole name: it opens no other file. It also covers the device's
// generation, so that a device which is made anew does not get what its predecessor could reach.
//
// Pure. Never logs key or signature. Wire: docs/wire/file-upload.md#signature.
#pragma once

#include <string>
#include <string_view>

#include "base/clock.h"
#include "hub_api/files.h"

namespace selvage::cloud::files {

// What a signature stands for.
struct SignedFile {
    std::string_view container;
    std::string_view blob;
    std::string_view generation_id;   // of the device
};

// "?sv=…&sr=b&sig=…&se=…&sp=rw", percent-encoded.
std::string sign(std::string_view key, const SignedFile& file, UtcTime expires);

// Errors: unauthorized (incomplete, wrong, or over its time), forbidden (good, but without this permission).
Result<> check(std::string_view key, const SignedFile& file, const hub_api::FilePass& pass, hub_api::FileAccess access,
               UtcTime now);

}  // namespace selvage::cloud::files
