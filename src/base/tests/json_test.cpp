#include "base/json.h"

#include <gtest/gtest.h>

#include <cmath>

#include "base/random.h"

namespace selvage {
namespace {

TEST(JsonText, WritesWhatPeopleExpectToRead) {
    const auto parsed = parse_json(R"({"a":22.1,"b":[1,-2,18446744073709551615,1e30],"c":"x\"\u0001é","d":null,"e":2.0})");
    ASSERT_TRUE(parsed) << parsed.error().detail;
    EXPECT_EQ(to_text(*parsed),
              R"({"a":22.1,"b":[1,-2,18446744073709551615,1e+30],"c":"x\"\u0001é","d":null,"e":2.0})");
}

TEST(JsonText, ReadsBackTheSameValue) {
    const char* rows[] = {"{}", "[]", "0.1", "-0.0", "\"\\u00e9\\t\"", "[[[{\"a\":[true,false]}]]]", "123456789012345"};
    for (const char* row : rows) {
        const auto first = parse_json(row);
        ASSERT_TRUE(first) << row;
        EXPECT_EQ(parse_json(to_text(*first)).value(), *first) << row;
        EXPECT_EQ(parse_json(to_pretty_text(*first)).value(), *first) << row;
    }
}

TEST(JsonText, BytesThatAreNoTextDoNotBreakTheDocument) {
    const std::string_view whole = "\u00e9 \u20ac \U0001f600";
    EXPECT_EQ(to_text(Json(whole)), '"' + std::string(whole) + '"');
    for (const std::string text : {"\xff", "a\xc3", "\x80z", "\xc0\xaf", "\xe0\x80\xaf", "\xed\xa0\x80", "\xf4\x90\x80\x80", "\xf0\x9f\x98"}) {
        const auto read = parse_json(to_text(Json(text)));
        ASSERT_TRUE(read) << to_text(Json(text));
        EXPECT_NE(read->get_string().find("\xef\xbf\xbd"), boost::json::string::npos);
    }
}

TEST(JsonText, KeepsEveryDoubleToItsLastDigit) {
    SeededRandom random(7);
    for (int i = 0; i < 20000; ++i) {
        const double value = (random.fraction() - 0.5) * std::pow(10.0, static_cast<double>(i % 40) - 20.0);
        const std::string text = to_text(Json(value));
        const auto read = parse_json(text);
        ASSERT_TRUE(read) << text;
        ASSERT_EQ(read->get_double(), value) << text;
    }
    EXPECT_EQ(to_text(parse_json("0.9761935865354141").value()), "0.9761935865354141");
    EXPECT_EQ(parse_json("1e999").error().code, Errc::malformed);
}

TEST(JsonParse, RefusesTrailingTextDepthAndTruncation) {
    EXPECT_EQ(parse_json("{} x").error().code, Errc::malformed);
    EXPECT_EQ(parse_json("{\"a\":").error().code, Errc::malformed);
    EXPECT_EQ(parse_json("").error().code, Errc::malformed);
    EXPECT_EQ(parse_json("[[[1]]]", 2).error().code, Errc::malformed);
    EXPECT_TRUE(parse_json(" {} \n"));
    EXPECT_EQ(parse_json_object("[]").error().code, Errc::malformed);
}

}  // namespace
}  // namespace selvage
