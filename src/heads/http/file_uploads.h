// The bodies of the file upload handshake.
//
// Pure. Wire: docs/wire/file-upload.md#handshake.
#pragma once

#include <string>
#include <string_view>

#include "hub_api/files.h"
#include "net/http.h"

namespace selvage::heads::http {

// {"blobName":"x"}. Errors: malformed, invalid_argument (absent).
Result<std::string> read_blob_name(std::string_view json);

// {"isSuccess":true,"statusCode":201,"statusDescription":"…"}, with the correlation id in the path or as "correlationId".
// Errors: malformed, invalid_argument (says which member).
Result<hub_api::UploadOutcome> read_outcome(std::string_view json, std::string correlation_id_of_path);

net::HttpResponse place_response(const hub_api::UploadPlace& place);

}  // namespace selvage::heads::http
