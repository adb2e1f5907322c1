#include <fmt/format.h>

#include "heads/http/tests/fake_hub.h"

namespace selvage::heads::http::testing {
namespace {

constexpr const char* kEvents = "/devices/d1/messages/events?api-version=2020-09-30";

class HttpTelemetry : public HttpHeadTest {
protected:
    Fields batch{{"Content-Type", "application/vnd.microsoft.iothub.json; charset=utf-8"}};
};

TEST_F(HttpTelemetry, AMessageIsItsBodyAndItsFields) {
    const auto response = call("POST", kEvents,
                               {{"IoTHub-MessageId", "m1"}, {"iothub-app-Room", "7"}, {"User-Agent", "sdk/1"}, {"Accept", "*/*"}},
                               "hello");
    EXPECT_EQ(response.status, 204);
    ASSERT_EQ(hub.telemetry.size(), 1u);
    EXPECT_EQ(hub.telemetry[0].body, "hello");
    EXPECT_EQ(hub.telemetry[0].get(SystemProperty::message_id), "m1");
    EXPECT_EQ(hub.telemetry[0].properties, (std::vector<domain::Property>{{"Room", "7"}}));
    EXPECT_EQ(hub.opened_as, domain::Identity::of_device("d1"));
    EXPECT_TRUE(hub.info.transient);
    EXPECT_EQ(hub.info.product_info, "sdk/1");
    EXPECT_EQ(hub.credentials.sas_token, "SharedAccessSignature sr=x");
}

TEST_F(HttpTelemetry, PathsAreReadAsTheSdksWriteThem) {
    for (const char* path : {"/devices/d%201/messages/events?api-version=x", "/Devices/d 1/Messages/Events/?api-version=x"}) {
        begin("POST", path);
        ASSERT_TRUE(answer);
        // A blank is no character of a device id.
        EXPECT_EQ(error_of(*answer), "400 ArgumentInvalid") << path;
    }
    EXPECT_EQ(call("POST", "/devices/d%23/modules/m%2B/messages/events/?api-version=2016-11-14").status, 204);
    EXPECT_EQ(hub.opened_as, domain::Identity::of_module("d#", "m+"));
}

TEST_F(HttpTelemetry, ABatchIsSentWholeAndInOrder) {
    const auto response = call("POST", kEvents, batch,
                               R"([{"body":"YQ==","properties":{"iothub-app-k":"v","iothub-messageid":"1"}},)"
                               R"({"body":"b","base64Encoded":false},{}])");
    EXPECT_EQ(response.status, 204);
    ASSERT_EQ(hub.telemetry.size(), 3u);
    EXPECT_EQ(hub.telemetry[0].body, "a");
    EXPECT_EQ(hub.telemetry[0].get(SystemProperty::message_id), "1");
    EXPECT_EQ(hub.telemetry[1].body, "b");
    EXPECT_EQ(hub.telemetry[2], domain::Message{});
    EXPECT_EQ(hub.sessions, 1);
    EXPECT_EQ(call("POST", kEvents, batch, "[]").status, 204);
}

TEST_F(HttpTelemetry, TheAnswerWaitsForTheHub) {
    hub.hold_telemetry = true;
    begin("POST", kEvents, batch, R"([{"body":"YQ=="},{"body":"Yg=="}])");
    EXPECT_FALSE(answer);
    hub.held[0]({});
    settle_down();
    EXPECT_FALSE(answer) << "answered before the second message was stored";
    hub.held[1]({});
    settle_down();
    ASSERT_TRUE(answer);
    EXPECT_EQ(answer->status, 204);
}

TEST_F(HttpTelemetry, AHubThatNeverAnswersIsATimeout) {
    hub.hold_telemetry = true;
    begin("POST", kEvents, {}, "x");
    time.advance(std::chrono::seconds(61));
    settle_down();
    ASSERT_TRUE(answer);
    EXPECT_EQ(error_of(*answer), "500 GenericTimeout");
    hub.held[0]({});  // too late, and harmless
}

TEST_F(HttpTelemetry, OneRefusedMessageRefusesTheBatch) {
    hub.refused_telemetry[1] = {Errc::quota_exceeded, "the disk is full"};
    EXPECT_EQ(error_of(call("POST", kEvents, batch, R"([{},{},{}])")), "403 IotHubQuotaExceeded");
}

TEST_F(HttpTelemetry, RefusalsComeInTheServicesForm) {
    EXPECT_EQ(error_of(call("POST", "/devices/d1/messages/events")), "400 InvalidProtocolVersion");
    EXPECT_EQ(error_of(call("GET", kEvents)), "405 InvalidOperation");
    EXPECT_EQ(error_of(call("POST", "/devices/d1/messages/other?api-version=x")), "404 NotFound");
    EXPECT_EQ(error_of(call("POST", kEvents, batch, "{")), "400 IotHubFormatError");
    EXPECT_EQ(error_of(call("POST", "/devices/d1/files?api-version=x", {}, R"({"blobName":"x"})")),
              "400 DefaultStorageEndpointNotConfigured");
    EXPECT_EQ(error_of(call("POST", "/devices/d1/files/notifications/1/?api-version=x")), "400 DefaultStorageEndpointNotConfigured");
    EXPECT_EQ(hub.sessions, 0);
    hub.refusal = Error{Errc::device_disabled, "d1 is disabled"};
    EXPECT_EQ(error_of(call("POST", kEvents)), "403 DeviceDisabled");
    for (const auto code : {Errc::unauthorized, Errc::device_not_found}) {
        hub.refusal = Error{code, "the secret of why"};
        const auto response = call("POST", kEvents);
        EXPECT_EQ(error_of(response), "401 IotHubUnauthorizedAccess");
        EXPECT_EQ(response.body.find("secret"), std::string::npos);
    }
}

TEST_F(HttpTelemetry, OnlyThePathsOfDevicesAreTaken) {
    for (const char* path : {"/devices/d1", "/devices/d1/modules", "/devices/d1/modules/m1", "/devices/d1/modules/m1/files",
                             "/devices/d1/modules/$edgeHub/getDeviceAndModuleInScope", "/twins/d1", "/devices", "/", "nonsense",
                             "/devices/d1/applyConfigurationContent", "/devices/query"})
        EXPECT_FALSE(HttpHead::takes(path)) << path;
    for (const char* path : {"/devices/d1/messages/devicebound?x", "/devices/d1/modules/m1/messages/events", "/devices/d1/files"})
        EXPECT_TRUE(HttpHead::takes(path)) << path;
}

}  // namespace
}  // namespace selvage::heads::http::testing
