#include "heads/amqp/error_map.h"

#include <algorithm>
#include <iterator>

#include "base/json.h"
#include "base/time_text.h"

namespace selvage::heads::amqp {
namespace {

using codec::amqp::Condition;

constexpr const char* kArgument = "com.microsoft:argument-error";
constexpr const char* kUnauthorized = "amqp:unauthorized-access";
constexpr const char* kNotFound = "amqp:not-found";
constexpr const char* kThrottled = "com.microsoft:device-container-throttled";
constexpr const char* kQuota = "amqp:resource-limit-exceeded";
constexpr const char* kTooLarge = "amqp:link:message-size-exceeded";
constexpr const char* kTimeout = "com.microsoft:timeout";
constexpr const char* kDetached = "amqp:link:detach-forced";
constexpr const char* kInternal = "amqp:internal-error";

constexpr ErrorRow kRows[] = {
    {Errc::invalid_argument, kArgument, kArgument, 400, 400004},
    {Errc::malformed, kArgument, kArgument, 400, 400006},
    {Errc::unauthorized, kUnauthorized, kUnauthorized, 401, 401003},
    {Errc::forbidden, kUnauthorized, kUnauthorized, 403, 403000},
    {Errc::device_disabled, kUnauthorized, kUnauthorized, 403, 403012},
    {Errc::not_found, kNotFound, kNotFound, 404, 404000},
    {Errc::device_not_found, kNotFound, kNotFound, 404, 404001},
    {Errc::module_not_found, kNotFound, kNotFound, 404, 404010},
    {Errc::already_exists, "com.microsoft:device-already-exists", "com.microsoft:device-already-exists", 409, 409000},
    {Errc::precondition_failed, "com.microsoft:precondition-failed", "com.microsoft:precondition-failed", 412, 412001},
    {Errc::message_too_large, kTooLarge, kTooLarge, 413, 413001},
    // A full store is a reason to come back later; clients take the other condition for one that stays.
    {Errc::quota_exceeded, kQuota, kThrottled, 403, 403002},
    {Errc::throttled, kThrottled, kThrottled, 429, 429001},
    {Errc::not_online, kNotFound, kNotFound, 404, 404103},
    {Errc::bad_device_response, kInternal, kInternal, 502, 502000},
    {Errc::timeout, kTimeout, kTimeout, 504, 504101},
    {Errc::cancelled, kDetached, kInternal, 503, 503001},
    {Errc::unavailable, kDetached, kInternal, 503, 503001},
    {Errc::connection_closed, kDetached, kInternal, 503, 503001},
    {Errc::corrupt, kInternal, kInternal, 500, 500001},
    {Errc::io_error, kInternal, kInternal, 500, 500001},
    {Errc::unsupported, "amqp:not-implemented", "amqp:not-implemented", 400, 400003},
    {Errc::internal, kInternal, kInternal, 500, 500001},
};

std::string told(const Error& error) {
    const bool ours = row_of(error.code).status >= 500;
    return ours || error.detail.empty() ? std::string(name(error.code)) : error.detail;
}

// Why a token or certificate was not taken is for the operator, not for who presented it.
bool is_about_rights(Errc code) {
    return code == Errc::unauthorized || code == Errc::forbidden || code == Errc::device_disabled ||
           code == Errc::device_not_found || code == Errc::module_not_found;
}

}  // namespace

std::span<const ErrorRow> error_rows() { return kRows; }

const ErrorRow& row_of(Errc code) {
    const auto row = std::find_if(std::begin(kRows), std::end(kRows), [&](const ErrorRow& one) { return one.code == code; });
    return row != std::end(kRows) ? *row : *std::prev(std::end(kRows));
}

Condition link_condition(const Error& error) {
    return {row_of(error.code).link_condition, is_about_rights(error.code) ? std::string(name(error.code)) : told(error)};
}

Condition message_condition(const Error& error) { return {row_of(error.code).message_condition, told(error)}; }

Condition close_condition(hub_api::CloseReason reason) {
    switch (reason) {
        case hub_api::CloseReason::replaced: return {"amqp:link:stolen", "replaced by a newer connection of the same identity"};
        case hub_api::CloseReason::identity_removed: return {kNotFound, "the identity was removed"};
        case hub_api::CloseReason::identity_disabled: return {kUnauthorized, "the identity was disabled"};
        case hub_api::CloseReason::unauthorized: return {kUnauthorized, "no longer authorized"};
        case hub_api::CloseReason::shutting_down: return {kDetached, "the hub is shutting down"};
        case hub_api::CloseReason::overloaded: return {kDetached, "the hub is overloaded"};
    }
    return {kInternal, "closed by the hub"};
}

Condition lock_lost() { return {"com.microsoft:message-lock-lost", "the lock of the message is lost"}; }
Condition replaced_link() { return {"amqp:link:stolen", "replaced by a newer link"}; }
Condition too_many_waiting() { return {kQuota, "too many answers wait for credit"}; }
Condition bad_idle_time_out() { return {"amqp:not-allowed", "the idle-time-out is below 5 seconds"}; }

std::string error_body(const Error& error, const std::string& tracking_id, UtcTime now) {
    JsonObject body;
    body["errorCode"] = row_of(error.code).error_code;
    body["trackingId"] = tracking_id;
    body["message"] = told(error);
    body["timestampUtc"] = to_iso8601(now);
    return selvage::to_text(body);
}

}  // namespace selvage::heads::amqp
