#include "codec/amqp/message.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "codec/amqp/wire.h"

namespace selvage::codec::amqp {
namespace {

Message whole() {
    static const std::string body = "{\"a\":1}";
    Message message;
    message.message_annotations = {{"operation", std::string("GET")}, {"version", std::int64_t{5}}};
    message.properties.message_id = std::string("m1");
    message.properties.user_id = Binary{"me"};
    message.properties.to = "/to";
    message.properties.correlation_id = std::uint64_t{7};
    message.properties.content_type = "application/json";
    message.properties.absolute_expiry_time = Timestamp{1'700'000'000'000};
    message.application_properties = {{"k", std::string("v")}, {"n", std::int32_t{-1}}};
    message.data = {body};
    return message;
}

TEST(AmqpMessage, ReadsBackWhatItWrote) {
    const Message message = whole();
    const std::string bytes = encode_message(message);
    const auto read = decode_message(bytes);
    ASSERT_TRUE(read);
    EXPECT_EQ(read->message_annotations, message.message_annotations);
    EXPECT_EQ(read->properties, message.properties);
    EXPECT_EQ(read->application_properties, message.application_properties);
    EXPECT_EQ(read->body(), "{\"a\":1}");
}

TEST(AmqpMessage, KeepsTheTypeOfIds) {
    const MessageId ids[] = {std::string("7"), std::uint64_t{7}, *parse_uuid("6ba7b810-9dad-11d1-80b4-00c04fd430c8"), Binary{"7"},
                             std::monostate{}};
    for (const MessageId& id : ids) {
        Message message;
        message.properties.correlation_id = id;
        const auto read = decode_message(encode_message(message));
        ASSERT_TRUE(read);
        EXPECT_EQ(read->properties.correlation_id, id);
    }
}

// The C SDK writes properties and application properties before the annotations.
TEST(AmqpMessage, ReadsSectionsInAnyOrder) {
    const Message message = whole();
    std::vector<std::string> sections;
    for (int i = 0; i < 4; ++i) {
        Message part;
        if (i == 0) part.message_annotations = message.message_annotations;
        if (i == 1) part.properties = message.properties;
        if (i == 2) part.application_properties = message.application_properties;
        if (i == 3) part.data = message.data;
        std::string bytes = encode_message(part);
        if (i != 3) bytes.resize(bytes.size() - 5);   // without the empty body
        sections.push_back(bytes);
    }
    std::vector<int> order = {0, 1, 2, 3};
    do {
        std::string bytes;
        for (const int i : order) bytes += sections[static_cast<std::size_t>(i)];
        const auto read = decode_message(bytes);
        ASSERT_TRUE(read) << read.error().detail;
        EXPECT_EQ(read->properties, message.properties);
        EXPECT_EQ(read->application_properties, message.application_properties);
        EXPECT_EQ(read->message_annotations, message.message_annotations);
        EXPECT_EQ(read->body(), "{\"a\":1}");
    } while (std::next_permutation(order.begin(), order.end()));
}

TEST(AmqpMessage, TakesBodiesOfEveryForm) {
    Message several;
    several.data = {"ab", "", "c"};
    const std::string bytes = encode_message(several);
    const auto read = decode_message(bytes);
    ASSERT_TRUE(read);
    EXPECT_EQ(read->data, several.data);
    EXPECT_EQ(read->body(), "abc");
    Message text;
    text.value = std::string("token");
    const std::string text_bytes = encode_message(text);
    EXPECT_EQ(decode_message(text_bytes)->body(), "token");
    Message binary;
    binary.value = Binary{"raw"};
    const std::string binary_bytes = encode_message(binary);
    EXPECT_EQ(decode_message(binary_bytes)->body(), "raw");
    const std::string empty = encode_message({});
    EXPECT_EQ(decode_message(empty)->data.size(), 1u);
    EXPECT_EQ(decode_message("")->data.size(), 0u);
}

TEST(AmqpMessage, ReadsOverHeaderFooterAndNamedDescriptors) {
    std::string bytes;
    Writer writer(bytes);
    writer.descriptor(0x70);
    std::string items;
    Writer(items).boolean(true);
    writer.list(1, items);
    bytes += '\0';
    writer.symbol("amqp:data:binary");
    writer.binary("body");
    writer.descriptor(0x78);
    writer.map(0, {});
    const auto read = decode_message(bytes);
    ASSERT_TRUE(read) << read.error().detail;
    EXPECT_EQ(read->body(), "body");
}

TEST(AmqpMessage, RefusesWhatIsCutOrTooMuch) {
    const std::string bytes = encode_message(whole());
    int refused = 0;
    for (std::size_t cut = 1; cut < bytes.size(); ++cut) refused += decode_message(std::string_view(bytes).substr(0, cut)) ? 0 : 1;
    // What is left are the cuts between sections.
    EXPECT_EQ(refused, static_cast<int>(bytes.size()) - 1 - 3);
    Message many;
    for (int i = 0; i < 3; ++i) many.application_properties.push_back({std::to_string(i), true});
    const std::string many_bytes = encode_message(many);
    EXPECT_FALSE(decode_message(many_bytes, {.entries_max = 2}));
    Message sections;
    sections.data = {"a", "b", "c"};
    const std::string sections_bytes = encode_message(sections);
    const auto refusal = decode_message(sections_bytes, {.data_sections_max = 2});
    ASSERT_FALSE(refusal);
    EXPECT_EQ(refusal.error().code, Errc::malformed);
    EXPECT_NE(refusal.error().detail.find("data"), std::string::npos);
    EXPECT_FALSE(decode_message("plain text"));
}

}  // namespace
}  // namespace selvage::codec::amqp
