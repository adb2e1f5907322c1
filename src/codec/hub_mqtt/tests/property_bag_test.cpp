#include <gtest/gtest.h>

#include "codec/hub_mqtt/hub_mqtt.h"

namespace selvage::codec::hub_mqtt {
namespace {

using domain::SystemProperty;

domain::Message parsed(std::string_view bag, bool from_hub = false) {
    domain::Message message;
    const auto done = parse_bag(bag, message, from_hub);
    EXPECT_TRUE(done) << bag;
    return message;
}

TEST(PropertyBag, TellsNullFromEmpty) {
    EXPECT_EQ(parsed("a&b=&c=d&e=f=g").properties,
              (std::vector<domain::Property>{{"a", std::nullopt}, {"b", ""}, {"c", "d"}, {"e", "f=g"}}));
}

TEST(PropertyBag, KnowsEverySystemName) {
    struct Row {
        const char* name;
        SystemProperty property;
        bool from_client;
        bool from_hub;
    };
    constexpr Row kRows[] = {
        {"$.mid", SystemProperty::message_id, true, true},
        {"$.cid", SystemProperty::correlation_id, true, true},
        {"$.uid", SystemProperty::user_id, true, true},
        {"$.to", SystemProperty::to, true, true},
        {"$.ct", SystemProperty::content_type, true, true},
        {"$.ce", SystemProperty::content_encoding, true, true},
        {"$.exp", SystemProperty::absolute_expiry_time, true, true},
        {"$.ctime", SystemProperty::creation_time_utc, true, true},
        {"$.on", SystemProperty::output_name, true, true},
        {"$.schema", SystemProperty::message_schema, true, true},
        {"$.ifid", SystemProperty::interface_id, true, true},
        {"$.sub", SystemProperty::subject, true, true},
        {"$.diagid", SystemProperty::diagnostic_id, true, true},
        {"$.diagctx", SystemProperty::correlation_context, true, true},
        {"$.cdid", SystemProperty::connection_device_id, false, true},
        {"$.cmid", SystemProperty::connection_module_id, false, true},
        {"iothub-operation", SystemProperty::operation, true, true},
        {"iothub-ack", SystemProperty::ack, false, true},
        {"ack", SystemProperty::ack, false, true},
    };
    for (const Row& row : kRows) {
        const std::string bag = std::string(row.name) + "=v";
        EXPECT_EQ(parsed(bag, false).get(row.property).has_value(), row.from_client) << row.name;
        EXPECT_EQ(parsed(bag, true).get(row.property).has_value(), row.from_hub) << row.name;
    }
}

TEST(PropertyBag, KeepsUnknownNamesAsApplicationProperties) {
    EXPECT_EQ(parsed("%24.new=1&ack=me").properties, (std::vector<domain::Property>{{"$.new", "1"}, {"ack", "me"}}));
}

TEST(PropertyBag, DropsWhatOnlyAHubMaySay) {
    const auto message = parsed("%24.cdid=x&$.cmid=y&iothub-connection-device-id=z&iothub-enqueuedtime=1&dt-dataschema=m&iothub-connection-auth-method=q");
    EXPECT_TRUE(message.properties.empty());
    EXPECT_TRUE(message.system.empty());
}

TEST(PropertyBag, LetsTheLastDuplicateWin) {
    const auto message = parsed("a=1&a=2&$.mid=1&%24.mid=2");
    EXPECT_EQ(message.properties, (std::vector<domain::Property>{{"a", "2"}}));
    EXPECT_EQ(message.get(SystemProperty::message_id), "2");
}

TEST(PropertyBag, TakesTextThatWasNotEncoded) {
    const auto message = parsed("share=100%&half=%4&plus=a+b&utf=%C3%A9&notutf=%FF&$.ct=text/plain/");
    EXPECT_EQ(message.properties, (std::vector<domain::Property>{
                                      {"share", "100%"}, {"half", "%4"}, {"plus", "a+b"}, {"utf", "\xc3\xa9"}, {"notutf", "%FF"}}));
    EXPECT_EQ(message.get(SystemProperty::content_type), "text/plain");
}

TEST(PropertyBag, ReadsNumbersAsTimes) {
    EXPECT_EQ(parsed("$.exp=1700000000000").get(SystemProperty::absolute_expiry_time), "2023-11-14T22:13:20.0000000Z");
    EXPECT_EQ(parsed("$.exp=1700000000").get(SystemProperty::absolute_expiry_time), "2023-11-14T22:13:20.0000000Z");
    EXPECT_EQ(parsed("$.exp=9999999999999999").get(SystemProperty::absolute_expiry_time), "9999999999999999");
    EXPECT_EQ(parsed("$.ctime=2024-01-01T00%3A00%3A00Z").get(SystemProperty::creation_time_utc), "2024-01-01T00:00:00Z");
}

TEST(PropertyBag, WritesTimesForExactParsersOrNotAtAll) {
    domain::Message message;
    message.set(SystemProperty::absolute_expiry_time, "2024-01-01T00:00:00Z");
    message.set(SystemProperty::creation_time_utc, "yesterday");
    EXPECT_EQ(format_bag(message, true), "%24.exp=2024-01-01T00%3A00%3A00.0000000Z");
    EXPECT_EQ(format_bag(message, false), "%24.exp=2024-01-01T00%3A00%3A00.0000000Z&%24.ctime=yesterday");
}

TEST(PropertyBag, GivesPairsWithEqualsToClients) {
    domain::Message message;
    message.properties = {{"null", std::nullopt}};
    EXPECT_EQ(format_bag(message, true), "null=");
    EXPECT_EQ(format_bag(message, false), "null");
}

TEST(PropertyBag, IsRefusedWithoutANameOrWithTooMany) {
    domain::Message message;
    EXPECT_EQ(parse_bag("a=1&=2", message, false).error().code, Errc::malformed);
    std::string many;
    for (int i = 0; i < 1025; ++i) many += "p" + std::to_string(i) + "=1&";
    domain::Message other;
    EXPECT_EQ(parse_bag(many, other, false).error().code, Errc::malformed);
}

}  // namespace
}  // namespace selvage::codec::hub_mqtt
