#include "domain/message.h"

#include <gtest/gtest.h>

#include <set>

namespace selvage::domain {
namespace {

TEST(Message, HoldsOneEntryASystemProperty) {
    Message message;
    EXPECT_EQ(message.get(SystemProperty::message_id), std::nullopt);
    message.set(SystemProperty::message_id, "m1");
    message.set(SystemProperty::to, "");
    message.set(SystemProperty::message_id, "m2");
    EXPECT_EQ(message.system.size(), 2u);
    EXPECT_EQ(message.get(SystemProperty::message_id), "m2");
    EXPECT_EQ(message.get(SystemProperty::to), "");
    message.erase(SystemProperty::message_id);
    message.erase(SystemProperty::message_id);
    EXPECT_EQ(message.get(SystemProperty::message_id), std::nullopt);
    EXPECT_EQ(message.system.size(), 1u);
}

TEST(Message, CountsBodyNamesAndValuesButNotWhatHubsSet) {
    Message message;
    message.body = "12345";
    message.properties = {{"key", "value"}, {"null", std::nullopt}};
    message.set(SystemProperty::content_type, "application/json");
    EXPECT_EQ(message.counted_bytes(), 5u + 8u + 4u + 16u);
    message.set(SystemProperty::connection_auth_method, std::string(200, 'x'));
    EXPECT_EQ(message.counted_bytes(), 5u + 8u + 4u + 16u);
}

TEST(Message, PropertiesHaveTheNamesOfTheEventStream) {
    EXPECT_EQ(name(SystemProperty::message_id), "message-id");
    EXPECT_EQ(name(SystemProperty::absolute_expiry_time), "absolute-expiry-time");
    EXPECT_EQ(name(SystemProperty::creation_time_utc), "iothub-creation-time-utc");
    EXPECT_EQ(name(SystemProperty::connection_device_id), "iothub-connection-device-id");
    EXPECT_EQ(name(SystemProperty::enqueued_time), "iothub-enqueuedtime");
    EXPECT_EQ(name(SystemProperty::model_id), "dt-dataschema");
    std::set<std::string_view> names;
    int named = 0;
    for (int number = 0; number < 256; ++number) {
        const auto property = static_cast<SystemProperty>(number);
        if (name(property).empty()) continue;
        ++named;
        names.insert(name(property));
        EXPECT_EQ(is_set_by_hub(property), number >= 32) << number;
    }
    EXPECT_EQ(named, 30);
    EXPECT_EQ(names.size(), 30u) << "two properties share a name";
}

}  // namespace
}  // namespace selvage::domain
