#include <gtest/gtest.h>

#include "domain/twin.h"

namespace selvage::domain {
namespace {

JsonObject object(const std::string& text) {
    auto parsed = parse_json_object(text);
    EXPECT_TRUE(parsed) << text;
    return parsed ? *parsed : JsonObject{};
}

// {"l1":{"l2":…{}}}: the innermost object is at level `levels`.
std::string nested(int levels, const std::string& inner = "{}") {
    std::string text = inner;
    for (int level = levels; level > 0; --level) text = "{\"l" + std::to_string(level) + "\":" + text + "}";
    return text;
}

struct Row {
    const char* name;
    std::string values;
    std::string path;  // where it breaks; empty: it fits
};

TEST(TwinLimits, EachRefusalNamesThePath) {
    const std::string key1024(1024, 'k');
    const std::string text4096(4096, 't');
    const Row rows[] = {
        {"empty", "{}", ""},
        {"every type", R"({"a":1,"b":1.5,"c":true,"d":"x","e":[1,[2],{"f":3}],"g":{"h":null},"i":null})", ""},
        {"longest key", "{\"" + key1024 + "\":1}", ""},
        {"key too long", "{\"a\":{\"" + key1024 + "k\":1}}", "/a/" + std::string(64, 'k') + "...: key of 1025 bytes"},
        {"dot in a key", R"({"a":{"b.c":1}})", "/a/b.c: '.' in the key"},
        {"dollar in a key", R"({"$x":1})", "/$x: '$' in the key"},
        {"version sent along", R"({"a":1,"$version":3})", "/$version: '$' in the key"},
        {"space in a key", R"({"a b":1})", "/a b: ' ' in the key"},
        {"hash in a key", R"({"a#b":1})", ""},
        {"control character in a key", R"({"a\u0007":1})", "/a?: control character"},
        {"DEL in a key", R"({"\u007f":1})", "/?: control character"},
        {"C1 control in a key", R"({"x":{"\u0085":1}})", "/x/\xc2\x85: control character"},
        {"letter behind the C1 block", R"({"\u00a1\u00e9":1})", ""},
        {"key inside an array", R"({"a":[{"b.":1}]})", "/a/0/b.: '.' in the key"},
        {"longest string", "{\"a\":\"" + text4096 + "\"}", ""},
        {"string too long", "{\"a\":{\"b\":\"" + text4096 + "t\"}}", "/a/b: string of 4097 bytes, at most 4096"},
        {"string too long in an array", "{\"a\":[0,\"" + text4096 + "t\"]}", "/a/1: string of 4097 bytes"},
        {"largest integer", R"({"a":4503599627370495})", ""},
        {"integer too large", R"({"a":4503599627370496})", "/a: integer outside"},
        {"smallest integer", R"({"a":-4503599627370496})", ""},
        {"integer too small", R"({"a":-4503599627370497})", "/a: integer outside"},
        {"integer beyond 63 bits", R"({"a":18446744073709551615})", "/a: integer outside"},
        {"large number that is no integer", R"({"a":1e300})", ""},
        {"null as an element", R"({"a":[1,null]})", "/a/1: null inside an array"},
        {"null in an object in an array", R"({"a":[{"b":{"c":null}}]})", "/a/0/b/c: null inside an array"},
        {"ten levels", nested(10), ""},
        {"a value in the tenth level", nested(10, R"({"v":1})"), ""},
        {"eleven levels", nested(11), "/l1/l2/l3/l4/l5/l6/l7/l8/l9/l10/l11: nested 11 levels deep, at most 10"},
        {"arrays are levels", nested(9, "{\"a\":[[]]}"), "/l1/l2/l3/l4/l5/l6/l7/l8/l9/a/0: nested 11 levels"},
    };
    for (const Row& row : rows) {
        const auto checked = check_section(object(row.values), TwinLimits{});
        EXPECT_EQ(checked.has_value(), row.path.empty()) << row.name;
        if (checked) continue;
        EXPECT_EQ(checked.error().code, Errc::invalid_argument) << row.name;
        EXPECT_TRUE(checked.error().detail.starts_with(row.path)) << row.name << ": " << checked.error().detail;
    }
}

TEST(TwinLimits, CanBeRaised) {
    TwinLimits limits;
    limits.string_bytes_max = 5000;
    limits.depth_max = 12;
    EXPECT_TRUE(check_section(object("{\"a\":\"" + std::string(5000, 't') + "\"}"), limits));
    EXPECT_TRUE(check_section(object(nested(12)), limits));
}

TEST(TwinLimits, CountsKeysAndValuesAsTheHubDoes) {
    struct Count {
        const char* values;
        std::size_t bytes;
    };
    const Count counts[] = {
        {"{}", 0},
        {R"({"abc":1})", 3 + 8},
        {R"({"a":1.5,"b":true,"c":false})", 3 + 8 + 4 + 4},
        {R"({"a":"text"})", 1 + 4},
        {R"({"a":"t\n\u0085x\u007f"})", 1 + 2},
        {R"({"a":"\u00e9"})", 1 + 2},
        {R"({"a":{"b":{"c":"d"}}})", 4},
        {R"({"a":[1,"x",{"b":true}]})", 1 + 8 + 1 + 1 + 4},
        {R"({"$version":12,"$metadata":{"x":"y"},"a":null})", 1},
    };
    for (const Count& count : counts) EXPECT_EQ(counted_bytes(object(count.values)), count.bytes) << count.values;
}

}  // namespace
}  // namespace selvage::domain
