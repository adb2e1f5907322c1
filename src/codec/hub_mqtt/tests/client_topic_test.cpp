#include <gtest/gtest.h>

#include "codec/hub_mqtt/hub_mqtt.h"

namespace selvage::codec::hub_mqtt {
namespace {

using domain::Identity;
using domain::SystemProperty;

Telemetry telemetry(std::string_view topic) {
    const auto parsed = parse_client_topic(topic);
    EXPECT_TRUE(parsed) << topic << ": " << (parsed ? "" : parsed.error().detail);
    return parsed && std::holds_alternative<Telemetry>(*parsed) ? std::get<Telemetry>(*parsed) : Telemetry{};
}

TEST(ClientTopic, TakesTelemetryInEveryForm) {
    for (const char* topic : {"devices/d1/messages/events", "devices/d1/messages/events/", "devices/d1/messages/events//"}) {
        const auto one = telemetry(topic);
        EXPECT_EQ(one.identity, Identity::of_device("d1")) << topic;
        EXPECT_EQ(one.message, domain::Message{}) << topic;
    }
    EXPECT_EQ(telemetry("devices/d$1:x/modules/$edgeHub/messages/events/").identity, Identity::of_module("d$1:x", "$edgeHub"));
}

TEST(ClientTopic, TakesTheBagsOfTheSdks) {
    struct Row {
        const char* name;
        const char* topic;
    };
    // The same message as each SDK writes it.
    constexpr Row kRows[] = {
        {"Node", "devices/d/messages/events/%24.mid=m%201&%24.ct=application%2Fjson&temp%20alert=a%2Bb"},
        {"Python", "devices/d/messages/events/%24.mid=m%201&%24.ct=application%2Fjson&temp%20alert=a%2Bb"},
        {"C#", "devices/d/messages/events/temp%20alert=a%2Bb&%24.mid=m%201&%24.ct=application%2Fjson/"},
        {"C, which does not encode", "devices/d/messages/events/temp alert=a+b&%24.mid=m 1&%24.ct=application/json"},
    };
    for (const Row& row : kRows) {
        const auto one = telemetry(row.topic);
        EXPECT_EQ(one.message.get(SystemProperty::message_id), "m 1") << row.name;
        EXPECT_EQ(one.message.get(SystemProperty::content_type), "application/json") << row.name;
        EXPECT_EQ(one.message.properties, (std::vector<domain::Property>{{"temp alert", "a+b"}})) << row.name;
    }
    const auto output = telemetry("devices/d/modules/m/messages/events/%24.on=out1&%24.cdid=other&%24.ifid=urn%3Ax/");
    EXPECT_EQ(output.message.get(SystemProperty::output_name), "out1");
    EXPECT_EQ(output.message.get(SystemProperty::interface_id), "urn:x");
    EXPECT_FALSE(output.message.get(SystemProperty::connection_device_id));
}

TEST(ClientTopic, OfOnesOwnTelemetryLeavesTheBag) {
    struct Row {
        const char* topic;
        domain::Identity identity;
        std::optional<std::string_view> bag;
    };
    const auto device = domain::Identity::of_device("d1");
    const auto module = domain::Identity::of_module("d1", "m1");
    const Row rows[] = {
        {"devices/d1/messages/events/", device, ""},
        {"devices/d1/messages/events", device, ""},
        {"devices/d1/messages/events/a=b/", device, "a=b/"},
        {"devices/d1/modules/m1/messages/events/a=b", module, "a=b"},
        {"devices/d1/modules/m1/messages/events/", device, std::nullopt},
        {"devices/d1/messages/events/", module, std::nullopt},
        {"devices/d1/messages/eventsx", device, std::nullopt},
        {"devices/d12/messages/events/", device, std::nullopt},
        {"devices/D1/messages/events/", device, std::nullopt},
        {"devices/d1", device, std::nullopt},
        {"$iothub/twin/GET/?$rid=1", device, std::nullopt},
    };
    for (const Row& row : rows) EXPECT_EQ(own_telemetry_bag(row.topic, row.identity), row.bag) << row.topic;
}

TEST(ClientTopic, TakesTwinAndMethodTopics) {
    const auto get = parse_client_topic("$iothub/twin/GET/?$rid=3f9-A");
    ASSERT_TRUE(get);
    EXPECT_EQ(std::get<TwinGet>(*get).request_id, "3f9-A");
    const auto patch = parse_client_topic("$iothub/twin/PATCH/properties/reported/?$version=7&$rid=12");
    ASSERT_TRUE(patch);
    EXPECT_EQ(std::get<TwinPatch>(*patch).request_id, "12");
    EXPECT_EQ(std::get<TwinPatch>(*patch).if_version, 7);
    const auto silent = parse_client_topic("$iothub/twin/PATCH/properties/reported/");
    ASSERT_TRUE(silent);
    EXPECT_EQ(std::get<TwinPatch>(*silent).request_id, "");
    const auto answer = parse_client_topic("$iothub/methods/res/-5/?%24rid=a%2Fb&x=y");
    ASSERT_TRUE(answer);
    EXPECT_EQ(std::get<MethodAnswer>(*answer).request_id, "a%2Fb");
    EXPECT_EQ(std::get<MethodAnswer>(*answer).status, -5);
}

TEST(ClientTopic, RefusesWhatIsNoneOfThem) {
    for (const char* bad :
         {"", "x", "devices/", "devices/d", "devices//messages/events/", "devices/d/messages/eventsX", "devices/d/messages/devicebound/",
          "devices/d/modules//messages/events/", "devices/d/modules/m/inputs/a/", "devices/d/messages/events/=v", "$iothub/twin/GET/",
          "$iothub/twin/GET/?$rid=", "$iothub/twin/GET/x?$rid=1", "$iothub/twin/PATCH/properties/reported/x/?$rid=1",
          "$iothub/twin/PATCH/properties/desired/?$rid=1", "$iothub/twin/PATCH/properties/reported/?$rid=1&$version=x",
          "$iothub/methods/res/abc/?$rid=1", "$iothub/methods/res/200/", "$iothub/methods/res/200",
          "$iothub/methods/res/99999999999/?$rid=1", "$iothub/methods/POST/x/?$rid=1"})
        EXPECT_FALSE(parse_client_topic(bad)) << bad;
}

TEST(ClientTopic, IsReadBackAsWritten) {
    domain::Message message;
    message.set(SystemProperty::message_id, "m/1&=%");
    message.set(SystemProperty::output_name, "out 1");
    message.set(SystemProperty::diagnostic_id, "diag");
    message.properties = {{"k\xc3\xa9y", "v+1"}, {"null", std::nullopt}, {"empty", ""}};
    const auto one = telemetry(telemetry_topic(Identity::of_module("d1", "m1"), message));
    EXPECT_EQ(one.identity, Identity::of_module("d1", "m1"));
    EXPECT_EQ(one.message.properties, message.properties);
    EXPECT_EQ(one.message.get(SystemProperty::message_id), "m/1&=%");
    EXPECT_EQ(one.message.get(SystemProperty::output_name), "out 1");
    EXPECT_EQ(one.message.get(SystemProperty::diagnostic_id), "diag");
    EXPECT_EQ(std::get<TwinGet>(*parse_client_topic(twin_get_topic("r1"))).request_id, "r1");
    EXPECT_EQ(std::get<TwinPatch>(*parse_client_topic(twin_patch_topic("r2"))).request_id, "r2");
    EXPECT_EQ(std::get<MethodAnswer>(*parse_client_topic(method_answer_topic("r3", 404))).status, 404);
}

TEST(ClientFilter, IsKnownForItsOwnIdentityOnly) {
    struct Row {
        const char* filter;
        FilterKind device;
        FilterKind module;
    };
    using enum FilterKind;
    constexpr Row kRows[] = {
        {"devices/d1/messages/devicebound/#", c2d, unknown},
        {"devices/d1/modules/m1/inputs/#", unknown, inputs},
        {"devices/d1/modules/m1/#", unknown, inputs},
        {"devices/d1/modules/m1/inputs/in1/#", unknown, inputs},
        {"devices/d1/modules/m1/inputs/+/#", unknown, unknown},
        {"$iothub/twin/res/#", twin_answers, twin_answers},
        {"$iothub/twin/PATCH/properties/desired/#", desired, desired},
        {"$iothub/methods/POST/#", methods, methods},
        {"$iothub/methods/POST/reboot/#", methods, methods},
        {"$iothub/methods/POST/+/#", unknown, unknown},
        {"$iothub/#", unknown, unknown},
        {"#", unknown, unknown},
        {"devices/d2/messages/devicebound/#", unknown, unknown},
        {"devices/d1/modules/m2/inputs/#", unknown, unknown},
        {"devices/+/messages/devicebound/#", unknown, unknown},
        {"devices/d1/#", unknown, unknown},
        {"devices/d11/messages/devicebound/#", unknown, unknown},
    };
    const auto device = Identity::of_device("d1");
    const auto module = Identity::of_module("d1", "m1");
    for (const Row& row : kRows) {
        EXPECT_EQ(classify_filter(row.filter, device), row.device) << row.filter;
        EXPECT_EQ(classify_filter(row.filter, module), row.module) << row.filter;
    }
    for (const auto kind : {twin_answers, desired, methods}) EXPECT_EQ(classify_filter(filter_for(kind, device), device), kind);
    EXPECT_EQ(classify_filter(filter_for(c2d, device), device), c2d);
    EXPECT_EQ(classify_filter(filter_for(inputs, module), module), inputs);
}

}  // namespace
}  // namespace selvage::codec::hub_mqtt
