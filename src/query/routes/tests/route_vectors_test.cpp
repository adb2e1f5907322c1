// The table of routes, one row a fact. `expect`: true = delivered, false = the source or condition does not match, "error" =
// the route is refused. Rows whose route has a condition check the cut, not the evaluation.
#include <gtest/gtest.h>

#include "base/file.h"
#include "base/json.h"
#include "query/routes/route.h"
#include "query/routes/route_table.h"

namespace selvage::query {
namespace {

JsonArray rows() {
    const auto text = read_file(SELVAGE_ROUTE_VECTORS);
    const auto json = parse_json(*text);
    return json->as_array();
}

// Sources are equal when they are the same without stars and slashes at the end.
std::string_view bare(std::string_view source) {
    while (source.ends_with('*') || source.ends_with('/')) source.remove_suffix(1);
    return source;
}

void check_parse(const JsonObject& row, const ParsedRoute& parsed) {
    const auto id = find_text(row, "id");
    if (const auto source = find_text(row, "expectSource"); !source.empty())
        EXPECT_EQ(bare(parsed.source), bare(source)) << id;
    if (const auto condition = find_text(row, "expectCondition"); !condition.empty())
        EXPECT_EQ(parsed.condition, condition) << id;
    const auto* endpoint = find(row, "expectEndpoint");
    if (endpoint == nullptr) return;
    if (endpoint->is_string()) {
        EXPECT_TRUE(std::holds_alternative<UpstreamSink>(parsed.sink)) << id;
    } else {
        const ModuleInputSink want{std::string(find_text(endpoint->as_object(), "module")),
                                   std::string(find_text(endpoint->as_object(), "input"))};
        EXPECT_EQ(parsed.sink, Sink(want)) << id;
    }
}

TEST(RouteVectors, EveryRowHolds) {
    std::size_t checked = 0;
    for (const auto& value : rows()) {
        const auto& row = value.as_object();
        const auto id = find_text(row, "id");
        const auto& expect = row.at("expect");
        const auto path = find_text(row, "source", "/messages");
        ++checked;
        if (const auto pattern = find_text(row, "sourcePattern"); !pattern.empty()) {
            EXPECT_EQ(SourcePattern(pattern).matches(path), expect.as_bool()) << id;
            continue;
        }
        const auto text = find_text(row, "route");
        const auto parsed = parse_route(text);
        const bool want_error = expect.is_string() && expect.as_string() == "error";
        if (want_error) {
            EXPECT_FALSE(compile_route("r", text).has_value()) << id << ": " << text;
            continue;
        }
        ASSERT_TRUE(parsed.has_value()) << id << ": " << text << ": " << parsed.error().detail;
        check_parse(row, *parsed);
        const bool matches = SourcePattern(parsed->source).matches(path);
        if (parsed->condition == "true" && expect.is_bool())
            EXPECT_EQ(matches, expect.as_bool()) << id << ": " << text;
        else if (expect.is_bool() && expect.as_bool())
            EXPECT_TRUE(matches) << id << ": " << text;
    }
    EXPECT_GT(checked, 80u);
}

}  // namespace
}  // namespace selvage::query
