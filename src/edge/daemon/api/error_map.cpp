// The one table from our errors to the statuses of the management and workload APIs.
//
// Wire: docs/wire/management-api.md#errors. Errors of the engine keep the status that the engine gave; whatever the hub said
// about an identity is 500, because that is what edgeAgent retries.

#include <fmt/core.h>

#include "edge/daemon/api/api.h"

namespace selvage::edge::daemon {

int status_of(Errc code, ErrorSource source) {
    if (source == ErrorSource::identities) return 500;
    switch (code) {
        case Errc::not_found: return 404;
        case Errc::already_exists: return 409;
        case Errc::forbidden: return 403;
        case Errc::invalid_argument: return 400;
        case Errc::malformed: return source == ErrorSource::request ? 422 : 500;
        case Errc::throttled: return source == ErrorSource::request ? 429 : 500;
        default: return 500;
    }
}

net::HttpResponse error_response(const Error& error, ErrorSource source, std::string_view context) {
    const int status = status_of(error.code, source);
    if (context.empty()) return error_response(status, error.detail);
    return error_response(status, fmt::format("{}\ncaused by: {}", context, error.detail));
}

}  // namespace selvage::edge::daemon
