// Messages as HTTP carries them: properties in header fields, several messages in a JSON array.
//
// Pure. Wire: docs/wire/http-device.md#properties and #batch. The service API reads messages for devices with it.
#pragma once

#include <string>
#include <vector>

#include "domain/message.h"
#include "net/http.h"

namespace selvage::heads::http {

// What the service takes in one batch: docs/wire/limits.md.
inline constexpr std::size_t kBatchMessagesMax = 500;
inline constexpr std::size_t kBatchBytesMax = domain::kMessageBytesMax;
// JSON and base64 make a batch longer than what it carries; more than this cannot be within kBatchBytesMax.
inline constexpr std::size_t kBatchTextBytesMax = 2 << 20;

// Properties out of a request's fields; the body is left empty. Values that are no UTF-8 are read as Latin-1, which is what
// some HTTP clients write. Errors: invalid_argument (over 1,024 properties).
Result<domain::Message> read_properties(const net::HttpHeaders& fields);

// Errors: malformed (says which message); invalid_argument (too many messages or properties); message_too_large.
Result<std::vector<domain::Message>> read_batch(std::string_view json);

// The fields of a C2D message's response. Characters that a field cannot hold are percent-encoded.
void write_properties(const domain::Message& message, std::string_view lock_token, net::HttpHeaders& fields);

inline constexpr std::string_view kBatchContentType = "application/vnd.microsoft.iothub.json";

}  // namespace selvage::heads::http
