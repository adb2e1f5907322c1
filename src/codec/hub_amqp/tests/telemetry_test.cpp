#include <gtest/gtest.h>

#include "codec/hub_amqp/hub_amqp.h"

namespace selvage::codec::hub_amqp {
namespace {

using domain::SystemProperty;

amqp::Message plain(std::string_view body) {
    amqp::Message message;
    message.data = {body};
    return message;
}

TEST(AmqpTelemetry, TakesSystemPropertiesFromTheirPlaces) {
    amqp::Message message = plain("body");
    message.properties.message_id = *amqp::parse_uuid("6BA7B810-9dad-11d1-80b4-00c04fd430c8");
    message.properties.correlation_id = std::uint64_t{42};
    message.properties.user_id = amqp::Binary{"me"};
    message.properties.to = "/devices/d/messages/events";
    message.properties.content_type = "application/json";
    message.properties.content_encoding = "utf-8";
    message.properties.absolute_expiry_time = amqp::Timestamp{1'700'000'000'123};
    message.application_properties = {{"iothub-creation-time-utc", std::string("2026-01-01T00:00:00Z")},
                                      {"iothub-message-schema", std::string("s")},
                                      {"iothub-operation", std::string("o")},
                                      {"iothub-outputname", std::string("out")},
                                      {"iothub-ack", std::string("full")}};
    message.message_annotations = {{"iothub-interface-id", std::string("urn")},
                                   {"dt-subject", std::string("part")},
                                   {"Diagnostic-Id", std::string("di")},
                                   {"Correlation-Context", std::string("cc")},
                                   {"x-other", std::string("dropped")}};
    const auto read = read_telemetry(0, amqp::encode_message(message));
    ASSERT_TRUE(read) << read.error().detail;
    ASSERT_EQ(read->size(), 1u);
    const domain::Message& one = read->front();
    EXPECT_EQ(one.body, "body");
    const std::pair<SystemProperty, const char*> expected[] = {
        {SystemProperty::message_id, "6ba7b810-9dad-11d1-80b4-00c04fd430c8"},
        {SystemProperty::correlation_id, "42"},
        {SystemProperty::user_id, "me"},
        {SystemProperty::to, "/devices/d/messages/events"},
        {SystemProperty::content_type, "application/json"},
        {SystemProperty::content_encoding, "utf-8"},
        {SystemProperty::absolute_expiry_time, "2023-11-14T22:13:20.1230000Z"},
        {SystemProperty::creation_time_utc, "2026-01-01T00:00:00Z"},
        {SystemProperty::message_schema, "s"},
        {SystemProperty::operation, "o"},
        {SystemProperty::output_name, "out"},
        {SystemProperty::interface_id, "urn"},
        {SystemProperty::subject, "part"},
        {SystemProperty::diagnostic_id, "di"},
        {SystemProperty::correlation_context, "cc"},
    };
    for (const auto& [property, text] : expected) EXPECT_EQ(one.get(property), text) << domain::name(property);
    EXPECT_EQ(one.system.size(), std::size(expected));
    EXPECT_EQ(one.properties, (std::vector<domain::Property>{{"iothub-ack", "full"}}));
}

TEST(AmqpTelemetry, TurnsPropertyValuesIntoText) {
    amqp::Message message = plain("");
    message.application_properties = {{"t", true},
                                      {"i", std::int32_t{-5}},
                                      {"u", std::uint8_t{200}},
                                      {"d", 1.5},
                                      {"y", amqp::Symbol{"sym"}},
                                      {"g", *amqp::parse_uuid("6ba7b810-9dad-11d1-80b4-00c04fd430c8")},
                                      {"b", amqp::Binary{std::string("\xff\0", 2)}},
                                      {"n", std::monostate{}},
                                      {"iothub-connection-device-id", std::string("forged")},
                                      {"iothub-enqueuedtime", std::string("forged")}};
    const auto read = read_telemetry(0, amqp::encode_message(message));
    ASSERT_TRUE(read);
    EXPECT_EQ(read->front().properties,
              (std::vector<domain::Property>{{"t", "true"},
                                             {"i", "-5"},
                                             {"u", "200"},
                                             {"d", "1.5"},
                                             {"y", "sym"},
                                             {"g", "6ba7b810-9dad-11d1-80b4-00c04fd430c8"},
                                             {"b", "/wA="},
                                             {"n", std::nullopt}}));
    EXPECT_TRUE(read->front().system.empty());
}

TEST(AmqpTelemetry, OpensBatches) {
    amqp::Message first = plain("one");
    first.application_properties = {{"k", std::string("v")}};
    const std::string parts[] = {amqp::encode_message(first), amqp::encode_message(plain("two")), amqp::encode_message(plain(""))};
    amqp::Message batch;
    for (const std::string& part : parts) batch.data.push_back(part);
    const std::string bytes = amqp::encode_message(batch);
    const auto read = read_telemetry(amqp::kBatchedFormat, bytes);
    ASSERT_TRUE(read);
    ASSERT_EQ(read->size(), 3u);
    EXPECT_EQ((*read)[0].body, "one");
    EXPECT_EQ((*read)[0].properties.size(), 1u);
    EXPECT_EQ((*read)[1].body, "two");
    EXPECT_EQ((*read)[2].body, "");
    EXPECT_EQ(read_telemetry(0, bytes)->size(), 1u) << "without the format it is one message of several sections";
}

TEST(AmqpTelemetry, RefusesABatchWholeWhenOnePartIsBad) {
    const std::string good = amqp::encode_message(plain("one"));
    amqp::Message batch;
    batch.data = {good, "not a message"};
    EXPECT_EQ(read_telemetry(amqp::kBatchedFormat, amqp::encode_message(batch)).error().code, Errc::malformed);
    EXPECT_FALSE(read_telemetry(amqp::kBatchedFormat, ""));
    amqp::Message bad_text = plain("");
    bad_text.application_properties = {{"k", std::string("\xc3")}};
    EXPECT_FALSE(read_telemetry(0, amqp::encode_message(bad_text)));
}

}  // namespace
}  // namespace selvage::codec::hub_amqp
