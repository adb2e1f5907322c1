#include "heads/http/error_map.h"

#include <fmt/chrono.h>
#include <fmt/core.h>

#include <algorithm>
#include <array>
#include <iterator>

#include "base/encoding.h"
#include "base/json.h"

namespace selvage::heads::http {

namespace {

constexpr HttpError kUnauthorized{401, "IotHubUnauthorizedAccess", 401002};

// Sources of the numbers: docs/wire/http-device.md#errors.
constexpr ErrorRow kRows[] = {
    {Errc::invalid_argument, {400, "ArgumentInvalid", 400004}},
    {Errc::malformed, {400, "IotHubFormatError", 400006}},
    {Errc::unauthorized, kUnauthorized},
    {Errc::forbidden, kUnauthorized},
    {Errc::device_disabled, {403, "DeviceDisabled", 403012}},
    {Errc::not_found, {404, "NotFound", 404000}},
    // What is registered is not for strangers to learn.
    {Errc::device_not_found, kUnauthorized},
    {Errc::module_not_found, kUnauthorized},
    {Errc::already_exists, {409, "LinkCreationConflict", 409002}},
    {Errc::precondition_failed, {412, "DeviceMessageLockLost", 412002}},
    {Errc::message_too_large, {413, "MessageTooLarge", 413001}},
    {Errc::quota_exceeded, {403, "IotHubQuotaExceeded", 403002}},
    {Errc::throttled, {429, "ThrottlingException", 429001}},
    {Errc::not_online, {404, "DeviceNotOnline", 404103}},
    {Errc::bad_device_response, {502, "InvalidResponseWhileProxying", 502000}},
    {Errc::timeout, {500, "GenericTimeout", 500008}},
    {Errc::cancelled, {503, "ServiceUnavailable", 503001}},
    {Errc::unavailable, {503, "ServiceUnavailable", 503001}},
    {Errc::connection_closed, {503, "ServiceUnavailable", 503001}},
    {Errc::corrupt, {500, "ServerError", 500001}},
    {Errc::io_error, {500, "ServerError", 500001}},
    {Errc::unsupported, {405, "InvalidOperation", 400003}},
    {Errc::internal, {500, "ServerError", 500001}},
};

constexpr ErrorRow kBeginUploadRows[] = {
    {Errc::quota_exceeded, {403, "DeviceMaximumActiveFileUploadLimitExceeded", 403006}},
};

constexpr ErrorRow kEndUploadRows[] = {
    {Errc::not_found, {400, "InvalidFileUploadCorrelationId", 400015}},
    {Errc::precondition_failed, {400, "ExpiredFileUploadCorrelationId", 400016}},
    {Errc::invalid_argument, {400, "InvalidStorageEndpointOrBlob", 400020}},
};

std::string tracking(const Clock& clock, Random& random) {
    std::array<std::byte, 16> id{};
    random.fill(id);
    const auto now = std::chrono::floor<std::chrono::seconds>(clock.utc_now());
    return fmt::format("Tracking ID:{}-G:1-TimeStamp:{:%m/%d/%Y %H:%M:%S}", to_hex(as_text(id)),
                       fmt::gmtime(now.time_since_epoch().count()));
}

}  // namespace

std::span<const ErrorRow> error_rows() { return kRows; }

std::span<const ErrorRow> begin_upload_rows() { return kBeginUploadRows; }
std::span<const ErrorRow> end_upload_rows() { return kEndUploadRows; }

HttpError http_error(Errc code, std::span<const ErrorRow> special) {
    if (const auto own = std::ranges::find(special, code, &ErrorRow::code); own != special.end()) return own->error;
    const auto row = std::ranges::find(kRows, code, &ErrorRow::code);
    SELVAGE_ASSERT(row != std::end(kRows));
    return row->error;
}

net::HttpResponse error_response(const HttpError& error, std::string_view text, const Clock& clock, Random& random) {
    std::string words(text.empty() ? error.name : text);
    // Readers cut the message at semicolons.
    std::ranges::replace(words, ';', ',');
    const JsonObject body{{"Message", fmt::format("ErrorCode:{};{}", error.name, words)},
                          {"ExceptionMessage", tracking(clock, random)}};
    net::HttpResponse response;
    response.status = error.status;
    response.headers.set("Content-Type", "application/json; charset=utf-8");
    response.headers.set("iothub-errorcode", error.name);
    response.headers.set("x-ms-request-id", random.guid());
    response.body = to_text(body);
    return response;
}

net::HttpResponse error_response(const Error& error, const Clock& clock, Random& random, std::span<const ErrorRow> special) {
    const auto mapped = http_error(error.code, special);
    if (mapped.status == kUnauthorized.status) {
        return error_response(mapped, "these credentials do not open this device", clock, random);
    }
    const bool ours = mapped.status >= 500;
    return error_response(mapped, ours ? name(error.code) : std::string_view(error.detail), clock, random);
}

}  // namespace selvage::heads::http
