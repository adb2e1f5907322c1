#include "cloud/twins/configuration_content.h"

#include <gtest/gtest.h>

namespace selvage::cloud::twins {
namespace {

struct Row {
    const char* name;
    const char* current;
    const char* values;  // of one module
    const char* want;    // null: refused
};
constexpr Row kRows[] = {
    {"whole document", R"({"old":1})", R"({"properties.desired":{"a":1}})", R"({"a":1})"},
    {"a path", R"({"old":1})", R"({"properties.desired.a.b":2})", R"({"old":1,"a":{"b":2}})"},
    {"a path replaces what is there", R"({"a":{"b":1,"c":2}})", R"({"properties.desired.a":{"d":3}})",
     R"({"a":{"d":3}})"},
    {"a null removes", R"({"a":1,"b":2})", R"({"properties.desired.a":null})", R"({"b":2})"},
    {"a path through a scalar", R"({"a":1})", R"({"properties.desired.a.b":2})", R"({"a":{"b":2}})"},
    {"a longer path behind a shorter, whatever their order", R"({})",
     R"({"properties.desired.a":1,"properties.desired":{"b":2}})", R"({"b":2,"a":1})"},
    {"a name in brackets", R"({})", R"({"properties.desired.[[x.y]].z":1})", R"({"x.y":{"z":1}})"},
    {"nulls in a document are dropped", R"({})", R"({"properties.desired":{"a":null,"b":{"c":null}}})", R"({"b":{}})"},
    {"another section", R"({})", R"({"properties.reported":{}})", nullptr},
    {"a name that only begins so", R"({})", R"({"properties.desiredX":{}})", nullptr},
    {"an empty name", R"({})", R"({"properties.desired..a":1})", nullptr},
    {"an open bracket", R"({})", R"({"properties.desired.[[a":1})", nullptr},
    {"a scalar for the document", R"({})", R"({"properties.desired":5})", nullptr},
    {"a version inside", R"({})", R"({"properties.desired":{"a":{"$version":4}}})", nullptr},
};

TEST(ConfigurationContent, SetsPathsOfDesiredProperties) {
    for (const auto& row : kRows) {
        const JsonObject content{{"modulesContent", JsonObject{{"m", *parse_json(row.values)}}}};
        const auto changes = read_content(content);
        ASSERT_EQ(changes.has_value(), row.want != nullptr) << row.name << (changes ? "" : changes.error().detail);
        if (!changes) {
            EXPECT_EQ(changes.error().code, Errc::invalid_argument) << row.name;
            continue;
        }
        EXPECT_EQ(to_text(changed_document(*parse_json_object(row.current), changes->front())), row.want) << row.name;
    }
}

TEST(ConfigurationContent, NeedsModulesThatCanExist) {
    EXPECT_FALSE(read_content({}));
    EXPECT_FALSE(read_content(*parse_json_object(R"({"modulesContent":{"a b":{"properties.desired":{}}}})")));
    EXPECT_FALSE(read_content(*parse_json_object(R"({"modulesContent":{"m":5}})")));
    EXPECT_TRUE(read_content(*parse_json_object(R"({"moduleContent":{"m":{"properties.desired":{}}}})")))
        << "the older name";
    JsonObject many;
    for (int i = 0; i < 51; ++i)
        many["m" + std::to_string(i)] = JsonObject{};
    EXPECT_FALSE(read_content({{"modulesContent", many}}));
}

}  // namespace
}  // namespace selvage::cloud::twins
