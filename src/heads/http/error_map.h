// THE table from our reasons to fail to the statuses and bodies of the device API. No status of a failure is named anywhere
// else in this room.
//
// Pure. Wire: docs/wire/http-device.md#errors.
#pragma once

#include <span>
#include <string_view>

#include "base/clock.h"
#include "base/random.h"
#include "base/result.h"
#include "net/http.h"

namespace selvage::heads::http {

struct HttpError {
    int status = 500;
    std::string_view name;            // "DeviceNotFound"
    int number = 0;                   // 404001
};

struct ErrorRow {
    Errc code;
    HttpError error;
};
std::span<const ErrorRow> error_rows();
HttpError http_error(Errc code, std::span<const ErrorRow> special = {});

// Reasons that only this API has.
inline constexpr HttpError kBadApiVersion{400, "InvalidProtocolVersion", 400001};
inline constexpr HttpError kNoFileStorage{400, "DefaultStorageEndpointNotConfigured", 400014};
inline constexpr HttpError kBadFileOutcome{400, "InvalidFileUploadCompletionStatus", 400019};

// Where an upload's reasons have names of their own: those of hub_api::FileUploads, in front of the table.
std::span<const ErrorRow> begin_upload_rows();
std::span<const ErrorRow> end_upload_rows();

// {"Message":"ErrorCode:NAME;text","ExceptionMessage":"Tracking ID:…"} and the header iothub-errorcode.
net::HttpResponse error_response(const HttpError& error, std::string_view text, const Clock& clock, Random& random);
// By the table, and before it by `special`. The detail of a failure of ours stays in the log, and so does why credentials were refused.
net::HttpResponse error_response(const Error& error, const Clock& clock, Random& random,
                                 std::span<const ErrorRow> special = {});

}  // namespace selvage::heads::http
