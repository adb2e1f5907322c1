#include <gtest/gtest.h>

#include "codec/hub_amqp/hub_amqp.h"

namespace selvage::codec::hub_amqp {
namespace {

using domain::SystemProperty;

const amqp::Uuid kLock = *amqp::parse_uuid("00112233-4455-6677-8899-aabbccddeeff");

domain::Message whole() {
    domain::Message message;
    message.body = "hello";
    message.properties = {{"k", "v"}, {"null", std::nullopt}};
    message.set(SystemProperty::message_id, "m");
    message.set(SystemProperty::correlation_id, "c");
    message.set(SystemProperty::user_id, "u");
    message.set(SystemProperty::content_type, "text/plain");
    message.set(SystemProperty::absolute_expiry_time, "2023-11-14T22:13:20.1230000Z");
    message.set(SystemProperty::enqueued_time, "2023-11-14T22:13:20Z");
    message.set(SystemProperty::sequence_number, "9");
    message.set(SystemProperty::ack, "full");
    message.set(SystemProperty::input_name, "in1");
    message.set(SystemProperty::connection_device_id, "leaf");
    message.set(SystemProperty::connection_module_id, "mod");
    message.set(SystemProperty::subject, "part");
    return message;
}

TEST(AmqpDelivery, CarriesC2dWithItsLock) {
    const std::string bytes = write_delivery({.receiver = {"d#", ""}, .is_input = false, .delivery_count = 3, .lock = kLock}, whole());
    const auto message = amqp::decode_message(bytes);
    ASSERT_TRUE(message);
    EXPECT_EQ(message->properties.message_id, amqp::MessageId(std::string("m")));
    EXPECT_EQ(message->properties.correlation_id, amqp::MessageId(std::string("c")));
    EXPECT_EQ(message->properties.user_id, amqp::Binary{"u"});
    EXPECT_EQ(message->properties.to, "/devices/d%23/messages/devicebound");
    EXPECT_EQ(message->properties.content_type, "text/plain");
    EXPECT_EQ(message->properties.absolute_expiry_time, amqp::Timestamp{1'700'000'000'123});
    EXPECT_EQ(message->message_annotations,
              (amqp::Map{{"x-opt-lock-token", std::string("00112233-4455-6677-8899-aabbccddeeff")},
                         {"x-opt-sequence-number", std::uint64_t{9}},
                         {"iothub-enqueuedtime", amqp::Timestamp{1'700'000'000'000}},
                         {"iothub-deliverycount", std::uint8_t{3}},
                         {"dt-subject", std::string("part")}}));
    EXPECT_EQ(message->application_properties,
              (amqp::Map{{"iothub-ack", std::string("full")}, {"k", std::string("v")}, {"null", std::string()}}));
    ASSERT_EQ(message->data.size(), 1u);
    EXPECT_EQ(message->data[0], "hello");
}

TEST(AmqpDelivery, TellsInputsTheirNameAndSender) {
    const std::string bytes = write_delivery({.receiver = {"d", "m"}, .is_input = true, .delivery_count = 0, .lock = kLock}, whole());
    const auto message = amqp::decode_message(bytes);
    ASSERT_TRUE(message);
    EXPECT_EQ(message->properties.to, "/devices/d/modules/m");
    EXPECT_EQ(*amqp::find(message->message_annotations, "x-opt-input-name"), amqp::Value(std::string("in1")));
    EXPECT_EQ(*amqp::find(message->message_annotations, "iothub-connection-device-id"), amqp::Value(std::string("leaf")));
    EXPECT_EQ(*amqp::find(message->message_annotations, "iothub-connection-module-id"), amqp::Value(std::string("mod")));
}

TEST(AmqpDelivery, WritesAnEmptyBodyAsOneSection) {
    const std::string bytes = write_delivery({.receiver = {"d", ""}, .is_input = false, .delivery_count = 999, .lock = kLock}, {});
    const auto message = amqp::decode_message(bytes);
    ASSERT_TRUE(message);
    EXPECT_EQ(message->data.size(), 1u);
    EXPECT_EQ(*amqp::find(message->message_annotations, "iothub-deliverycount"), amqp::Value(std::uint8_t{255}));
}

// What `new Guid(bytes)` of .NET makes of the tag must be the token.
TEST(AmqpDelivery, TagsInTheByteOrderOfDotNet) {
    EXPECT_EQ(delivery_tag(kLock), std::string("\x33\x22\x11\x00\x55\x44\x77\x66\x88\x99\xaa\xbb\xcc\xdd\xee\xff", 16));
}

}  // namespace
}  // namespace selvage::codec::hub_amqp
