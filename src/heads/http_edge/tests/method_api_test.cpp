#include "heads/http_edge/method_api.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <boost/asio/io_context.hpp>

#include <set>

#include "async/tests/run.h"
#include "base/json.h"
#include "heads/http_edge/error_map.h"

namespace selvage::heads::http_edge::testing {
namespace {

using domain::Identity;

// A hub that writes down who calls whom, and answers as the test says.
struct FakeHub final : hub_api::Hub {
    const std::string& host_name() const override { return host; }
    Awaitable<Result<hub_api::Grant>> authenticate(hub_api::Credentials given) override {
        credentials = std::move(given);
        if (refusal) co_return fail(*refusal);
        co_return hub_api::Grant{.identity = credentials.identity, .expires = {}, .auth_method = {}, .generation_id = {}};
    }
    Awaitable<Result<std::unique_ptr<hub_api::DeviceSession>>> open(hub_api::Grant, hub_api::ConnectionInfo,
                                                                    std::weak_ptr<hub_api::DeviceSink>) override {
        co_return fail(Errc::unsupported, "not in these tests");
    }
    Awaitable<Result<domain::MethodResponse>> invoke_method(Identity callee, domain::MethodRequest call) override {
        target = std::move(callee);
        request = std::move(call);
        co_return answer;
    }
    Awaitable<Result<std::optional<std::vector<hub_api::StoredFilter>>>> load_filters(Identity) override { co_return std::nullopt; }
    Awaitable<Result<>> save_filters(Identity, std::vector<hub_api::StoredFilter>) override { co_return Result<>{}; }
    Awaitable<Result<>> forget_filters(Identity) override { co_return Result<>{}; }

    std::string host = "h.net";
    std::optional<Error> refusal;
    Result<domain::MethodResponse> answer = domain::MethodResponse{.status = 200, .payload = R"({"a":1})"};
    hub_api::Credentials credentials;
    std::optional<Identity> target;
    domain::MethodRequest request;
};

class MethodApiTest : public ::testing::Test {
protected:
    boost::asio::io_context loop;
    async::SystemTime time;
    FakeHub hub;
    MethodApi api{hub, time, {.edge_device = "edge"}};

    net::HttpResponse call(std::string target, std::string body, std::string caller = "edge/m1", std::string method = "POST") {
        net::HttpRequest request{.method = std::move(method), .target = std::move(target), .headers = {}, .body = std::move(body)};
        request.headers.set("Authorization", "SharedAccessSignature sr=x");
        if (!caller.empty()) request.headers.set("x-ms-edge-moduleId", caller);
        net::HttpResponse response;
        async::testing::run(loop, [&]() -> Awaitable<> { response = co_await api.handle(std::move(request)); }());
        EXPECT_EQ(response.headers.get("Content-Type"), "application/json; charset=utf-8");
        EXPECT_EQ(response.headers.get("X-Content-Type-Options"), "nosniff");
        return response;
    }
    // "404 words"
    std::string refusal(std::string target, std::string body, std::string caller = "edge/m1", std::string method = "POST") {
        const auto response = call(std::move(target), std::move(body), std::move(caller), std::move(method));
        const auto parsed = parse_json_object(response.body);
        EXPECT_TRUE(parsed) << response.body;
        return fmt::format("{} {}", response.status, parsed ? std::string(find_text(*parsed, "message")) : "");
    }
};

TEST_F(MethodApiTest, AModuleCallsDevicesAndModules) {
    const auto response = call("/twins/leaf/methods",
                               R"({"methodName":"reboot","payload":{"x":[1]},"responseTimeoutInSeconds":60,"connectTimeoutInSeconds":5})");
    EXPECT_EQ(response.status, 200);
    EXPECT_EQ(response.body, R"({"status":200,"payload":{"a":1}})");
    EXPECT_EQ(hub.target, Identity::of_device("leaf"));
    EXPECT_EQ(hub.request.name, "reboot");
    EXPECT_EQ(hub.request.payload, R"({"x":[1]})");
    EXPECT_EQ(hub.request.response_timeout.count(), 60);
    EXPECT_EQ(hub.request.connect_timeout.count(), 5);
    EXPECT_EQ(hub.credentials.identity, Identity::of_module("edge", "m1"));
    EXPECT_EQ(hub.credentials.sas_token, "SharedAccessSignature sr=x");

    // As the C SDK writes it, with a name that nobody reads.
    hub.answer = domain::MethodResponse{.status = 418, .payload = ""};
    EXPECT_EQ(call("/twins/edge/modules/%24m/methods?api-version=2020-09-30", R"({"methodName":"m","timeout":60,"payload":null})").body,
              R"({"status":418,"payload":null})");
    EXPECT_EQ(hub.target, Identity::of_module("edge", "$m"));
    EXPECT_EQ(hub.request.response_timeout.count(), 30);
    EXPECT_EQ(hub.request.connect_timeout.count(), 0);
}

TEST_F(MethodApiTest, OnlyProvenModulesOfTheEdgeDeviceMayCall) {
    const std::string body = R"({"methodName":"m"})";
    for (const char* caller : {"", "edge", "/m1", "edge/"})
        EXPECT_EQ(refusal("/twins/leaf/methods", body, caller), "400 Invalid header value for x-ms-edge-moduleId") << caller;
    EXPECT_EQ(refusal("/twins/leaf/methods", body, "other/m1"), "401 Only modules on the same device can invoke DirectMethods");
    for (const auto code : {Errc::unauthorized, Errc::module_not_found, Errc::device_disabled}) {
        hub.refusal = Error{code, "the secret of why"};
        EXPECT_EQ(refusal("/twins/leaf/methods", body), "401 Unable to authenticate device with Id edge/m1") << name(code);
    }
    hub.refusal = Error{Errc::unavailable, ""};
    EXPECT_EQ(call("/twins/leaf/methods", body).status, 503);
    EXPECT_FALSE(hub.target) << "called without a right to";
}

TEST_F(MethodApiTest, BadCallsAreNotPassedOn) {
    for (const std::string& body :
         {std::string(), std::string("{"), std::string("[]"), std::string("{}"), std::string(R"({"methodName":1})"),
          std::string(R"({"methodName":"m","responseTimeoutInSeconds":4})"),
          std::string(R"({"methodName":"m","responseTimeoutInSeconds":301})"),
          std::string(R"({"methodName":"m","responseTimeoutInSeconds":"x"})"),
          std::string(R"({"methodName":"m","connectTimeoutInSeconds":-1})"),
          fmt::format(R"({{"methodName":"{}"}})", std::string(101, 'm')),
          fmt::format(R"({{"methodName":"m","payload":"{}"}})", std::string(131'072, 'p'))}) {
        EXPECT_EQ(refusal("/twins/leaf/methods", body).substr(0, 4), "400 ") << body.substr(0, 60);
    }
    EXPECT_EQ(refusal("/twins/leaf/methods", "{}", "edge/m1", "GET"), "405 this path takes POST");
    for (const char* path : {"/twins/leaf", "/twins/leaf/modules/m", "/devices/leaf/methods", "/", "/twins//methods/x/y/z"})
        EXPECT_EQ(refusal(path, R"({"methodName":"m"})").substr(0, 3), "404") << path;
    for (const char* path : {"/devices/leaf/files?api-version=x", "/devices/leaf/files/notifications/c1?api-version=x"})
        EXPECT_EQ(refusal(path, R"({"blobName":"x"})"),
                  "404 an edge hub takes no file uploads: ask the IoT hub itself, without a gateway");
    EXPECT_FALSE(hub.target);
}

TEST_F(MethodApiTest, FailuresOfTheCallHaveTheReferencesStatus) {
    const std::string body = R"({"methodName":"m"})";
    hub.answer = fail(Errc::not_online, "Client leaf not found");
    EXPECT_EQ(refusal("/twins/leaf/methods", body), "404 Client leaf not found");
    hub.answer = fail(Errc::timeout, "Timed out waiting for device to respond to method request 7");
    EXPECT_EQ(refusal("/twins/leaf/methods", body), "504 Timed out waiting for device to respond to method request 7");
    hub.answer = fail(Errc::internal, "stack trace");
    EXPECT_EQ(refusal("/twins/leaf/methods", body), "500 internal");
}

TEST(MethodApiErrorMap, EveryReasonHasOneRow) {
    std::set<Errc> seen;
    for (const auto& row : error_rows()) {
        EXPECT_TRUE(seen.insert(row.code).second) << name(row.code);
        EXPECT_TRUE(row.status >= 400 && row.status < 600) << name(row.code);
    }
    EXPECT_EQ(seen.size(), static_cast<std::size_t>(Errc::internal) + 1);
}

}  // namespace
}  // namespace selvage::heads::http_edge::testing
