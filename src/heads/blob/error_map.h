// THE table from our reasons to fail to the statuses and error codes of the storage service's REST API. No status of a failure
// is named anywhere else in this room.
//
// Pure. Wire: docs/wire/file-upload.md#storage-errors.
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "base/result.h"
#include "net/http.h"

namespace selvage::heads::blob {

struct BlobError {
    int status = 500;
    std::string_view code;            // "BlobNotFound"
};

struct ErrorRow {
    Errc code;
    BlobError error;
};
std::span<const ErrorRow> error_rows();
BlobError blob_error(Errc code);

// Reasons that only this API has.
inline constexpr BlobError kNoLength{411, "MissingContentLengthHeader"};
inline constexpr BlobError kMissingHeader{400, "MissingRequiredHeader"};
inline constexpr BlobError kBadHeader{400, "InvalidHeaderValue"};
inline constexpr BlobError kUnsupportedHeader{400, "UnsupportedHeader"};
inline constexpr BlobError kBadQuery{400, "InvalidQueryParameterValue"};
inline constexpr BlobError kBadBlockList{400, "InvalidBlockList"};
inline constexpr BlobError kBadXml{400, "InvalidXmlDocument"};
inline constexpr BlobError kMd5Differs{400, "Md5Mismatch"};

// <Error><Code>…</Code><Message>…</Message></Error>, and the code in a field of its own. `request_id` is that of the response.
net::HttpResponse error_response(const BlobError& error, std::string_view text, const std::string& request_id, UtcTime now);

// "Sun, 01 Mar 2026 10:00:00 GMT"
std::string http_date(UtcTime time);

}  // namespace selvage::heads::blob
