#include "base/json.h"
#include "heads/mqtt/tests/harness.h"

namespace selvage::heads::mqtt {
namespace {

using namespace testing;

class MqttTwin : public HeadTest {
public:
    Client& subscribed() {
        Client& client = connected(connect_as("d1"));
        client.send(packets::Subscribe{1, {{"$iothub/twin/res/#", 0}}});
        EXPECT_EQ(client.received_text(), "SUBACK 1 0");
        return client;
    }
};

TEST_F(MqttTwin, IsAnsweredInTheFormOfTheSdks) {
    Client& client = subscribed();
    client.send(telemetry_of("$iothub/twin/GET/?$rid=ab-1", " ", 0));
    client.send(telemetry_of("$iothub/twin/PATCH/properties/reported/?$rid=2&$version=4", R"({"a":1})", 7));
    EXPECT_EQ(client.received_text(), "PUBLISH q0 #0 $iothub/twin/res/200/?$rid=ab-1|" + hub.twin +
                                          "\nPUBACK 7\nPUBLISH q0 #0 $iothub/twin/res/204/?$rid=2&$version=2|");
    EXPECT_EQ(hub.calls, (std::vector<std::string>{"get twin", R"(patch {"a":1} if 4)"}));
}

TEST_F(MqttTwin, RunsRequestsInTheirOrder) {
    Client& client = subscribed();
    std::string burst;
    for (int i = 0; i < 40; ++i)
        burst += bytes_of(telemetry_of("$iothub/twin/PATCH/properties/reported/?$rid=" + std::to_string(i), std::to_string(i), 0));
    client.send_bytes(burst);
    ASSERT_EQ(hub.calls.size(), 40u);
    for (std::size_t i = 0; i < 40; ++i) EXPECT_EQ(hub.calls[i], "patch " + std::to_string(i));
    EXPECT_EQ(client.received().size(), 40u);
}

TEST_F(MqttTwin, SaysWhatWentWrongInTopicAndBody) {
    Client& client = subscribed();
    hub.twin_error = Error{Errc::invalid_argument, "/a/b: string of 5000 bytes, at most 4096"};
    client.send(telemetry_of("$iothub/twin/PATCH/properties/reported/?$rid=2", "{}", 0));
    const std::string text = client.received_text();
    const std::string start = "PUBLISH q0 #0 $iothub/twin/res/400/?$rid=2|";
    ASSERT_EQ(text.substr(0, start.size()), start);
    const auto body = parse_json_object(text.substr(start.size()));
    ASSERT_TRUE(body);
    EXPECT_EQ(find_integer(*body, "errorCode"), 400004);
    EXPECT_EQ(find_text(*body, "message"), "/a/b: string of 5000 bytes, at most 4096");
    EXPECT_EQ(find_text(*body, "timestampUtc"), "2026-01-01T00:00:00.0000000Z");
    EXPECT_EQ(find_text(*body, "trackingId").size(), 36u);
}

TEST_F(MqttTwin, KeepsItsOwnFailuresToItself) {
    Client& client = subscribed();
    hub.twin_error = Error{Errc::io_error, "open /var/lib/secret: no"};
    client.send(telemetry_of("$iothub/twin/GET/?$rid=2", "", 0));
    const std::string text = client.received_text();
    EXPECT_NE(text.find("/twin/res/500/?$rid=2|"), std::string::npos) << text;
    EXPECT_EQ(text.find("secret"), std::string::npos);
}

TEST_F(MqttTwin, IsSilentToThoseWhoDoNotListen) {
    Client& client = connected(connect_as("d1"));
    client.send(telemetry_of("$iothub/twin/GET/?$rid=1", "", 5));
    EXPECT_EQ(client.received_text(), "PUBACK 5");
    Client& listening = subscribed();
    listening.send(telemetry_of("$iothub/twin/PATCH/properties/reported/", "{}", 0));
    EXPECT_TRUE(listening.received().empty()) << "a patch without a request id wants no answer";
    EXPECT_EQ(hub.calls.back(), "patch {}");
}

TEST_F(MqttTwin, TellsDesiredChangesToSubscribersOnly) {
    Client& client = connected(connect_as("d1"));
    hub.sink.lock()->desired_changed(3, "{}");
    client.send(packets::Subscribe{1, {{"$iothub/twin/PATCH/properties/desired/#", 0}}});
    hub.sink.lock()->desired_changed(4, R"({"x":null,"$version":4})");
    settle_down();
    EXPECT_EQ(client.received_text(),
              "SUBACK 1 0\nPUBLISH q0 #0 $iothub/twin/PATCH/properties/desired/?$version=4|{\"x\":null,\"$version\":4}");
}

}  // namespace
}  // namespace selvage::heads::mqtt
