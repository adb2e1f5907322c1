#include "base/result.h"

#include <fmt/core.h>

#include <cstdlib>
#include <system_error>

#include "base/log.h"

namespace selvage {

std::string_view name(Errc code) {
    switch (code) {
        case Errc::invalid_argument: return "invalid_argument";
        case Errc::malformed: return "malformed";
        case Errc::unauthorized: return "unauthorized";
        case Errc::forbidden: return "forbidden";
        case Errc::device_disabled: return "device_disabled";
        case Errc::not_found: return "not_found";
        case Errc::device_not_found: return "device_not_found";
        case Errc::module_not_found: return "module_not_found";
        case Errc::already_exists: return "already_exists";
        case Errc::precondition_failed: return "precondition_failed";
        case Errc::message_too_large: return "message_too_large";
        case Errc::quota_exceeded: return "quota_exceeded";
        case Errc::throttled: return "throttled";
        case Errc::not_online: return "not_online";
        case Errc::bad_device_response: return "bad_device_response";
        case Errc::timeout: return "timeout";
        case Errc::cancelled: return "cancelled";
        case Errc::unavailable: return "unavailable";
        case Errc::connection_closed: return "connection_closed";
        case Errc::corrupt: return "corrupt";
        case Errc::io_error: return "io_error";
        case Errc::unsupported: return "unsupported";
        case Errc::internal: return "internal";
    }
    return "internal";
}

Error Error::in(std::string_view subject) const {
    return {code, fmt::format("{}: {}", subject, detail)};
}

Error from_errno(std::string_view what, int error_number) {
    return {Errc::io_error, fmt::format("{}: {}", what, std::generic_category().message(error_number))};
}

void assertion_failed(const char* expression, const char* file, int line) {
    log::error("assert", "broken promise: {} at {}:{}", expression, file, line);
    std::abort();
}

}  // namespace selvage
