#include "heads/mqtt/error_map.h"

#include <algorithm>
#include <iterator>

#include "base/json.h"
#include "base/time_text.h"

namespace selvage::heads::mqtt {
namespace {

using enum codec::mqtt::ConnectCode;

// Sources of the numbers: docs/wire/mqtt.md#error-numbers and #connack.
constexpr ErrorRow kRows[] = {
    {Errc::invalid_argument, 400, 400004, bad_credentials},
    {Errc::malformed, 400, 400006, bad_credentials},
    {Errc::unauthorized, 401, 401003, not_authorized},
    {Errc::forbidden, 403, 403000, not_authorized},
    {Errc::device_disabled, 403, 403012, not_authorized},
    {Errc::not_found, 404, 404000, not_authorized},
    {Errc::device_not_found, 404, 404001, not_authorized},
    {Errc::module_not_found, 404, 404010, not_authorized},
    {Errc::already_exists, 409, 409000, unavailable},
    {Errc::precondition_failed, 412, 412001, unavailable},
    {Errc::message_too_large, 413, 413001, unavailable},
    {Errc::quota_exceeded, 403, 403002, unavailable},
    {Errc::throttled, 429, 429001, unavailable},
    {Errc::not_online, 404, 404103, unavailable},
    {Errc::bad_device_response, 502, 502000, unavailable},
    {Errc::timeout, 504, 504101, unavailable},
    {Errc::cancelled, 503, 503001, unavailable},
    {Errc::unavailable, 503, 503001, unavailable},
    {Errc::connection_closed, 503, 503001, unavailable},
    {Errc::corrupt, 500, 500001, unavailable},
    {Errc::io_error, 500, 500001, unavailable},
    {Errc::unsupported, 400, 400003, not_authorized},
    {Errc::internal, 500, 500001, unavailable},
};

}  // namespace

std::span<const ErrorRow> error_rows() { return kRows; }

const ErrorRow& row_of(Errc code) {
    const auto row = std::find_if(std::begin(kRows), std::end(kRows), [&](const ErrorRow& one) { return one.code == code; });
    return row != std::end(kRows) ? *row : *std::prev(std::end(kRows));
}

std::string error_body(const Error& error, const std::string& tracking_id, UtcTime now) {
    const ErrorRow& row = row_of(error.code);
    const bool ours = row.twin_status >= 500;
    JsonObject body;
    body["errorCode"] = row.error_code;
    body["trackingId"] = tracking_id;
    body["message"] = ours || error.detail.empty() ? name(error.code) : std::string_view(error.detail);
    body["timestampUtc"] = to_iso8601(now);
    return to_text(body);
}

}  // namespace selvage::heads::mqtt
