#include "cloud/service_http/error_map.h"

#include <gtest/gtest.h>

#include <set>

#include "base/json.h"

namespace selvage::cloud::service_http {
namespace {

struct SetClock final : Clock {
    TimePoint now() const override { return {}; }
    UtcTime utc_now() const override {
        return UtcTime{std::chrono::sys_days{std::chrono::year{2026} / 3 / 1}} + std::chrono::hours(10);
    }
};

struct Row {
    Errc code;
    Subject subject;
    int status;
    const char* name;
};
constexpr Row kRows[] = {
    {Errc::invalid_argument, Subject::device, 400, "ArgumentInvalid"},
    {Errc::malformed, Subject::device, 400, "IotHubFormatError"},
    {Errc::unauthorized, Subject::module, 401, "IotHubUnauthorizedAccess"},
    {Errc::forbidden, Subject::device, 401, "IotHubUnauthorizedAccess"},
    {Errc::forbidden, Subject::module, 401, "SystemModuleModifyUnauthorizedAccess"},
    {Errc::device_disabled, Subject::device, 403, "DeviceDisabled"},
    {Errc::device_not_found, Subject::module, 404, "DeviceNotFound"},
    {Errc::module_not_found, Subject::module, 404, "ModuleNotFound"},
    {Errc::already_exists, Subject::device, 409, "DeviceAlreadyExists"},
    {Errc::already_exists, Subject::module, 409, "ModuleAlreadyExistsOnDevice"},
    {Errc::already_exists, Subject::configuration, 409, "ApplyConfigurationAlreadyInProgressOnDevice"},
    {Errc::precondition_failed, Subject::device, 412, "PreconditionFailed"},
    {Errc::message_too_large, Subject::device, 413, "MessageTooLarge"},
    {Errc::quota_exceeded, Subject::device, 403, "IotHubQuotaExceeded"},
    {Errc::quota_exceeded, Subject::module, 413, "TooManyModulesOnDevice"},
    {Errc::quota_exceeded, Subject::method, 403, "DeviceMaximumInflightMethodExceeded"},
    {Errc::not_online, Subject::method, 404, "DeviceNotOnline"},
    {Errc::connection_closed, Subject::method, 404, "DeviceConnectionClosedRemotely"},
    {Errc::timeout, Subject::method, 504, "GatewayTimeout"},
    {Errc::bad_device_response, Subject::method, 502, "InvalidResponseWhileProxying"},
    {Errc::throttled, Subject::device, 429, "ThrottlingException"},
    {Errc::not_online, Subject::device, 404, "DeviceNotOnline"},
    {Errc::connection_closed, Subject::device, 404, "DeviceConnectionClosedRemotely"},
    {Errc::bad_device_response, Subject::device, 502, "InvalidResponseWhileProxying"},
    {Errc::timeout, Subject::device, 504, "GatewayTimeout"},
    {Errc::unavailable, Subject::device, 503, "ServiceUnavailable"},
    {Errc::unsupported, Subject::device, 501, "NotImplemented"},
    {Errc::internal, Subject::device, 500, "ServerError"},
};

TEST(ErrorMap, GivesStatusAndNameOfTheService) {
    for (const auto& row : kRows) {
        const auto error = http_error(row.code, row.subject);
        EXPECT_EQ(error.status, row.status) << name(row.code);
        EXPECT_EQ(error.name, row.name) << name(row.code);
    }
}

TEST(ErrorMap, HasARowForEveryReasonToFail) {
    for (int code = 0; code <= static_cast<int>(Errc::internal); ++code) {
        EXPECT_GE(http_error(static_cast<Errc>(code), Subject::any).status, 400) << name(static_cast<Errc>(code));
    }
    // A number names its status: 404103 is a 404.
    for (const auto& row : error_table()) {
        if (row.error.number != 0) {
            EXPECT_EQ(row.error.number / 1000, row.error.status) << row.error.name;
        }
    }
}

TEST(ErrorMap, TheBodyIsTheFormThatTheNodeSdkTakesApart) {
    SetClock clock;
    SeededRandom random(1);
    const auto response =
        error_response({Errc::device_not_found, "device 'd;1' is gone"}, Subject::device, clock, random);
    EXPECT_EQ(response.status, 404);
    EXPECT_EQ(response.headers.get("iothub-errorcode"), "DeviceNotFound");
    EXPECT_EQ(response.headers.get("Content-Type"), "application/json; charset=utf-8");
    const auto body = parse_json_object(response.body);
    ASSERT_TRUE(body);
    EXPECT_EQ(find_text(*body, "Message"), "ErrorCode:DeviceNotFound;device 'd,1' is gone") << "one semicolon, no more";
    const std::string tracking(find_text(*body, "ExceptionMessage"));
    EXPECT_TRUE(tracking.starts_with("Tracking ID:")) << tracking;
    EXPECT_TRUE(tracking.ends_with("-G:1-TimeStamp:03/01/2026 10:00:00")) << tracking;
}

TEST(ErrorMap, WhatIsOursToKnowStaysInTheLog) {
    SetClock clock;
    SeededRandom random(1);
    const auto response =
        error_response({Errc::io_error, "/var/lib/secret: disk on fire"}, Subject::device, clock, random);
    EXPECT_EQ(response.status, 500);
    EXPECT_EQ(response.body.find("fire"), std::string::npos);
}

}  // namespace
}  // namespace selvage::cloud::service_http
