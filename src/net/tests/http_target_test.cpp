#include <gtest/gtest.h>

#include "net/http.h"

namespace selvage::net {
namespace {

using Path = std::vector<std::string>;
using Query = std::vector<std::pair<std::string, std::string>>;

TEST(HttpTarget, CutsAndDecodesPathAndQuery) {
    struct Row {
        const char* target;
        Path path;
        Query query;
    };
    const Row rows[] = {
        {"/", {}, {}},
        {"/devices/d%2F1/?top=3", {"devices", "d/1"}, {{"top", "3"}}},
        {"/a//b", {"a", "", "b"}, {}},
        {"/modules/%24edgeAgent?api-version=2018-06-28",
         {"modules", "$edgeAgent"},
         {{"api-version", "2018-06-28"}}},
        {"/x?a=1+2&b&c=%3D=&&d=", {"x"}, {{"a", "1+2"}, {"b", ""}, {"c", "=="}, {"d", ""}}},
        {"/a%252Fb", {"a%2Fb"}, {}},
        {"http://hub.example/devices?x=1", {"devices"}, {{"x", "1"}}},
        {"HTTPS://hub.example", {}, {}},
        {"?x=1", {}, {{"x", "1"}}},
    };
    for (const auto& row : rows) {
        const auto target = parse_target(row.target);
        ASSERT_TRUE(target) << row.target;
        EXPECT_EQ(target->path, row.path) << row.target;
        EXPECT_EQ(target->query, row.query) << row.target;
    }
}

TEST(HttpTarget, RefusesWhatIsNoTarget) {
    for (const char* target : {"", "devices", "*", "/%zz", "/a%0", "/a%00b", "/a?b=%", "ftp://h/"})
        EXPECT_EQ(parse_target(target).error().code, Errc::malformed) << target;
}

TEST(HttpTarget, TheLastValueOfANameCounts) {
    const auto target = *parse_target("/?a=1&A=2&a=3");
    ASSERT_NE(target.get("a"), nullptr);
    EXPECT_EQ(*target.get("a"), "3");
    EXPECT_EQ(target.get("b"), nullptr);
}

TEST(HttpHeaders, CompareWithoutCaseAndKeepTheirOrder) {
    HttpHeaders headers;
    headers.add("Content-Type", "text/plain");
    headers.add("X-One", "1");
    headers.add("x-one", "2");
    EXPECT_EQ(headers.get("content-type"), "text/plain");
    EXPECT_EQ(headers.get("X-ONE"), "1");
    EXPECT_FALSE(headers.has("X-Two"));
    headers.set("X-ONE", headers.get("x-one"));
    EXPECT_EQ(headers.fields, (Query{{"Content-Type", "text/plain"}, {"X-ONE", "1"}}));
}

}  // namespace
}  // namespace selvage::net
