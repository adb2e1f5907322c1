#include "cloud/service_http/error_map.h"

#include <fmt/core.h>

#include <algorithm>
#include <array>
#include <chrono>

#include "base/encoding.h"
#include "base/json.h"

namespace selvage::cloud::service_http {

namespace {

constexpr ErrorRow kRows[] = {
    {Errc::invalid_argument, Subject::any, {400, "ArgumentInvalid", 400004}},
    {Errc::malformed, Subject::any, {400, "IotHubFormatError", 400006}},
    {Errc::unauthorized, Subject::any, {401, "IotHubUnauthorizedAccess", 401002}},
    {Errc::forbidden, Subject::any, {401, "IotHubUnauthorizedAccess", 401002}},
    {Errc::forbidden, Subject::module, {401, "SystemModuleModifyUnauthorizedAccess", 0}},
    {Errc::device_disabled, Subject::any, {403, "DeviceDisabled", 403012}},
    {Errc::not_found, Subject::any, {404, "NotFound", 0}},
    {Errc::device_not_found, Subject::any, {404, "DeviceNotFound", 404001}},
    {Errc::module_not_found, Subject::any, {404, "ModuleNotFound", 404010}},
    {Errc::already_exists, Subject::any, {409, "DeviceAlreadyExists", 409001}},
    {Errc::already_exists, Subject::module, {409, "ModuleAlreadyExistsOnDevice", 409301}},
    {Errc::already_exists, Subject::configuration, {409, "ApplyConfigurationAlreadyInProgressOnDevice", 0}},
    {Errc::precondition_failed, Subject::any, {412, "PreconditionFailed", 412001}},
    {Errc::precondition_failed, Subject::c2d, {412, "DeviceMessageLockLost", 412002}},
    {Errc::message_too_large, Subject::any, {413, "MessageTooLarge", 413001}},
    {Errc::quota_exceeded, Subject::any, {403, "IotHubQuotaExceeded", 403002}},
    {Errc::quota_exceeded, Subject::module, {413, "TooManyModulesOnDevice", 413003}},
    {Errc::quota_exceeded, Subject::configuration, {413, "TooManyModulesOnDevice", 413003}},
    {Errc::quota_exceeded, Subject::c2d, {403, "DeviceMaximumQueueDepthExceeded", 403004}},
    {Errc::quota_exceeded, Subject::method, {403, "DeviceMaximumInflightMethodExceeded", 403800}},
    {Errc::throttled, Subject::any, {429, "ThrottlingException", 429001}},
    {Errc::not_online, Subject::any, {404, "DeviceNotOnline", 404103}},
    {Errc::bad_device_response, Subject::any, {502, "InvalidResponseWhileProxying", 502000}},
    {Errc::timeout, Subject::any, {504, "GatewayTimeout", 504101}},
    {Errc::cancelled, Subject::any, {503, "ServiceUnavailable", 503001}},
    {Errc::unavailable, Subject::any, {503, "ServiceUnavailable", 503001}},
    {Errc::connection_closed, Subject::any, {404, "DeviceConnectionClosedRemotely", 404104}},
    {Errc::corrupt, Subject::any, {500, "ServerError", 500001}},
    {Errc::io_error, Subject::any, {500, "ServerError", 500001}},
    {Errc::unsupported, Subject::any, {501, "NotImplemented", 0}},
    {Errc::internal, Subject::any, {500, "ServerError", 500001}},
};

constexpr HttpError kBadApiVersion{400, "InvalidProtocolVersion", 400001};

// "Tracking ID:<32 hex digits>-G:1-TimeStamp:MM/dd/yyyy HH:mm:ss"
std::string tracking(const Clock& clock, Random& random) {
    std::array<std::byte, 16> id{};
    random.fill(id);
    const auto now = clock.utc_now();
    const auto day = std::chrono::floor<std::chrono::days>(now);
    const std::chrono::year_month_day date(day);
    const std::chrono::hh_mm_ss time(std::chrono::floor<std::chrono::seconds>(now - day));
    return fmt::format("Tracking ID:{}-G:1-TimeStamp:{:02}/{:02}/{:04} {:02}:{:02}:{:02}", to_hex(as_text(id)),
                       static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()),
                       static_cast<int>(date.year()), time.hours().count(), time.minutes().count(),
                       time.seconds().count());
}

net::HttpResponse response(const HttpError& error, std::string text, const Clock& clock, Random& random) {
    // Readers cut the message at semicolons.
    std::ranges::replace(text, ';', ',');
    if (text.empty()) text = error.name;
    const JsonObject body{{"Message", fmt::format("ErrorCode:{};{}", error.name, text)},
                          {"ExceptionMessage", tracking(clock, random)}};
    net::HttpResponse answer;
    answer.status = error.status;
    answer.headers.set("Content-Type", "application/json; charset=utf-8");
    answer.headers.set("iothub-errorcode", error.name);
    answer.headers.set("x-ms-request-id", random.guid());
    answer.body = to_text(body);
    return answer;
}

}  // namespace

std::span<const ErrorRow> error_table() {
    return kRows;
}

HttpError http_error(Errc code, Subject subject) {
    const ErrorRow* best = nullptr;
    for (const auto& row : kRows) {
        if (row.code != code) continue;
        if (row.subject == subject) return row.error;
        if (row.subject == Subject::any) best = &row;
    }
    SELVAGE_ASSERT(best != nullptr);
    return best->error;
}

net::HttpResponse error_response(const Error& error, Subject subject, const Clock& clock, Random& random) {
    const auto mapped = http_error(error.code, subject);
    const bool ours = mapped.status == 500;
    return response(mapped, ours ? "the hub failed; its log says why" : error.detail, clock, random);
}

net::HttpResponse bad_api_version(const Clock& clock, Random& random) {
    return response(kBadApiVersion, "give a query parameter api-version of the form YYYY-MM-DD", clock, random);
}

}  // namespace selvage::cloud::service_http
