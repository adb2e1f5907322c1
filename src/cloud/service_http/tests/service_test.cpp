#include "cloud/service_http/service.h"

#include <gtest/gtest.h>

#include "cloud/hub/tests/hub_fixture.h"
#include "security/certificates.h"

namespace selvage::cloud::service_http {
namespace {

using domain::Identity;

struct ServiceTest : cloud::testing::HubFixture {
    std::unique_ptr<Service> service;
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
    }
    std::string owner() { return token(owner_key, cloud::testing::kHubHost, "iothubowner"); }
    net::HttpRequest request(const std::string& method, const std::string& path, const std::string& body,
                             const std::string& authorization) {
        net::HttpRequest http;
        http.method = method;
        http.target = path + (path.find('?') == std::string::npos ? "?" : "&") + "api-version=2021-04-12";
        http.body = body;
        if (!authorization.empty()) http.headers.set("Authorization", authorization);
        return http;
    }
    net::HttpResponse ask(const std::string& method, const std::string& path, const std::string& body = {},
                          const std::string& if_match = {}) {
        auto http = request(method, path, body, owner());
        if (!if_match.empty()) http.headers.set("If-Match", if_match);
        return get(service->handle(std::move(http)));
    }
    net::HttpResponse ask_as(const std::string& authorization, const std::string& method, const std::string& path,
                             const std::string& body = {}) {
        return get(service->handle(request(method, path, body, authorization)));
    }
    static JsonObject object(const net::HttpResponse& response) {
        return parse_json_object(response.body).value_or(JsonObject{});
    }
    static JsonArray array(const net::HttpResponse& response) {
        const auto parsed = parse_json(response.body);
        return parsed && parsed->is_array() ? parsed->get_array() : JsonArray{};
    }
};

TEST_F(ServiceTest, ARequestWithoutAnApiVersionIsRefusedBeforeAllElse) {
    for (const char* target : {"/devices/d1", "/devices/d1?api-version=", "/devices/d1?api-version=now"}) {
        net::HttpRequest http;
        http.target = target;
        const auto response = get(service->handle(std::move(http)));
        EXPECT_EQ(response.status, 400) << target;
        EXPECT_EQ(response.headers.get("iothub-errorcode"), "InvalidProtocolVersion") << target;
    }
    net::HttpRequest preview;
    preview.target = "/devices/d1?api-version=2017-11-08-preview";
    EXPECT_EQ(get(service->handle(std::move(preview))).status, 401);
}

TEST_F(ServiceTest, ADeviceIsMadeReadChangedAndRemoved) {
    const auto made = ask("PUT", "/devices/a%2Bb", R"({"deviceId":"a+b"})");
    ASSERT_EQ(made.status, 200) << made.body;
    EXPECT_EQ(made.headers.get("Content-Type"), "application/json; charset=utf-8");
    EXPECT_EQ(made.headers.get("ETag"), "\"" + std::string(find_text(object(made), "etag")) + "\"");
    EXPECT_EQ(ask("PUT", "/devices/a%2Bb", "{}").status, 409);
    EXPECT_EQ(ask("GET", "/devices/a%2Bb/").status, 200) << "a trailing slash changes nothing";
    EXPECT_EQ(ask("PUT", "/devices/a%2Bb", "{}", "\"*\"").status, 200);
    EXPECT_EQ(ask("PUT", "/devices/a%2Bb", "{}", "\"MTIz\"").status, 412);
    EXPECT_EQ(array(ask("GET", "/devices/?top=5")).size(), 1u);
    const auto removed = ask("DELETE", "/devices/a%2Bb", "", "*");
    EXPECT_EQ(removed.status, 204);
    EXPECT_TRUE(removed.body.empty());
    EXPECT_EQ(ask("GET", "/devices/a%2Bb").status, 404);
    EXPECT_EQ(ask("PUT", "/devices/x", "{no json").headers.get("iothub-errorcode"), "IotHubFormatError");
}

struct PermissionRow {
    const char* method;
    const char* path;
    bool service;
    bool reader;
};
constexpr PermissionRow kPermissions[] = {
    {"GET", "/devices", false, true},
    {"GET", "/devices/d1", false, true},
    {"PUT", "/devices/d1", false, false},
    {"DELETE", "/devices/d1", false, false},
    {"GET", "/devices/d1/modules", false, true},
    {"PUT", "/devices/d1/modules/m", false, false},
    {"GET", "/twins/d1", true, false},
    {"PATCH", "/twins/d1", true, false},
    {"POST", "/twins/d1/methods", true, false},
    {"POST", "/devices/d1/applyConfigurationContent", true, false},
    {"GET", "/statistics/devices", false, true},
    {"GET", "/statistics/service", true, false},
    {"GET", "/selvage/events?partition=0", true, false},
    {"GET", "/selvage/events/partitions", true, false},
    {"POST", "/selvage/devices/d1/messages/devicebound", true, false},
    {"DELETE", "/devices/d1/commands", true, false},
    {"GET", "/messages/serviceBound/feedback", true, false},
    {"DELETE", "/messages/serviceBound/feedback/t", true, false},
    {"GET", "/selvage/certificates", false, true},
    {"PUT", "/selvage/certificates/a", false, false},
    {"DELETE", "/selvage/certificates/a", false, false},
    {"POST", "/selvage/certificates/a/verify", false, false},
};

TEST_F(ServiceTest, EachRouteAsksForItsPermission) {
    ASSERT_TRUE(put_device("d1"));
    for (const auto& row : kPermissions) {
        const auto status = [&](const std::string& key, const char* policy) {
            return ask_as(token(key, cloud::testing::kHubHost, policy), row.method, row.path, "{}").status;
        };
        EXPECT_EQ(status(service_key, "service") != 401, row.service) << row.method << " " << row.path;
        EXPECT_EQ(status(reader_key, "registryRead") != 401, row.reader) << row.method << " " << row.path;
        EXPECT_EQ(ask_as("", row.method, row.path).status, 401) << row.method << " " << row.path;
    }
}

TEST_F(ServiceTest, ADeviceManagesItsOwnModulesAndNobodyElses) {
    const auto device = put_device("d1");
    ASSERT_TRUE(put_device("d2"));
    const auto own = token(primary_key(*device), "hub.example/devices/d1");
    const auto made =
        ask_as(own, "PUT", "/devices/d1/modules/m1", R"({"moduleId":"m1","deviceId":"d1","managedBy":"IotEdge"})");
    ASSERT_EQ(made.status, 200) << made.body;
    EXPECT_FALSE(find_text(object(made), "generationId").empty());
    EXPECT_EQ(ask_as(own, "GET", "/devices/d1/modules/m1").status, 200);
    EXPECT_EQ(array(ask_as(own, "GET", "/devices/d1/modules")).size(), 1u);
    EXPECT_EQ(ask_as(own, "DELETE", "/devices/d1/modules/m1").status, 204);
    EXPECT_EQ(ask_as(own, "GET", "/devices/d2/modules").status, 401);
    EXPECT_EQ(ask_as(own, "GET", "/devices/d1").status, 401) << "the device itself is the registry's";
    EXPECT_EQ(ask_as(own, "GET", "/twins/d1").status, 401);
    const auto wrong = token(owner_key, "hub.example/devices/d1");
    EXPECT_EQ(ask_as(wrong, "GET", "/devices/d1/modules").status, 401);
    const auto ghost = token(owner_key, "hub.example/devices/ghost");
    EXPECT_EQ(ask_as(ghost, "GET", "/devices/ghost/modules").status, 401) << "an unknown device looks like a wrong key";
}

TEST_F(ServiceTest, TwinsComeGoAndAreReplaced) {
    ASSERT_TRUE(put_device("d1"));
    ASSERT_TRUE(put_module("d1", "m1"));
    const auto patched = ask("PATCH", "/twins/d1/modules/m1", R"({"properties":{"desired":{"a":1}}})");
    ASSERT_EQ(patched.status, 200) << patched.body;
    EXPECT_EQ(find_text(object(patched), "moduleId"), "m1");
    EXPECT_EQ(patched.headers.get("ETag"), "\"AAAAAAAAAAI=\"");
    EXPECT_EQ(ask("PUT", "/twins/d1/modules/m1", "{}", "\"AAAAAAAAAAE=\"").status, 412);
    EXPECT_EQ(ask("PUT", "/twins/d1/modules/m1", "{}", "\"AAAAAAAAAAI=\"").status, 200);
    EXPECT_EQ(ask("GET", "/twins/d1/modules/m2").headers.get("iothub-errorcode"), "ModuleNotFound");
    EXPECT_EQ(ask("GET", "/twins/d2/modules/m2").headers.get("iothub-errorcode"), "DeviceNotFound");
    EXPECT_EQ(ask("PATCH", "/twins/d1", R"({"tags":{"a b":1}})").headers.get("iothub-errorcode"), "ArgumentInvalid");
}

TEST_F(ServiceTest, MethodArgumentsAreChecked) {
    ASSERT_TRUE(put_device("d1"));
    for (const char* body :
         {"{}", R"({"methodName":"m","responseTimeoutInSeconds":0})",
          R"({"methodName":"m","connectTimeoutInSeconds":-1})", R"({"methodName":"m","responseTimeoutInSeconds":"5"})",
          R"({"methodName":"m","responseTimeoutInSeconds":3601})"}) {
        EXPECT_EQ(ask("POST", "/twins/d1/methods", body).headers.get("iothub-errorcode"), "ArgumentInvalid") << body;
    }
    EXPECT_EQ(ask("POST", "/twins/d1/methods", R"({"methodName":"m","payload":null,"responseTimeoutInSeconds":null})")
                  .headers.get("iothub-errorcode"),
              "DeviceNotOnline");
}

TEST_F(ServiceTest, AnEdgeHubSeesItsScopeAndActsOnlyBelowItself) {
    const auto edge = put_edge("e1");
    const auto scope = std::string(find_text(*edge, "deviceScope"));
    ASSERT_TRUE(put_device("leaf", {{"deviceScope", scope}}));
    const auto stranger = put_device("stranger");
    const std::string own = to_base64(std::string(32, 'e'));
    ASSERT_TRUE(put_module("e1", "$edgeHub", keys(own, own), any()));
    const auto hub_token = token(own, "hub.example/devices/e1/modules/$edgeHub");
    const std::string base = "/devices/e1/modules/%24edgeHub/";

    const auto page =
        ask_as(hub_token, "POST", base + "devicesAndModulesInTargetDeviceScope", R"({"pageSize":10,"authChain":"e1"})");
    ASSERT_EQ(page.status, 200) << page.body;
    EXPECT_EQ(find_array(object(page), "devices")->size(), 2u);
    EXPECT_EQ(find_array(object(page), "modules")->size(), 2u);
    EXPECT_TRUE(object(page).contains("continuationLink")) << "its reader insists on the member";

    const auto one = ask_as(hub_token, "POST", base + "getDeviceAndModuleOnBehalfOf",
                            R"({"targetDeviceId":"leaf","authChain":"e1"})");
    ASSERT_EQ(one.status, 200) << one.body;
    EXPECT_FALSE(primary_key(find_array(object(one), "devices")->front().get_object()).empty());
    EXPECT_EQ(ask_as(hub_token, "POST", base + "getDeviceAndModuleOnBehalfOf",
                     R"({"targetDeviceId":"stranger","authChain":"e1"})")
                  .status,
              401);
    EXPECT_EQ(ask_as(hub_token, "POST", base + "getDeviceAndModuleOnBehalfOf",
                     R"({"targetDeviceId":"ghost","authChain":"e1"})")
                  .status,
              404);

    const auto older =
        ask_as(hub_token, "GET", base + "devicesAndModulesInDeviceScope?deviceCount=1&continuationToken=");
    ASSERT_EQ(older.status, 200) << older.body;
    const std::string link(find_text(object(older), "continuationLink"));
    ASSERT_FALSE(link.empty());
    net::HttpRequest next;
    next.target = link;
    next.headers.set("Authorization", hub_token);
    const auto last = get(service->handle(std::move(next)));
    EXPECT_EQ(find_array(object(last), "devices")->size(), 1u) << last.body;
    EXPECT_TRUE(object(last).at("continuationLink").is_null());

    const auto foreign = token(primary_key(*stranger), "hub.example/devices/stranger");
    EXPECT_EQ(ask_as(foreign, "POST", base + "devicesAndModulesInTargetDeviceScope", R"({"authChain":"e1"})").status,
              401);
    EXPECT_EQ(ask_as(owner(), "POST", base + "devicesAndModulesInTargetDeviceScope", R"({"authChain":"e1"})").status,
              401);
}

TEST_F(ServiceTest, EventsAreReadFromWhereTheReaderIsAndWaitedFor) {
    const telemetry::Sender sender{
        .identity = Identity::of_device("a"), .generation_id = "g", .auth_method = "{}", .model_id = ""};
    const auto send = [&](const char* body) {
        domain::Message message;
        message.body = body;
        message.properties = {{"p", std::nullopt}};
        bool stored = false;
        events->append(sender, std::move(message), [&](const Result<>& done) { stored = done.has_value(); });
        ASSERT_TRUE(run_until([&] { return stored; }));
    };
    send("one");
    const auto first = array(ask("GET", "/selvage/events?partition=1&offset=0"));
    ASSERT_EQ(first.size(), 1u);
    EXPECT_EQ(find_text(first[0].get_object(), "body"), to_base64("one"));
    EXPECT_EQ(find_text(*find_object(first[0].get_object(), "systemProperties"), "iothub-connection-device-id"), "a");

    std::optional<net::HttpResponse> waiting;
    begin(service->handle(request("GET", "/selvage/events?partition=1&offset=1&wait=20", "", owner())), waiting);
    ASSERT_TRUE(run_until([&] { return time.next_wake().has_value(); }));
    EXPECT_FALSE(waiting);
    send("two");
    ASSERT_TRUE(run_until([&] { return waiting.has_value(); }));
    EXPECT_EQ(array(*waiting).size(), 1u);

    std::optional<net::HttpResponse> idle;
    begin(service->handle(request("GET", "/selvage/events?partition=1&offset=2&wait=20", "", owner())), idle);
    ASSERT_TRUE(run_until([&] { return time.next_wake().has_value(); }));
    time.advance(std::chrono::seconds(20));
    ASSERT_TRUE(run_until([&] { return idle.has_value(); }));
    EXPECT_EQ(idle->body, "[]");

    const auto partitions = array(ask("GET", "/selvage/events/partitions?time=2026-03-01T00:00:00Z"));
    ASSERT_EQ(partitions.size(), 4u);
    EXPECT_EQ(find_integer(partitions[1].get_object(), "end"), 2);
    EXPECT_EQ(find_integer(partitions[1].get_object(), "offset"), 0);
    for (const char* query : {"partition=4", "partition=-1", "partition=x", "partition=0&offset=-1", ""}) {
        EXPECT_EQ(ask("GET", std::string("/selvage/events?") + query).status, 400) << query;
    }
}

TEST_F(ServiceTest, AMessageForADeviceIsQueuedCountedAndPurged) {
    ASSERT_TRUE(put_device("d1"));
    const std::string to = "/selvage/devices/d1/messages/devicebound";
    auto plain = request("POST", to, "bytes", owner());
    plain.headers.set("IoTHub-MessageId", "m1");
    plain.headers.set("iothub-ack", "full");
    plain.headers.set("iothub-app-a", "1");
    const auto sent = get(service->handle(std::move(plain)));
    ASSERT_EQ(sent.status, 200) << sent.body;
    EXPECT_GT(find_integer(object(sent), "sequenceNumber"), 0);
    EXPECT_EQ(find_text(object(sent), "expiryTimeUtc"), "2026-03-01T01:00:00.0000000Z");
    auto form = request("POST", to, R"([{"body":"aGk=","properties":{"iothub-app-ü":"é"}}])", owner());
    form.headers.set("Content-Type", "application/vnd.microsoft.iothub.json; charset=utf-8");
    ASSERT_EQ(get(service->handle(std::move(form))).status, 200);
    EXPECT_EQ(find_integer(object(ask("GET", "/devices/d1")), "cloudToDeviceMessageCount"), 2);
    EXPECT_EQ(find_integer(object(ask("GET", "/twins/d1")), "cloudToDeviceMessageCount"), 2);

    const auto waiting = get(mail->next({"d1", std::string(find_text(object(ask("GET", "/devices/d1")), "generationId"))}, {},
                                        time.utc_now(), 9, 1 << 20));
    ASSERT_EQ(waiting->size(), 2u);
    const auto first = domain::read_record((*waiting)[0].record).value();
    EXPECT_EQ(first.body, "bytes");
    EXPECT_EQ(first.properties, (std::vector<domain::Property>{{"a", "1"}}));
    const auto second = domain::read_record((*waiting)[1].record).value();
    EXPECT_EQ(second.body, "hi");
    EXPECT_EQ(second.properties, (std::vector<domain::Property>{{"ü", "é"}}));

    const auto purged = object(ask("DELETE", "/devices/d1/commands"));
    EXPECT_EQ(find_text(purged, "deviceId"), "d1");
    EXPECT_TRUE(purged.at("moduleId").is_null());
    EXPECT_EQ(find_integer(purged, "totalMessagesPurged"), 2);

    const auto batch = ask("GET", "/messages/serviceBound/feedback");
    ASSERT_EQ(batch.status, 200);
    ASSERT_EQ(array(batch).size(), 1u) << "the second had no message id and asked for none";
    EXPECT_EQ(find_text(array(batch)[0].get_object(), "statusCode"), "Purged");
    std::string token(batch.headers.get("ETag"));
    ASSERT_GT(token.size(), 2u);
    token = token.substr(1, token.size() - 2);
    EXPECT_EQ(ask("GET", "/messages/serviceBound/feedback").status, 204);
    EXPECT_EQ(ask("POST", "/messages/servicebound/feedback/" + token + "/abandon").status, 204);
    const auto lost = ask("DELETE", "/messages/serviceBound/feedback/" + token);
    EXPECT_EQ(lost.status, 412);
    EXPECT_EQ(lost.headers.get("iothub-errorcode"), "DeviceMessageLockLost");
}

TEST_F(ServiceTest, AMessageThatCannotBeQueuedIsRefusedWithItsReason) {
    ASSERT_TRUE(put_device("d1"));
    const std::string to = "/selvage/devices/d1/messages/devicebound";
    EXPECT_EQ(ask("POST", "/selvage/devices/nobody/messages/devicebound", "x").headers.get("iothub-errorcode"),
              "DeviceNotFound");
    EXPECT_EQ(ask("POST", to, std::string(65'537, 'x')).status, 413);
    auto past = request("POST", to, "x", owner());
    past.headers.set("iothub-expiry", "2026-02-01T00:00:00Z");
    EXPECT_EQ(get(service->handle(std::move(past))).status, 400);
    for (const char* body : {"[]", "{}", R"([{"body":"?"}])", R"([{},{}])"}) {
        auto form = request("POST", to, body, owner());
        form.headers.set("Content-Type", "application/vnd.microsoft.iothub.json");
        EXPECT_EQ(get(service->handle(std::move(form))).status, 400) << body;
    }
    for (int i = 0; i < 5; ++i) ASSERT_EQ(ask("POST", to, "x").status, 200);
    const auto full = ask("POST", to, "x");
    EXPECT_EQ(full.status, 403);
    EXPECT_EQ(full.headers.get("iothub-errorcode"), "DeviceMaximumQueueDepthExceeded");
    EXPECT_EQ(ask("GET", to).status, 501);
}

TEST_F(ServiceTest, ACaIsAddedProvedListedAndRemovedAndItsDevicesAreDropped) {
    const auto make = [&](const std::string& name, const security::KeyPairPem* issuer, bool is_ca) {
        return security::make_certificate({.common_name = name, .is_ca = is_ca}, issuer, time.utc_now(), random).value();
    };
    const auto root = make("root", nullptr, true);
    const auto certificate = [](const std::string& pem) { return to_text(JsonObject{{"certificate", pem}}); };
    const std::string path = "/selvage/certificates/root";
    const auto put = ask("PUT", path, to_text(JsonObject{{"properties", JsonObject{{"certificate", root.certificate_pem}}}}));
    ASSERT_EQ(put.status, 200) << put.body;
    EXPECT_FALSE(find_bool(*find_object(object(put), "properties"), "isVerified"));
    EXPECT_EQ(ask("POST", path + "/verify", certificate(root.certificate_pem)).status, 412);
    const auto asked = object(ask("POST", path + "/verificationCode"));
    const std::string code(find_text(*find_object(asked, "properties"), "verificationCode"));
    EXPECT_EQ(ask("POST", path + "/verify", certificate(make("x", &root, false).certificate_pem)).status, 400);
    const auto proved = ask("POST", path + "/verify", certificate(make(code, &root, false).certificate_pem));
    ASSERT_EQ(proved.status, 200) << proved.body;
    const auto listed = object(ask("GET", "/selvage/certificates"));
    ASSERT_EQ(find_array(listed, "value")->size(), 1u);
    EXPECT_TRUE(find_bool(*find_object((*find_array(listed, "value"))[0].get_object(), "properties"), "isVerified"));

    ASSERT_TRUE(put_device("by-ca", {{"authentication", JsonObject{{"type", "certificateAuthority"}}}}));
    ASSERT_TRUE(put_device("by-key"));
    const auto by_ca = connect(Identity::of_device("by-ca"));
    const auto by_key = connect(Identity::of_device("by-key"));
    EXPECT_EQ(ask("DELETE", path).status, 204);
    EXPECT_EQ(by_ca->closed, hub_api::CloseReason::unauthorized);
    EXPECT_FALSE(by_key->closed);
    EXPECT_EQ(ask("DELETE", path).status, 404);
    EXPECT_EQ(ask("GET", path).status, 404);
}

TEST_F(ServiceTest, UnknownPathsAndWhatIsNotBuiltSaySo) {
    EXPECT_EQ(ask("GET", "/nonsense").status, 404);
    EXPECT_EQ(ask("POST", "/devices/query", R"({"query":"SELECT * FROM devices"})").status, 501);
    EXPECT_EQ(ask("POST", "/twins/d1", "{}").status, 501);
}

}  // namespace
}  // namespace selvage::cloud::service_http
