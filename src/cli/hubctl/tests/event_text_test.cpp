#include "cli/hubctl/event_text.h"

#include <gtest/gtest.h>

#include "base/encoding.h"
#include "cli/hubctl/commands.h"

namespace selvage::cli::hubctl {
namespace {

JsonObject event(const std::string& body) {
    return {
        {"partition", 2},
        {"offset", 7},
        {"enqueuedTimeUtc", "2026-03-01T00:00:00.0000000Z"},
        {"body", to_base64(body)},
        {"properties", JsonObject{{"p", "1"}}},
        {"systemProperties", JsonObject{{"iothub-connection-device-id", "d1"}, {"iothub-connection-module-id", "m1"}}}};
}

struct Row {
    const char* name;
    std::string body;
    const char* want;  // the member body
    bool encoded;
};
const Row kRows[] = {
    {"JSON", R"({"t":1.5})", R"({"t":1.5})", false},
    {"text", "plain", R"("plain")", false},
    {"text that is not ASCII", "\xc3\xa4", "\"\xc3\xa4\"", false},
    {"bytes", std::string("\xff\x00", 2), R"("/wA=")", true},
    {"a surrogate", "\xed\xa0\x80", R"("7aCA")", true},
    {"an overlong form", "\xc0\xaf", R"("wK8=")", true},
    {"a character cut short", "\xe2\x82", R"("4oI=")", true},
    {"nothing", "", R"("")", false},
};

TEST(EventText, ShowsBodiesAsJsonAsTextOrEncoded) {
    for (const auto& row : kRows) {
        const auto line = event_object(event(row.body));
        EXPECT_EQ(to_text(line.at("body")), row.want) << row.name;
        EXPECT_EQ(find_text(line, "bodyEncoding"), row.encoded ? "base64" : "") << row.name;
    }
}

TEST(EventText, NamesSenderAndPlace) {
    const auto line = event_object(event("x"));
    EXPECT_EQ(find_text(line, "deviceId"), "d1");
    EXPECT_EQ(find_text(line, "moduleId"), "m1");
    EXPECT_EQ(find_integer(line, "partition"), 2);
    EXPECT_EQ(find_integer(line, "offset"), 7);
    EXPECT_EQ(event_lines(line), "2026-03-01T00:00:00.0000000Z  d1/m1  x\n    p = 1");
}

TEST(Manifest, ComesBareInAnEnvelopeAndUnderItsOlderName) {
    for (const char* text : {R"({"modulesContent":{"m":{}}})", R"({"content":{"modulesContent":{"m":{}}}})",
                             R"({"moduleContent":{"m":{}}})"}) {
        const auto content = content_of_manifest(*parse_json_object(text));
        ASSERT_TRUE(content) << text;
        EXPECT_EQ(to_text(*content), R"({"modulesContent":{"m":{}}})") << text;
    }
    EXPECT_FALSE(content_of_manifest(*parse_json_object(R"({"modules":{}})")));
}

}  // namespace
}  // namespace selvage::cli::hubctl
