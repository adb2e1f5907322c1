// THE table from our reasons to fail to the statuses of the method call. No status of a failure is named anywhere else in
// this room.
//
// Pure. Wire: docs/wire/edge-http.md#errors.
#pragma once

#include <span>

#include "base/result.h"
#include "net/http.h"

namespace selvage::heads::http_edge {

struct ErrorRow {
    Errc code;
    int status;
};
std::span<const ErrorRow> error_rows();
int status_of(Errc code);

// {"message":"…"}. The detail of a failure of ours stays in the log.
net::HttpResponse error_response(const Error& error);

}  // namespace selvage::heads::http_edge
