#include "heads/blob/error_map.h"

#include <fmt/core.h>

#include <algorithm>
#include <chrono>
#include <iterator>

#include "base/time_text.h"

namespace selvage::heads::blob {

namespace {

// Whoever shows no good signature learns nothing else.
constexpr BlobError kNoRight{403, "AuthenticationFailed"};
constexpr BlobError kInternal{500, "InternalError"};

// Sources of the codes: docs/wire/file-upload.md#storage-errors.
constexpr ErrorRow kRows[] = {
    {Errc::invalid_argument, {400, "InvalidInput"}},
    {Errc::malformed, {400, "InvalidInput"}},
    {Errc::unauthorized, kNoRight},
    {Errc::forbidden, {403, "AuthorizationPermissionMismatch"}},
    {Errc::device_disabled, kNoRight},
    {Errc::not_found, {404, "BlobNotFound"}},
    {Errc::device_not_found, kNoRight},
    {Errc::module_not_found, kNoRight},
    {Errc::already_exists, {409, "BlobAlreadyExists"}},
    {Errc::precondition_failed, {412, "ConditionNotMet"}},
    {Errc::message_too_large, {413, "RequestBodyTooLarge"}},
    // Not 500 or 503, which clients repeat.
    {Errc::quota_exceeded, {507, "InsufficientStorage"}},
    {Errc::throttled, {503, "ServerBusy"}},
    {Errc::not_online, kInternal},
    {Errc::bad_device_response, kInternal},
    {Errc::timeout, {500, "OperationTimedOut"}},
    {Errc::cancelled, {503, "ServerBusy"}},
    {Errc::unavailable, {503, "ServerBusy"}},
    {Errc::connection_closed, kInternal},
    {Errc::corrupt, kInternal},
    {Errc::io_error, kInternal},
    {Errc::unsupported, {405, "UnsupportedHttpVerb"}},
    {Errc::internal, kInternal},
};

std::string xml_text(std::string_view text) {
    std::string out;
    for (const char c : text) {
        if (c == '&') out += "&amp;";
        else if (c == '<') out += "&lt;";
        else if (c == '>') out += "&gt;";
        else out += c;
    }
    return out;
}

}  // namespace

std::span<const ErrorRow> error_rows() { return kRows; }

BlobError blob_error(Errc code) {
    const auto row = std::ranges::find(kRows, code, &ErrorRow::code);
    SELVAGE_ASSERT(row != std::end(kRows));
    return row->error;
}

net::HttpResponse error_response(const BlobError& error, std::string_view text, const std::string& request_id, UtcTime now) {
    net::HttpResponse response;
    response.status = error.status;
    response.headers.set("Content-Type", "application/xml");
    response.headers.set("x-ms-error-code", error.code);
    response.body = fmt::format(
        "<?xml version=\"1.0\" encoding=\"utf-8\"?><Error><Code>{}</Code><Message>{}\nRequestId:{}\nTime:{}</Message></Error>",
        error.code, xml_text(text.empty() ? error.code : text), request_id, to_iso8601(now));
    return response;
}

std::string http_date(UtcTime time) {
    // Not the locale's words.
    constexpr std::string_view kDays = "SunMonTueWedThuFriSat";
    constexpr std::string_view kMonths = "JanFebMarAprMayJunJulAugSepOctNovDec";
    const auto day = std::chrono::floor<std::chrono::days>(time);
    const std::chrono::year_month_day date(day);
    const std::chrono::hh_mm_ss clock(std::chrono::floor<std::chrono::seconds>(time - day));
    return fmt::format("{}, {:02} {} {:04} {:02}:{:02}:{:02} GMT",
                       kDays.substr(std::chrono::weekday(day).c_encoding() * 3, 3), static_cast<unsigned>(date.day()),
                       kMonths.substr((static_cast<unsigned>(date.month()) - 1) * 3, 3), static_cast<int>(date.year()),
                       clock.hours().count(), clock.minutes().count(), clock.seconds().count());
}

}  // namespace selvage::heads::blob
