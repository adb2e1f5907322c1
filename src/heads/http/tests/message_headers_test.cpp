#include "heads/http/message_headers.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "base/encoding.h"

namespace selvage::heads::http::testing {
namespace {

using domain::SystemProperty;

net::HttpHeaders fields(std::vector<std::pair<std::string, std::string>> list) {
    net::HttpHeaders headers;
    headers.fields = std::move(list);
    return headers;
}

TEST(HttpProperties, EveryFieldOfTheSdksHasItsProperty) {
    struct Row {
        const char* name;
        SystemProperty property;
    };
    constexpr Row kRows[] = {
        {"iothub-to", SystemProperty::to},
        {"IoTHub-MessageId", SystemProperty::message_id},
        {"iothub-correlationid", SystemProperty::correlation_id},
        {"iothub-userid", SystemProperty::user_id},
        {"iothub-expiry", SystemProperty::absolute_expiry_time},
        {"iothub-ack", SystemProperty::ack},
        {"iothub-contenttype", SystemProperty::content_type},
        {"iothub-contentencoding", SystemProperty::content_encoding},
        {"iothub-creationtimeutc", SystemProperty::creation_time_utc},
        {"iothub-messageschema", SystemProperty::message_schema},
        {"iothub-operation", SystemProperty::operation},
        {"iothub-interface-id", SystemProperty::interface_id},
        {"dt-subject", SystemProperty::subject},
    };
    for (const auto& row : kRows) {
        const auto message = read_properties(fields({{row.name, "v"}}));
        ASSERT_TRUE(message);
        EXPECT_EQ(message->get(row.property), "v") << row.name;
        EXPECT_TRUE(message->properties.empty()) << row.name;
    }
}

TEST(HttpProperties, WhatOnlyHubsSetAndWhatIsHttpsOwnIsPassedOver) {
    const auto message = read_properties(fields({{"iothub-sequencenumber", "1"},
                                                 {"iothub-deliverycount", "1"},
                                                 {"iothub-enqueuedtime", "x"},
                                                 {"iothub-connection-device-id", "other"},
                                                 {"Content-Type", "text/plain"},
                                                 {"Host", "h"}}));
    ASSERT_TRUE(message);
    EXPECT_EQ(*message, domain::Message{});
}

TEST(HttpProperties, ValuesMayBeUtf8OrLatin1) {
    const auto message = read_properties(fields({{"iothub-app-a", "gr\xc3\xb6\xc3\x9f" "e"}, {"iothub-app-b", "gr\xf6\xdf" "e"}}));
    ASSERT_TRUE(message);
    EXPECT_EQ(message->properties, (std::vector<domain::Property>{{"a", "größe"}, {"b", "größe"}}));
}

TEST(HttpProperties, TheirNumberIsBounded) {
    std::vector<std::pair<std::string, std::string>> list(1024, {"iothub-app-x", "y"});
    EXPECT_TRUE(read_properties(fields(list)));
    list.emplace_back("iothub-app-x", "y");
    EXPECT_EQ(read_properties(fields(list)).error().code, Errc::invalid_argument);
}

TEST(HttpBatch, ReadsWhatTheSdksWrite) {
    const auto batch = read_batch(
        R"([{"body": "aGk=", "properties":{"iothub-app-k":"v","dt-subject":"c","plain":"p","n":1.5,"t":true,"iothub-app-z":null}},)"
        R"({"body":"text","base64Encoded":false}])");
    ASSERT_TRUE(batch) << batch.error().detail;
    ASSERT_EQ(batch->size(), 2u);
    EXPECT_EQ(batch->at(0).body, "hi");
    EXPECT_EQ(batch->at(0).get(SystemProperty::subject), "c");
    EXPECT_EQ(batch->at(0).properties,
              (std::vector<domain::Property>{{"k", "v"}, {"plain", "p"}, {"n", "1.5"}, {"t", "true"}, {"z", std::nullopt}}));
    EXPECT_EQ(batch->at(1).body, "text");
}

TEST(HttpBatch, RefusalsSayWhichMessage) {
    struct Row {
        std::string json;
        Errc code;
        const char* words;
    };
    const std::string most = to_base64(std::string(kBatchBytesMax / 2, 'x'));
    std::string many = "[{}";
    for (std::size_t i = 1; i < kBatchMessagesMax + 1; ++i)
        many += ",{}";
    const Row rows[] = {
        {"{}", Errc::malformed, "array"},
        {"[1]", Errc::malformed, "message 0"},
        {R"([{},{"body":1}])", Errc::malformed, "message 1: body"},
        {R"([{"body":"?"}])", Errc::malformed, "base64"},
        {R"([{"properties":[]}])", Errc::malformed, "properties"},
        {R"([{"properties":{"a":{}}}])", Errc::malformed, "properties"},
        {many + "]", Errc::invalid_argument, "501"},
        {fmt::format(R"([{{"body":"{0}"}},{{"body":"{0}"}},{{"body":"eA=="}}])", most), Errc::message_too_large, "262144"},
        {std::string(kBatchTextBytesMax + 1, ' '), Errc::message_too_large, "262144"},
    };
    for (const auto& row : rows) {
        const auto batch = read_batch(row.json);
        ASSERT_FALSE(batch) << row.json.substr(0, 40);
        EXPECT_EQ(batch.error().code, row.code) << row.json.substr(0, 40);
        EXPECT_NE(batch.error().detail.find(row.words), std::string::npos) << batch.error().detail;
    }
    EXPECT_TRUE(read_batch(fmt::format(R"([{{"body":"{0}"}},{{"body":"{0}"}}])", most)));
}

}  // namespace
}  // namespace selvage::heads::http::testing
