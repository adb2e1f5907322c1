#include "query/lexer/lexer.h"

#include <gtest/gtest.h>

namespace selvage::query {
namespace {

using K = TokenKind;

struct Row {
    const char* text;
    std::vector<std::pair<K, std::string>> tokens;
};

TEST(Lexer, CutsAsTheReferenceGrammarDoes) {
    const Row rows[] = {
        {"key1+3", {{K::identifier, "key1+3"}}},
        {"a!=b", {{K::identifier, "a!"}, {K::equal, "="}, {K::identifier, "b"}}},
        {"a != b", {{K::identifier, "a"}, {K::not_equal, "!="}, {K::identifier, "b"}}},
        {"3/4", {{K::integer, "3"}, {K::slash, "/"}, {K::integer, "4"}}},
        {"3 -4", {{K::integer, "3"}, {K::integer, "-4"}}},
        {"-(3)", {{K::minus, "-"}, {K::open_parenthesis, "("}, {K::integer, "3"}, {K::close_parenthesis, ")"}}},
        {"-undefined", {{K::identifier, "-undefined"}}},
        {"TRUE true", {{K::identifier, "TRUE"}, {K::true_literal, "true"}}},
        {"And aNd_", {{K::and_operator, "And"}, {K::identifier, "aNd_"}}},
        {"'it''s'", {{K::identifier, "'it''s'"}}},
        {"'a b'", {{K::string, "'a b'"}}},
        {"'abc'", {{K::string, "'abc'"}}},
        {R"("a\"b")", {{K::string, R"("a\"b")"}}},
        {R"('a\u00e9')", {{K::string, R"('a\u00e9')"}}},
        {R"("abc)", {{K::unterminated_string, R"("abc)"}}},
        {R"("a\q")", {{K::unterminated_string, R"("a)"}, {K::unknown_symbol, "\\"}, {K::identifier, "q"},
                      {K::unterminated_string, "\""}}},
        {"key[0]", {{K::query_path, "key[0]"}}},
        {"$body.a[0]", {{K::system_property, "$body.a[0]"}}},
        {"$", {{K::identifier, "$"}}},
        {"0x1F 1.5 .5 1e5 e5 2e", {{K::hex, "0x1F"}, {K::real, "1.5"}, {K::real, ".5"}, {K::real, "1e5"}, {K::real, "e5"},
                                   {K::identifier, "2e"}}},
        {"-", {{K::minus, "-"}}},
        {"a ?? b", {{K::identifier, "a"}, {K::coalesce, "??"}, {K::identifier, "b"}}},
        {"a ? @", {{K::identifier, "a"}, {K::unknown_symbol, "?"}, {K::unknown_symbol, "@"}}},
        {"a||b", {{K::identifier, "a||b"}}},
        {"a || b", {{K::identifier, "a"}, {K::concat, "||"}, {K::identifier, "b"}}},
        {"/messages/*", {{K::slash, "/"}, {K::identifier, "messages"}, {K::slash, "/"}, {K::star, "*"}}},
        {"/a/*/b/*/c", {{K::slash, "/"}, {K::identifier, "a"}, {K::identifier, "c"}}},
        {"a /* hidden */ b", {{K::identifier, "a"}, {K::identifier, "b"}}},
        {"<=<>>=", {{K::less_equal, "<="}, {K::not_equal, "<>"}, {K::greater_equal, ">="}}},
    };
    for (const auto& row : rows) {
        const auto tokens = tokenize(row.text);
        ASSERT_EQ(tokens.size(), row.tokens.size() + 1) << row.text;
        for (std::size_t i = 0; i < row.tokens.size(); ++i) {
            EXPECT_EQ(tokens[i].kind, row.tokens[i].first) << row.text << " token " << i << ": " << tokens[i].text;
            EXPECT_EQ(tokens[i].text, row.tokens[i].second) << row.text;
        }
        EXPECT_EQ(tokens.back().kind, K::end) << row.text;
    }
}

TEST(Lexer, NamesPlacesByLineAndColumn) {
    EXPECT_EQ(position_text("abc", 0), "line 1, column 1");
    EXPECT_EQ(position_text("ab\ncd", 4), "line 2, column 2");
}

}  // namespace
}  // namespace selvage::query
