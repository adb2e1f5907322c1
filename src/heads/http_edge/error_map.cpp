#include "heads/http_edge/error_map.h"

#include <algorithm>
#include <iterator>

#include "base/json.h"

namespace selvage::heads::http_edge {

namespace {

constexpr ErrorRow kRows[] = {
    {Errc::invalid_argument, 400},
    {Errc::malformed, 400},
    {Errc::unauthorized, 401},
    {Errc::forbidden, 401},
    {Errc::device_disabled, 401},
    {Errc::not_found, 404},
    {Errc::device_not_found, 404},
    {Errc::module_not_found, 404},
    {Errc::already_exists, 409},
    {Errc::precondition_failed, 412},
    {Errc::message_too_large, 413},
    {Errc::quota_exceeded, 429},
    {Errc::throttled, 429},
    {Errc::not_online, 404},
    {Errc::bad_device_response, 502},
    {Errc::timeout, 504},
    {Errc::cancelled, 503},
    {Errc::unavailable, 503},
    {Errc::connection_closed, 504},
    {Errc::corrupt, 500},
    {Errc::io_error, 500},
    {Errc::unsupported, 405},
    {Errc::internal, 500},
};

}  // namespace

std::span<const ErrorRow> error_rows() { return kRows; }

int status_of(Errc code) {
    const auto row = std::ranges::find(kRows, code, &ErrorRow::code);
    SELVAGE_ASSERT(row != std::end(kRows));
    return row->status;
}

net::HttpResponse error_response(const Error& error) {
    net::HttpResponse response;
    response.status = status_of(error.code);
    response.headers.set("Content-Type", "application/json; charset=utf-8");
    const bool ours = response.status == 500;
    response.body = to_text(JsonObject{{"message", ours ? std::string(name(error.code)) : error.detail}});
    return response;
}

}  // namespace selvage::heads::http_edge
