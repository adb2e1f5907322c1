#include "base/json.h"

#include <gtest/gtest.h>

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
