#include "cloud/hub/cloud_hub.h"

#include <gtest/gtest.h>

#include "cloud/hub/tests/hub_fixture.h"

namespace selvage::cloud::hub {
namespace {

using domain::Identity;
using hub_api::CloseReason;
using hub_api::Feed;

struct CloudHubTest : cloud::testing::HubFixture {
    const Identity d1 = Identity::of_device("d1");
    std::string key;
    void SetUp() override {
        HubFixture::SetUp();
        const auto device = put_device("d1");
        ASSERT_TRUE(device);
        key = primary_key(*device);
    }
    using Answer = std::optional<Result<domain::MethodResponse>>;
    static domain::MethodRequest request(std::chrono::seconds connect = std::chrono::seconds(0)) {
        return {.name = "reboot",
                .payload = R"({"now":true})",
                .response_timeout = std::chrono::seconds(30),
                .connect_timeout = connect};
    }
};

TEST_F(CloudHubTest, ASecondConnectionReplacesTheFirstWhoseSessionIsThenOver) {
    auto first = open(d1, key);
    auto second = open(d1, key);
    EXPECT_EQ(first.sink->closed, CloseReason::replaced);
    EXPECT_EQ(get(first.session->get_twin()).error().code, Errc::connection_closed);
    first.session.reset();
    EXPECT_TRUE(get(second.session->get_twin())) << "the end of the first took the second along";
    EXPECT_EQ(find_text(*get(registry->device("d1")), "connectionState"), "Connected");
    second.session.reset();
    EXPECT_EQ(find_text(*get(registry->device("d1")), "connectionState"), "Disconnected");
}

TEST_F(CloudHubTest, ASessionForOneRequestStandsBesideTheConnection) {
    const auto transient = [&] {
        hub_api::ConnectionInfo info{.protocol = "https", .remote_address = "", .product_info = "", .model_id = ""};
        info.transient = true;
        auto opened = get(hub->open(*grant(d1, key), info, std::weak_ptr<hub_api::DeviceSink>()));
        EXPECT_TRUE(opened) << opened.error().detail;
        return *std::move(opened);
    };
    EXPECT_EQ(find_text(*get(registry->device("d1")), "connectionState"), "Disconnected");
    const auto before = time.utc_now();
    auto alone = transient();
    std::optional<Result<>> sent;
    alone->send_telemetry(domain::Message{.body = "x", .properties = {}, .system = {}}, [&](const Result<>& done) { sent = done; });
    ASSERT_TRUE(run_until([&] { return sent.has_value(); }));
    EXPECT_TRUE(*sent);
    EXPECT_EQ(get(alone->subscribe(Feed::methods, true)).error().code, Errc::unsupported);
    EXPECT_TRUE(get(alone->subscribe(Feed::c2d, true)));
    // Times are stored together, now and then.
    ASSERT_TRUE(run_until([&] {
        if (time.utc_now() < before + std::chrono::minutes(1)) time.advance(std::chrono::seconds(1));
        return get(store->connection(d1))->last_activity != UtcTime{};
    }));
    const auto seen = get(store->connection(d1));
    EXPECT_EQ(seen->last_activity, before);
    EXPECT_EQ(seen->connected_changed, UtcTime{}) << "a request is no connection";

    auto connection = open(d1, key);
    alone.reset();
    transient().reset();
    EXPECT_FALSE(connection.sink->closed) << "a request took the connection's place";
    EXPECT_TRUE(get(connection.session->get_twin()));
    EXPECT_EQ(find_text(*get(registry->device("d1")), "connectionState"), "Connected");
}

TEST_F(CloudHubTest, AnIdentityThatWasTakenAwayAfterItsProofDoesNotGetIn) {
    const auto proven = grant(d1, key);
    ASSERT_TRUE(proven);
    const auto sink = std::make_shared<cloud::testing::RecordingSink>();
    const hub_api::ConnectionInfo info{.protocol = "", .remote_address = "", .product_info = "", .model_id = ""};
    ASSERT_TRUE(put_device("d1", {{"status", "disabled"}}, any()));
    EXPECT_EQ(get(hub->open(*proven, info, sink)).error().code, Errc::device_disabled);
    ASSERT_TRUE(get(registry->remove_device("d1", any())));
    EXPECT_EQ(get(hub->open(*proven, info, sink)).error().code, Errc::device_not_found);
    ASSERT_TRUE(put_device("d1"));
    EXPECT_EQ(get(hub->open(*proven, info, sink)).error().code, Errc::unauthorized) << "another generation";
    EXPECT_EQ(sessions.size(), 0u);
}

TEST_F(CloudHubTest, AnswersToTelemetryKeepTheOrderOfTheCallsRefusalsToo) {
    auto device = open(d1, key);
    std::vector<std::string> order;
    const auto send = [&](const char* name, std::size_t bytes) {
        domain::Message message;
        message.body.assign(bytes, 'x');
        device.session->send_telemetry(std::move(message), [&order, name](const Result<>& stored) {
            order.push_back(std::string(name) + (stored                                           ? " stored"
                                                 : stored.error().code == Errc::message_too_large ? " too large"
                                                                                                  : " ?"));
        });
    };
    send("1", 10);
    send("2", domain::kMessageBytesMax + 1);
    send("3", 10);
    ASSERT_TRUE(run_until([&] { return order.size() == 3; }));
    EXPECT_EQ(order, (std::vector<std::string>{"1 stored", "2 too large", "3 stored"}));
    order.clear();
    send("4", domain::kMessageBytesMax + 1);
    ASSERT_TRUE(run_until([&] { return !order.empty(); }));
    EXPECT_EQ(order, (std::vector<std::string>{"4 too large"}));
}

TEST_F(CloudHubTest, AMethodGoesToTheListeningDeviceAndItsAnswerComesBack) {
    auto device = open(d1, key);
    ASSERT_TRUE(get(device.session->subscribe(Feed::methods, true)));
    Answer answer;
    begin(hub->invoke_method(d1, request()), answer);
    ASSERT_TRUE(run_until([&] { return !device.sink->methods.empty(); }));
    EXPECT_EQ(device.sink->methods[0].second.name, "reboot");
    EXPECT_EQ(device.sink->methods[0].second.payload, R"({"now":true})");
    device.session->answer_method("not this one", {.status = 1, .payload = ""});
    device.session->answer_method(device.sink->methods[0].first, {.status = 503, .payload = R"({"busy":1})"});
    ASSERT_TRUE(run_until([&] { return answer.has_value(); }));
    ASSERT_TRUE(*answer) << answer->error().detail;
    EXPECT_EQ((*answer)->status, 503);
    EXPECT_EQ((*answer)->payload, R"({"busy":1})");
}

TEST_F(CloudHubTest, MethodsFailForTheReasonThatApplies) {
    EXPECT_EQ(get(hub->invoke_method(Identity::of_device("nobody"), request())).error().code, Errc::device_not_found);
    EXPECT_EQ(get(hub->invoke_method(Identity::of_module("d1", "m"), request())).error().code, Errc::module_not_found);
    EXPECT_EQ(get(hub->invoke_method(d1, request())).error().code, Errc::not_online);
    auto device = open(d1, key);
    EXPECT_EQ(get(hub->invoke_method(d1, request())).error().code, Errc::not_online) << "connected, but not listening";
    ASSERT_TRUE(get(device.session->subscribe(Feed::methods, true)));

    Answer silent;
    begin(hub->invoke_method(d1, request()), silent);
    ASSERT_TRUE(run_until([&] { return device.sink->methods.size() == 1; }));
    time.advance(std::chrono::seconds(30));
    ASSERT_TRUE(run_until([&] { return silent.has_value(); }));
    EXPECT_EQ(silent->error().code, Errc::timeout);

    Answer nonsense;
    begin(hub->invoke_method(d1, request()), nonsense);
    ASSERT_TRUE(run_until([&] { return device.sink->methods.size() == 2; }));
    device.session->answer_method(device.sink->methods[1].first, {.status = 200, .payload = "{no json"});
    ASSERT_TRUE(run_until([&] { return nonsense.has_value(); }));
    EXPECT_EQ(nonsense->error().code, Errc::bad_device_response);

    Answer gone;
    begin(hub->invoke_method(d1, request()), gone);
    ASSERT_TRUE(run_until([&] { return device.sink->methods.size() == 3; }));
    device.session.reset();
    ASSERT_TRUE(run_until([&] { return gone.has_value(); }));
    EXPECT_EQ(gone->error().code, Errc::connection_closed);
}

TEST_F(CloudHubTest, AMethodEndsWithASinkThatOwnsItsSession) {
    struct Owner {
        cloud::testing::RecordingSink sink;
        std::unique_ptr<hub_api::DeviceSession> session;
    };
    auto owner = std::make_shared<Owner>();
    auto session = get(hub->open(grant(d1, key).value(),
                                 {.protocol = "test", .remote_address = "", .product_info = "", .model_id = ""},
                                 std::shared_ptr<hub_api::DeviceSink>(owner, &owner->sink)));
    ASSERT_TRUE(session) << session.error().detail;
    owner->session = *std::move(session);
    ASSERT_TRUE(get(owner->session->subscribe(Feed::methods, true)));
    Answer answer;
    begin(hub->invoke_method(d1, request()), answer);
    ASSERT_TRUE(run_until([&] { return !owner->sink.methods.empty(); }));
    owner.reset();
    ASSERT_TRUE(run_until([&] { return answer.has_value(); }));
    EXPECT_EQ(answer->error().code, Errc::connection_closed);
}

TEST_F(CloudHubTest, AMethodWaitsForTheDeviceAsLongAsItMay) {
    Answer answer;
    begin(hub->invoke_method(d1, request(std::chrono::seconds(20))), answer);
    ASSERT_TRUE(run_until([&] { return time.next_wake().has_value(); }));
    auto device = open(d1, key);
    ASSERT_TRUE(get(device.session->subscribe(Feed::methods, true)));
    ASSERT_TRUE(run_until([&] { return !device.sink->methods.empty(); }));
    device.session->answer_method(device.sink->methods[0].first, {.status = 200, .payload = ""});
    ASSERT_TRUE(run_until([&] { return answer.has_value(); }));
    EXPECT_TRUE(*answer);

    Answer late;
    device.session.reset();
    begin(hub->invoke_method(d1, request(std::chrono::seconds(20))), late);
    const auto began = time.now();
    ASSERT_TRUE(run_until([&] {
        time.advance(std::chrono::seconds(1));
        return late.has_value();
    }));
    EXPECT_GE(time.now() - began, std::chrono::seconds(20));
    EXPECT_EQ(late->error().code, Errc::not_online);
}

TEST_F(CloudHubTest, DesiredChangesGoOnlyToThoseWhoAskedForThem) {
    auto device = open(d1, key);
    const JsonObject patch{{"properties", JsonObject{{"desired", JsonObject{{"a", 1}}}}}};
    ASSERT_TRUE(get(twins->change(d1, patch, twins::ChangeKind::patch, {})));
    EXPECT_TRUE(device.sink->desired.empty());
    ASSERT_TRUE(get(device.session->subscribe(Feed::desired, true)));
    ASSERT_TRUE(get(twins->change(d1, patch, twins::ChangeKind::patch, {})));
    EXPECT_EQ(device.sink->desired.size(), 1u);
    ASSERT_TRUE(get(device.session->subscribe(Feed::desired, false)));
    ASSERT_TRUE(get(twins->change(d1, patch, twins::ChangeKind::patch, {})));
    EXPECT_EQ(device.sink->desired.size(), 1u);
}

TEST_F(CloudHubTest, FiltersOfAnMqttSessionOutliveTheConnection) {
    EXPECT_EQ(get(hub->load_filters(d1)).value(), std::nullopt);
    const std::vector<hub_api::StoredFilter> filters{{.filter = "$iothub/twin/res/#", .qos = 0},
                                                     {.filter = "a", .qos = 1}};
    ASSERT_TRUE(get(hub->save_filters(d1, filters)));
    EXPECT_EQ(get(hub->load_filters(d1)).value(), filters);
    ASSERT_TRUE(get(hub->save_filters(d1, {})));
    EXPECT_EQ(get(hub->load_filters(d1)).value(), std::vector<hub_api::StoredFilter>{});
    ASSERT_TRUE(get(hub->forget_filters(d1)));
    EXPECT_EQ(get(hub->load_filters(d1)).value(), std::nullopt);
}

TEST_F(CloudHubTest, MessagesForTheDeviceComeAndAreSettledThroughItsSession) {
    const auto send = [&](const char* body) { ASSERT_TRUE(get(mailboxes->send("d1", {.body = body, .properties = {}, .system = {}}))); };
    send("1");
    auto first = open(d1, key);
    first.session->set_window(Feed::c2d, 10);
    ASSERT_TRUE(get(first.session->subscribe(Feed::c2d, true)));
    ASSERT_EQ(first.sink->deliveries.size(), 1u) << "there when the subscription is answered";
    send("2");
    ASSERT_TRUE(run_until([&] { return first.sink->deliveries.size() == 2; }));
    EXPECT_TRUE(first.session->settle(first.sink->deliveries[0].token, hub_api::Outcome::completed));
    EXPECT_FALSE(first.session->settle(12345, hub_api::Outcome::completed));

    auto second = open(d1, key);
    EXPECT_FALSE(first.session->settle(first.sink->deliveries[1].token, hub_api::Outcome::completed)) << "it was replaced";
    send("3");
    second.session->set_window(Feed::c2d, 10);
    ASSERT_TRUE(get(second.session->subscribe(Feed::c2d, true)));
    first.session.reset();
    ASSERT_TRUE(run_until([&] { return second.sink->deliveries.size() == 2; }));
    EXPECT_EQ(first.sink->deliveries.size(), 2u);
    EXPECT_EQ(second.sink->deliveries[1].message.body, "2") << "what the first left unsettled";
    ASSERT_TRUE(get(second.session->subscribe(Feed::c2d, false)));
    EXPECT_EQ(find_integer(*get(registry->device("d1")), "cloudToDeviceMessageCount"), 2);
}

TEST_F(CloudHubTest, TheTwinNamesTheModelThatTheDeviceAnnouncedAndActivityIsExact) {
    hub_api::ConnectionInfo info{.protocol = "", .remote_address = "", .product_info = "", .model_id = "dtmi:x;1"};
    const auto sink = std::make_shared<cloud::testing::RecordingSink>();
    auto session = *get(hub->open(*grant(d1, key), info, sink));
    EXPECT_EQ(find_text(*get(twins->service_document(d1)), "modelId"), "dtmi:x;1");
    const auto opened = time.utc_now();
    const auto activity = [&] { return get(sessions::IdentityFacts(*store, *mail, sessions).of(d1, "")).connection.last_activity; };
    EXPECT_EQ(activity(), opened);
    time.advance(std::chrono::seconds(5));
    EXPECT_EQ(activity(), opened);
    session->answer_method("late", {.status = 200, .payload = ""});
    EXPECT_EQ(activity(), opened + std::chrono::seconds(5));
    time.advance(std::chrono::seconds(5));
    session.reset();
    EXPECT_EQ(activity(), opened + std::chrono::seconds(5)) << "before it is stored";
    EXPECT_NE(get(store->connection(d1))->connected_changed, opened + std::chrono::seconds(10));
    time.advance(std::chrono::seconds(1));
    ASSERT_TRUE(run_until([&] { return get(store->connection(d1))->connected_changed == opened + std::chrono::seconds(10); }));
    EXPECT_EQ(activity(), opened + std::chrono::seconds(5)) << "leaving is no activity";
    EXPECT_EQ(find_text(*get(twins->service_document(d1)), "modelId"), "dtmi:x;1") << "without a connection too";
}

TEST_F(CloudHubTest, StoppingClosesEveryConnection) {
    auto device = open(d1, key);
    async::testing::run(loop, hub->stop());
    EXPECT_EQ(device.sink->closed, CloseReason::shutting_down);
    device.session.reset();
}

}  // namespace
}  // namespace selvage::cloud::hub
