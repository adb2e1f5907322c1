// The tokens of routes and message conditions.
//
// Longest match wins; among equal lengths the earlier of the list below. Operator characters other than = < > / ? are
// also identifier characters, so `a-b` and `key1+3` are one identifier each: odd, and relied upon.
// Pure; any thread. Wire: docs/wire/routes.md#tokens.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace selvage::query {

enum class TokenKind : std::uint8_t {
    open_brace,
    close_brace,
    select,                // keywords in any case
    from,
    where,
    into,
    string,                // with its quotes, escapes as written
    unterminated_string,
    integer,
    hex,
    real,
    true_literal,          // lower case only, as are false, null and undefined
    false_literal,
    null_literal,
    undefined_literal,
    open_parenthesis,
    close_parenthesis,
    comma,
    plus,
    minus,
    star,
    slash,
    percent,
    and_operator,
    or_operator,
    not_operator,
    equal,
    not_equal,             // != and <>
    less_equal,
    greater_equal,
    greater,
    less,
    concat,                // ||
    coalesce,              // ??
    system_property,       // $name
    identifier,
    query_path,            // has [ or ]; no grammar takes it
    unknown_symbol,
    end,
};

struct Token {
    TokenKind kind = TokenKind::end;
    std::string_view text;     // into the text that was cut
    std::size_t begin = 0;
};

// All tokens, the last of kind `end`; white space and /* comments */ are left out. `text` must outlive the tokens.
std::vector<Token> tokenize(std::string_view text);

// "line 1, column 5" of a byte position, both from 1; for messages to people.
std::string position_text(std::string_view text, std::size_t begin);

}  // namespace selvage::query
