#include <gtest/gtest.h>

#include "cloud/hub/tests/hub_fixture.h"
#include "cloud/service_http/service.h"

namespace selvage::cloud::service_http {
namespace {

using domain::Identity;
using hub_api::Feed;

// What a caller of direct methods sees, by the service's table: docs/wire/methods.md.
struct MethodRoutes : cloud::testing::HubFixture {
    std::unique_ptr<Service> service;
    Identity d1 = Identity::of_device("d1");
    std::string key = to_base64(std::string(32, 'd'));
    std::optional<net::HttpResponse> answer;

    void SetUp() override {
        HubFixture::SetUp();
        service = std::make_unique<Service>(Parts{.time = time,
                                                  .random = random,
                                                  .authenticator = *authenticator,
                                                  .authorities = *authorities,
                                                  .registry = *registry,
                                                  .twins = *twins,
                                                  .methods = *methods,
                                                  .mailboxes = *mailboxes,
                                                  .feedback = *feedback,
                                                  .events = *events,
                                                  .sessions = sessions});
        ASSERT_TRUE(put_device("d1", keys(key, key)));
    }
    void call(const std::string& body, std::optional<net::HttpResponse>& out) {
        net::HttpRequest request{.method = "POST", .target = "/twins/d1/methods?api-version=2021-04-12"};
        request.headers.set("Authorization", token(owner_key, cloud::testing::kHubHost, "iothubowner"));
        request.body = body;
        begin(service->handle(std::move(request)), out);
    }
    // Status, name and words.
    std::string outcome(const std::optional<net::HttpResponse>& response) {
        if (!run_until([&] { return response.has_value(); })) return "no answer";
        const auto body = parse_json_object(response->body).value_or(JsonObject{});
        return std::to_string(response->status) + " " + std::string(response->headers.get("iothub-errorcode")) + " " +
               std::string(find_text(body, "Message"));
    }
};

TEST_F(MethodRoutes, ADeviceThatIsNotThereIs404103) {
    call(R"({"methodName":"m"})", answer);
    EXPECT_EQ(outcome(answer), "404 DeviceNotOnline ErrorCode:DeviceNotOnline;Timed out waiting for device to connect.");
}

TEST_F(MethodRoutes, ADeviceThatDoesNotComeWithinTheConnectTimeoutIs404103) {
    call(R"({"methodName":"m","connectTimeoutInSeconds":20})", answer);
    ASSERT_TRUE(run_until([&] { return time.next_wake().has_value(); }));
    EXPECT_FALSE(answer) << "it waits";
    time.advance(std::chrono::seconds(20));
    EXPECT_EQ(outcome(answer), "404 DeviceNotOnline ErrorCode:DeviceNotOnline;Timed out waiting for device to connect.");
}

TEST_F(MethodRoutes, ADeviceThatDoesNotAnswerIs504101) {
    auto device = open(d1, key);
    ASSERT_TRUE(get(device.session->subscribe(Feed::methods, true)));
    call(R"({"methodName":"m","responseTimeoutInSeconds":5})", answer);
    ASSERT_TRUE(run_until([&] { return !device.sink->methods.empty(); }));
    time.advance(std::chrono::seconds(5));
    EXPECT_EQ(outcome(answer), "504 GatewayTimeout ErrorCode:GatewayTimeout;Timed out waiting for the response from device.");
}

TEST_F(MethodRoutes, ADeviceThatLeavesIs404104) {
    auto device = open(d1, key);
    ASSERT_TRUE(get(device.session->subscribe(Feed::methods, true)));
    call(R"({"methodName":"m"})", answer);
    ASSERT_TRUE(run_until([&] { return !device.sink->methods.empty(); }));
    device.session.reset();
    EXPECT_TRUE(outcome(answer).starts_with("404 DeviceConnectionClosedRemotely ErrorCode:DeviceConnectionClosedRemotely;"));
}

TEST_F(MethodRoutes, AnAnswerThatIsNoJsonIs502) {
    auto device = open(d1, key);
    ASSERT_TRUE(get(device.session->subscribe(Feed::methods, true)));
    call(R"({"methodName":"m"})", answer);
    ASSERT_TRUE(run_until([&] { return !device.sink->methods.empty(); }));
    device.session->answer_method(device.sink->methods[0].first, {.status = 200, .payload = "{"});
    EXPECT_TRUE(outcome(answer).starts_with("502 InvalidResponseWhileProxying "));
}

TEST_F(MethodRoutes, MoreAtOnceThanADeviceMayHaveIs403800) {
    auto device = open(d1, key);
    ASSERT_TRUE(get(device.session->subscribe(Feed::methods, true)));
    std::vector<std::optional<net::HttpResponse>> waiting(methods::kWaitingMax);
    for (auto& one : waiting)
        call(R"({"methodName":"m"})", one);
    ASSERT_TRUE(run_until([&] { return device.sink->methods.size() == methods::kWaitingMax; }));
    call(R"({"methodName":"m"})", answer);
    EXPECT_TRUE(outcome(answer).starts_with("403 DeviceMaximumInflightMethodExceeded ErrorCode:")) << outcome(answer);
    EXPECT_EQ(http_error(Errc::quota_exceeded, Subject::method).number, 403800);
    // One answer makes room for one call.
    device.session->answer_method(device.sink->methods[0].first, {.status = 200, .payload = "1"});
    ASSERT_TRUE(run_until([&] { return waiting[0].has_value(); }));
    answer.reset();
    call(R"({"methodName":"m"})", answer);
    ASSERT_TRUE(run_until([&] { return device.sink->methods.size() == methods::kWaitingMax + 1; }));
    time.advance(std::chrono::seconds(60));
    ASSERT_TRUE(run_until([&] { return answer && std::ranges::all_of(waiting, [](const auto& one) { return one.has_value(); }); }));
}

}  // namespace
}  // namespace selvage::cloud::service_http
