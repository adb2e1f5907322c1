#include <gtest/gtest.h>

#include "codec/hub_mqtt/hub_mqtt.h"

namespace selvage::codec::hub_mqtt {
namespace {

using domain::Identity;
using domain::SystemProperty;

TEST(HubTopic, HasTheFormThatPositionalParsersNeed) {
    EXPECT_EQ(twin_answer_topic(200, "abc"), "$iothub/twin/res/200/?$rid=abc");
    EXPECT_EQ(twin_answer_topic(204, "1", 5), "$iothub/twin/res/204/?$rid=1&$version=5");
    EXPECT_EQ(desired_patch_topic(9), "$iothub/twin/PATCH/properties/desired/?$version=9");
    EXPECT_EQ(method_call_topic("reboot", "7"), "$iothub/methods/POST/reboot/?$rid=7");
    EXPECT_EQ(method_call_topic("a/b c", "7"), "$iothub/methods/POST/a%2Fb c/?$rid=7");
}

TEST(HubTopic, AlwaysSaysWhomADeviceboundMessageIsFor) {
    const auto device = Identity::of_device("d1");
    domain::Message message;
    EXPECT_EQ(c2d_topic(device, message), "devices/d1/messages/devicebound/%24.to=%2Fdevices%2Fd1%2Fmessages%2Fdevicebound");
    message.properties = {{"a", "b c"}, {"null", std::nullopt}};
    EXPECT_EQ(c2d_topic(device, message),
              "devices/d1/messages/devicebound/%24.to=%2Fdevices%2Fd1%2Fmessages%2Fdevicebound&a=b%20c&null=");
    message.set(SystemProperty::to, "/devices/d1/messages/devicebound");
    message.set(SystemProperty::message_id, "m1");
    message.set(SystemProperty::ack, "full");
    message.properties.clear();
    EXPECT_EQ(c2d_topic(device, message),
              "devices/d1/messages/devicebound/%24.mid=m1&%24.to=%2Fdevices%2Fd1%2Fmessages%2Fdevicebound&iothub-ack=full");
}

TEST(HubTopic, EndsAnInputNameWithASlashAlways) {
    const auto module = Identity::of_module("d1", "m1");
    domain::Message message;
    message.set(SystemProperty::input_name, "in1");
    message.set(SystemProperty::output_name, "never shown");
    EXPECT_EQ(input_topic(module, message), "devices/d1/modules/m1/inputs/in1/");
    message.set(SystemProperty::connection_device_id, "d1");
    message.set(SystemProperty::connection_module_id, "sensor");
    message.properties = {{"alert", "true"}};
    EXPECT_EQ(input_topic(module, message), "devices/d1/modules/m1/inputs/in1/%24.cdid=d1&%24.cmid=sensor&alert=true");
}

TEST(HubTopic, IsReadBackAsWritten) {
    const auto module = Identity::of_module("d1", "m1");
    domain::Message message;
    message.set(SystemProperty::input_name, "in/1");
    message.set(SystemProperty::connection_device_id, "d1");
    message.properties = {{"k", "v/1"}};
    const auto input = parse_hub_topic(input_topic(module, message));
    ASSERT_TRUE(input);
    EXPECT_EQ(std::get<InputMessage>(*input).input, "in/1");
    EXPECT_EQ(std::get<InputMessage>(*input).message.get(SystemProperty::input_name), "in/1");
    EXPECT_EQ(std::get<InputMessage>(*input).message.get(SystemProperty::connection_device_id), "d1");
    EXPECT_EQ(std::get<InputMessage>(*input).message.properties, message.properties);

    const auto c2d = parse_hub_topic(c2d_topic(Identity::of_device("d1"), message));
    ASSERT_TRUE(c2d);
    EXPECT_EQ(std::get<C2dMessage>(*c2d).message.get(SystemProperty::to), "/devices/d1/messages/devicebound");

    const auto answer = parse_hub_topic(twin_answer_topic(204, "r", 3));
    ASSERT_TRUE(answer);
    EXPECT_EQ(std::get<TwinAnswer>(*answer).status, 204);
    EXPECT_EQ(std::get<TwinAnswer>(*answer).request_id, "r");
    EXPECT_EQ(std::get<TwinAnswer>(*answer).version, 3);
    EXPECT_EQ(std::get<DesiredPatch>(*parse_hub_topic(desired_patch_topic(8))).version, 8);
    const auto call = parse_hub_topic(method_call_topic("a/b%c", "r"));
    ASSERT_TRUE(call);
    EXPECT_EQ(std::get<MethodCall>(*call).method, "a/b%c");
    EXPECT_EQ(std::get<MethodCall>(*call).request_id, "r");
}

TEST(HubTopic, OfTheReferenceServicesIsTaken) {
    // As edgeHub writes it.
    const auto input = parse_hub_topic("devices/d/modules/m/inputs/in/%24.cdid=d&%24.cmid=s&ack=full&iothub-operation=x");
    ASSERT_TRUE(input);
    const auto& message = std::get<InputMessage>(*input).message;
    EXPECT_EQ(message.get(SystemProperty::ack), "full");
    EXPECT_EQ(message.get(SystemProperty::operation), "x");
    EXPECT_TRUE(message.properties.empty());
    ASSERT_TRUE(parse_hub_topic("devices/d/modules/m/inputs/in"));
    ASSERT_TRUE(parse_hub_topic("devices/d/messages/devicebound"));
    const auto answer = parse_hub_topic("$iothub/twin/res/200/?$rid=a-b");
    ASSERT_TRUE(answer);
    EXPECT_FALSE(std::get<TwinAnswer>(*answer).version);
}

TEST(HubTopic, IsRefusedWhenItIsNone) {
    for (const char* bad : {"", "devices/d/messages/events/", "devices/d/modules/m/inputs/", "$iothub/twin/res/", "$iothub/twin/res/x/?$rid=1",
                            "$iothub/twin/res/200/", "$iothub/twin/PATCH/properties/desired/", "$iothub/methods/POST//?$rid=1",
                            "$iothub/methods/POST/m", "$iothub/methods/POST/m/?x=1"})
        EXPECT_FALSE(parse_hub_topic(bad)) << bad;
}

}  // namespace
}  // namespace selvage::codec::hub_mqtt
