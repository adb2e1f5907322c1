#include <gtest/gtest.h>

#include "query/routes/route.h"

namespace selvage::query {
namespace {

TEST(ParseRoute, TellsWhatItIgnoredBehindTheSink) {
    const auto route = parse_route("FROM /messages/* INTO $upstream WHERE x = 1");
    ASSERT_TRUE(route.has_value());
    EXPECT_EQ(route->condition, "true");
    EXPECT_EQ(route->ignored, "WHERE x = 1");
}

TEST(ParseRoute, ReadsTheAddressOfAModuleInputByPosition) {
    const auto route = parse_route("FROM /* INTO brokeredendpoint(' /a/m1/b/i1/ ')");
    ASSERT_TRUE(route.has_value()) << route.error().detail;
    EXPECT_EQ(route->sink, Sink(ModuleInputSink{"m1", "i1"}));
}

struct Row {
    const char* text;
    Errc code;
    const char* detail;
};

TEST(ParseRoute, SaysWhatIsWrongAndWhere) {
    const Row rows[] = {
        {"FROM /messages/ INTO $upstream", Errc::malformed,
         "Syntax error. found 'INTO' at line 1, column 17, expected a name or '*' behind '/'"},
        {"FROM /messages/* INTO upstream", Errc::malformed, "Syntax error. the route ends at line 1, column 31, expected '('"},
        {"FROM /messages/*\nWHERE @ INTO $upstream", Errc::malformed, "Syntax error: invalid symbol '@' (line 2, column 7)"},
        {"FROM /m INTO BrokeredEndpoint(\"/modules/a", Errc::malformed,
         "Syntax error: unterminated string (line 1, column 31)"},
        {"FROM /m INTO $down", Errc::unsupported, "System endpoint type '$down' not supported."},
        {"FROM /m INTO Nope('/modules/a/inputs/b')", Errc::unsupported, "Function endpoint type 'Nope' not supported."},
        {"FROM /m INTO BrokeredEndpoint('/modules/a/inputs')", Errc::invalid_argument,
         "Parameter string modules/a/inputs could not be parsed. Expect input in this format - "
         "/modules/{mid}/inputs/{input}"},
    };
    for (const auto& row : rows) {
        const auto route = parse_route(row.text);
        ASSERT_FALSE(route.has_value()) << row.text;
        EXPECT_EQ(route.error().code, row.code) << row.text;
        EXPECT_EQ(route.error().detail, row.detail);
    }
}

}  // namespace
}  // namespace selvage::query
