#include "heads/mqtt/tests/harness.h"

namespace selvage::heads::mqtt {
namespace {

using namespace testing;
using domain::SystemProperty;
using hub_api::Feed;

constexpr const char* kDevicebound = "devices/d1/messages/devicebound/#";
constexpr const char* kTo = "%24.to=%2Fdevices%2Fd1%2Fmessages%2Fdevicebound";

class MqttSubscription : public HeadTest {
public:
    static domain::Message message(std::string body, std::string input = {}) {
        domain::Message made;
        made.body = std::move(body);
        if (!input.empty()) made.set(SystemProperty::input_name, std::move(input));
        return made;
    }
};

TEST_F(MqttSubscription, IsGrantedAfterItIsInEffect) {
    Client& client = connected(connect_as("d1"));
    client.send(packets::Subscribe{9, {{kDevicebound, 2}, {"$iothub/methods/POST/#", 0}, {"devices/d2/messages/devicebound/#", 1},
                                       {"#", 0}, {"$iothub/twin/PATCH/properties/desired/#", 1}}});
    EXPECT_EQ(client.received_text(), "SUBACK 9 1,0,128,128,1");
    EXPECT_EQ(hub.calls, (std::vector<std::string>{"c2d on", "methods on", "desired on", "window c2d 64"}));
    EXPECT_EQ(hub.stored, (std::vector<hub_api::StoredFilter>{
                              {kDevicebound, 1}, {"$iothub/methods/POST/#", 0}, {"$iothub/twin/PATCH/properties/desired/#", 1}}));
}

TEST_F(MqttSubscription, IsRefusedWhenTheHubSaysNoOrThereAreTooMany) {
    Client& client = connected(connect_as("d1"), {.filters_max = 2});
    hub.subscribe_error = Error{Errc::unavailable, "not now"};
    client.send(packets::Subscribe{1, {{kDevicebound, 1}}});
    EXPECT_EQ(client.received_text(), "SUBACK 1 128");
    hub.subscribe_error.reset();
    client.send(packets::Subscribe{2, {{kDevicebound, 1}, {"$iothub/methods/POST/#", 1}, {"$iothub/twin/res/#", 1}, {kDevicebound, 0}}});
    EXPECT_EQ(client.received_text(), "SUBACK 2 1,1,128,0") << "a filter may be given again";
}

TEST_F(MqttSubscription, EndsWithUnsubscribe) {
    Client& client = connected(connect_as("d1"));
    client.send(packets::Subscribe{1, {{kDevicebound, 1}}});
    hub.calls.clear();
    client.send(packets::Unsubscribe{2, {kDevicebound, "never there"}});
    EXPECT_EQ(client.received_text(), "SUBACK 1 1\nUNSUBACK 2");
    EXPECT_EQ(hub.calls, (std::vector<std::string>{"window c2d 0", "c2d off"}));
    EXPECT_EQ(hub.stored, std::vector<hub_api::StoredFilter>{});
    hub.calls.clear();
    hub.deliver(Feed::c2d, 5, message("late"));
    settle_down();
    EXPECT_EQ(hub.calls, std::vector<std::string>{"settle 5 abandoned"}) << "it was on its way and must not be lost";
}

TEST_F(MqttSubscription, IsNotStoredInACleanSession) {
    Client& client = connected(connect_as("d1", true));
    client.send(packets::Subscribe{1, {{kDevicebound, 1}}});
    EXPECT_EQ(client.received_text(), "SUBACK 1 1");
    EXPECT_FALSE(hub.stored);
}

TEST_F(MqttSubscription, DeliversWithDistinctPacketIdsAndCompletesOnPuback) {
    Client& client = connected(connect_as("d1"));
    client.send(packets::Subscribe{1, {{kDevicebound, 1}}});
    client.received();
    hub.calls.clear();
    hub.deliver(Feed::c2d, 11, message("a"));
    hub.deliver(Feed::c2d, 12, message("b"));
    settle_down();
    EXPECT_EQ(client.received_text(), fmt::format("PUBLISH q1 #1 devices/d1/messages/devicebound/{0}|a\n"
                                                  "PUBLISH q1 #2 devices/d1/messages/devicebound/{0}|b", kTo));
    EXPECT_TRUE(hub.calls.empty());
    client.send(packets::Puback{2});
    client.send(packets::Puback{77});
    client.send(packets::Puback{1});
    client.send(packets::Puback{1});
    EXPECT_EQ(hub.calls, (std::vector<std::string>{"settle 12 completed", "settle 11 completed"}));
}

TEST_F(MqttSubscription, OfQos0CompletesWhenTheBytesAreWritten) {
    Client& client = connected(connect_as("d1"));
    client.send(packets::Subscribe{1, {{kDevicebound, 0}}});
    client.received();
    hub.calls.clear();
    hub.deliver(Feed::c2d, 11, message("a"));
    EXPECT_TRUE(hub.calls.empty());
    settle_down();
    EXPECT_EQ(client.received_text(), fmt::format("PUBLISH q0 #0 devices/d1/messages/devicebound/{}|a", kTo));
    EXPECT_EQ(hub.calls, std::vector<std::string>{"settle 11 completed"});
}

Awaitable<> read_bytes(std::shared_ptr<net::Stream> stream, std::size_t count) {
    std::array<std::byte, 4096> buffer;
    while (count > 0) {
        const auto read = co_await stream->read_some(std::span(buffer).first(std::min(buffer.size(), count)));
        if (!read || *read == 0) co_return;
        count -= *read;
    }
}

TEST_F(MqttSubscription, OfQos0WaitsForItsOwnBytesWhenTheClientIsSlow) {
    Client& client = connected(connect_as("d1"));
    client.send(packets::Subscribe{1, {{kDevicebound, 0}}});
    client.stop_reading();
    client.send(packets::Pingreq{});   // the last that it reads by itself
    hub.calls.clear();
    for (const hub_api::LockToken token : {11u, 12u}) {
        hub.deliver(Feed::c2d, token, message(std::string(100'000, 'x')));
        settle_down();
    }
    EXPECT_EQ(hub.calls, std::vector<std::string>{});
    async::spawn_root(loop.get_executor(), read_bytes(client.stream, 100'100), [] {});
    settle_down();
    EXPECT_EQ(hub.calls, std::vector<std::string>{"settle 11 completed"});
}

TEST_F(MqttSubscription, DeliversInputsWithTheirSender) {
    Client& client = connected(connect_as("d1/m1"));
    client.send(packets::Subscribe{1, {{"devices/d1/modules/m1/#", 1}}});
    client.received();
    auto input = message("x", "in1");
    input.set(SystemProperty::connection_device_id, "d1");
    input.set(SystemProperty::connection_module_id, "sensor");
    hub.deliver(Feed::inputs, 1, input);
    settle_down();
    EXPECT_EQ(client.received_text(), "PUBLISH q1 #1 devices/d1/modules/m1/inputs/in1/%24.cdid=d1&%24.cmid=sensor|x");
}

TEST_F(MqttSubscription, RejectsWhatCannotBeCarried) {
    Client& client = connected(connect_as("d1/m1"));
    client.send(packets::Subscribe{1, {{"devices/d1/modules/m1/inputs/in1/#", 1}}});
    client.received();
    hub.calls.clear();
    auto large = message("x", "in1");
    large.properties = {{"k", std::string(70000, 'v')}};
    hub.deliver(Feed::inputs, 1, large);
    hub.deliver(Feed::inputs, 2, message("x", "in2"));
    hub.deliver(Feed::inputs, 3, message("y", "in1"));
    settle_down();
    EXPECT_EQ(hub.calls, (std::vector<std::string>{"settle 1 rejected", "settle 2 rejected"}));
    EXPECT_EQ(client.received().size(), 1u);
    EXPECT_FALSE(client.closed);
}

TEST_F(MqttSubscription, LetsLargeDeliveriesWaitForTheReader) {
    Client& client = connected(connect_as("d1"));
    client.send(packets::Subscribe{1, {{kDevicebound, 1}}});
    client.received();
    // Far over outbound_bytes_max together, but within the window.
    for (hub_api::LockToken token = 1; token <= 64; ++token) hub.deliver(Feed::c2d, token, message(std::string(200'000, 'x')));
    settle_down();
    EXPECT_EQ(client.received().size(), 64u);
    EXPECT_FALSE(client.closed);
}

TEST_F(MqttSubscription, LeavesUnacknowledgedDeliveriesToTheHub) {
    Client& client = connected(connect_as("d1"));
    client.send(packets::Subscribe{1, {{kDevicebound, 1}}});
    hub.calls.clear();
    hub.deliver(Feed::c2d, 1, message("a"));
    settle_down();
    client.close();
    EXPECT_TRUE(hub.calls.empty());
    EXPECT_EQ(hub.closed_sessions, 1);
}

TEST_F(MqttSubscription, CallsMethodsAndHandsBackTheAnswer) {
    Client& client = connected(connect_as("d1"));
    hub.sink.lock()->invoke_method("r0", {.name = "early", .payload = {}});
    client.send(packets::Subscribe{1, {{"$iothub/methods/POST/reboot/#", 1}}});
    hub.calls.clear();
    hub.sink.lock()->invoke_method("r1", {.name = "reboot", .payload = R"({"now":true})"});
    hub.sink.lock()->invoke_method("r2", {.name = "other", .payload = {}});
    settle_down();
    EXPECT_EQ(client.received_text(), "SUBACK 1 1\nPUBLISH q0 #0 $iothub/methods/POST/reboot/?$rid=r1|{\"now\":true}");
    client.send(telemetry_of("$iothub/methods/res/-3/?$rid=r1", "[1]", 0));
    EXPECT_EQ(hub.calls, std::vector<std::string>{"answer r1 -3 [1]"});
}

}  // namespace
}  // namespace selvage::heads::mqtt
