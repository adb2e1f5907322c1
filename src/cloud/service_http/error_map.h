// THE table from the domain's errors to HTTP: status, name and number of the service's error code. No status of a
// failure is named anywhere else in this room.
//
// Pure. Wire: docs/wire/service-rest.md#errors.
#pragma once

#include <span>
#include <string_view>

#include "base/clock.h"
#include "base/random.h"
#include "base/result.h"
#include "net/http.h"

namespace selvage::cloud::service_http {

// What a request is about, where the service tells errors of one kind apart by it.
enum class Subject { any, device, module, configuration, c2d, method };

struct HttpError {
    int status = 500;
    std::string_view name;  // "DeviceNotFound"
    int number = 0;         // 404001; 0 where none is known
};

struct ErrorRow {
    Errc code;
    Subject subject;  // any: all that have no row of their own
    HttpError error;
};
std::span<const ErrorRow> error_table();
HttpError http_error(Errc code, Subject subject);

// The response: body {"Message":"ErrorCode:NAME;text","ExceptionMessage":"Tracking ID:…"} and header iothub-errorcode.
// The detail of an internal error stays in the log: the text says so.
net::HttpResponse error_response(const Error& error, Subject subject, const Clock& clock, Random& random);

// A request without a sound api-version.
net::HttpResponse bad_api_version(const Clock& clock, Random& random);

}  // namespace selvage::cloud::service_http
