// Each rule says how long a match it has at the current place; the longest is taken. The rules are few and the texts are
// short (a route), so trying all of them at each place is the simplest thing that follows the reference exactly.
#include "query/lexer/lexer.h"

#include <algorithm>

#include "base/encoding.h"

namespace selvage::query {
namespace {

constexpr std::string_view kWhiteSpace = " \t\r\n";
constexpr std::string_view kNotInIdentifier = "()<>@,;:\\\"/[]?={} \t\n\r";
constexpr std::string_view kNotInQueryPath = "()<>@,;:\\\"/?={} \t\n\r";

bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_hex_digit(char c) { return is_digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F'); }

std::size_t span_without(std::string_view text, std::string_view forbidden) {
    const auto end = text.find_first_of(forbidden);
    return end == text.npos ? text.size() : end;
}

std::size_t span_of_digits(std::string_view text) {
    const auto end = std::find_if_not(text.begin(), text.end(), is_digit);
    return static_cast<std::size_t>(end - text.begin());
}

struct Match {
    TokenKind kind;
    std::size_t length;
};

// A quoted text, closed or not. A backslash is legal only before a quote, a backslash or uXXXX; elsewhere the text ends
// unterminated in front of it.
Match match_string(std::string_view text) {
    const char quote = text[0];
    std::size_t at = 1;
    while (at < text.size()) {
        if (text[at] == quote) return {TokenKind::string, at + 1};
        if (text[at] != '\\') {
            ++at;
            continue;
        }
        if (at + 1 >= text.size()) break;
        const char escaped = text[at + 1];
        if (escaped == '"' || escaped == '\'' || escaped == '\\') {
            at += 2;
        } else if (escaped == 'u' && at + 6 <= text.size() &&
                   std::all_of(text.begin() + static_cast<std::ptrdiff_t>(at) + 2,
                               text.begin() + static_cast<std::ptrdiff_t>(at) + 6, is_hex_digit)) {
            at += 6;
        } else {
            break;
        }
    }
    return {TokenKind::unterminated_string, at};
}

// [Ee][+-]?digits at `text`; 0 when it is not one.
std::size_t exponent_length(std::string_view text) {
    if (text.empty() || (text[0] != 'e' && text[0] != 'E')) return 0;
    std::size_t at = 1;
    if (at < text.size() && (text[at] == '+' || text[at] == '-')) ++at;
    const auto digits = span_of_digits(text.substr(at));
    return digits == 0 ? 0 : at + digits;
}

Match match_number(std::string_view text) {
    if (text.size() > 2 && text[0] == '0' && (text[1] == 'x' || text[1] == 'X') && is_hex_digit(text[2])) {
        std::size_t at = 2;
        while (at < text.size() && is_hex_digit(text[at])) ++at;
        return {TokenKind::hex, at};
    }
    const std::size_t sign = text[0] == '-' ? 1 : 0;
    const auto whole = span_of_digits(text.substr(sign));
    const auto behind_whole = sign + whole;
    Match best{TokenKind::integer, whole > 0 ? behind_whole : 0};
    if (behind_whole < text.size() && text[behind_whole] == '.') {
        const auto fraction = span_of_digits(text.substr(behind_whole + 1));
        if (fraction > 0) {
            const auto end = behind_whole + 1 + fraction;
            best = {TokenKind::real, end + exponent_length(text.substr(end))};
        }
    } else if (const auto exponent = exponent_length(text.substr(behind_whole)); exponent > 0) {
        best = {TokenKind::real, behind_whole + exponent};
    }
    return best;
}

struct Fixed {
    std::string_view text;
    TokenKind kind;
};
constexpr Fixed kKeywords[] = {
    {"select", TokenKind::select},    {"from", TokenKind::from},       {"where", TokenKind::where},
    {"into", TokenKind::into},        {"and", TokenKind::and_operator}, {"or", TokenKind::or_operator},
    {"not", TokenKind::not_operator},
};
constexpr Fixed kLiterals[] = {
    {"true", TokenKind::true_literal},
    {"false", TokenKind::false_literal},
    {"null", TokenKind::null_literal},
    {"undefined", TokenKind::undefined_literal},
};
// Longer ones first.
constexpr Fixed kOperators[] = {
    {"!=", TokenKind::not_equal},     {"<>", TokenKind::not_equal},
    {"<=", TokenKind::less_equal},    {">=", TokenKind::greater_equal},
    {"||", TokenKind::concat},        {"??", TokenKind::coalesce},
    {"(", TokenKind::open_parenthesis}, {")", TokenKind::close_parenthesis},
    {"{", TokenKind::open_brace},     {"}", TokenKind::close_brace},
    {",", TokenKind::comma},          {"+", TokenKind::plus},
    {"-", TokenKind::minus},          {"*", TokenKind::star},
    {"/", TokenKind::slash},          {"%", TokenKind::percent},
    {"=", TokenKind::equal},          {">", TokenKind::greater},
    {"<", TokenKind::less},
};

Match match_operator(std::string_view text) {
    for (const auto& fixed : kOperators)
        if (text.starts_with(fixed.text)) return {fixed.kind, fixed.text.size()};
    return {TokenKind::unknown_symbol, 0};
}

// Identifier-like texts: keywords and literals are those of full identifier length.
Match match_word(std::string_view text) {
    if (text.size() > 1 && text[0] == '$') {
        const auto length = span_without(text.substr(1), kNotInQueryPath);
        if (length > 0) return {TokenKind::system_property, length + 1};
    }
    const auto length = span_without(text, kNotInIdentifier);
    const auto path_length = span_without(text, kNotInQueryPath);
    if (path_length > length) return {TokenKind::query_path, path_length};
    const auto word = text.substr(0, length);
    for (const auto& keyword : kKeywords)
        if (equals_ignoring_case(word, keyword.text)) return {keyword.kind, length};
    for (const auto& literal : kLiterals)
        if (word == literal.text) return {literal.kind, length};
    return {TokenKind::identifier, length};
}

Match longest_match(std::string_view text) {
    // In the order of precedence among equal lengths: texts and numbers, then operators, then words.
    Match best{TokenKind::unknown_symbol, 0};
    const auto take = [&best](Match match) {
        if (match.length > best.length) best = match;
    };
    if (text[0] == '"' || text[0] == '\'') take(match_string(text));
    take(match_number(text));
    take(match_operator(text));
    take(match_word(text));
    return best.length > 0 ? best : Match{TokenKind::unknown_symbol, 1};
}

// Length of white space or of a comment at the front; 0 for neither.
std::size_t hidden_length(std::string_view text) {
    const auto white = text.find_first_not_of(kWhiteSpace);
    if (white != 0) return white == text.npos ? text.size() : white;
    if (!text.starts_with("/*")) return 0;
    const auto end = text.find("*/", 2);
    return end == text.npos ? 0 : end + 2;
}

}  // namespace

std::vector<Token> tokenize(std::string_view text) {
    std::vector<Token> tokens;
    std::size_t at = 0;
    while (at < text.size()) {
        const auto rest = text.substr(at);
        if (const auto hidden = hidden_length(rest); hidden > 0) {
            at += hidden;
            continue;
        }
        const auto match = longest_match(rest);
        tokens.push_back({match.kind, rest.substr(0, match.length), at});
        at += match.length;
    }
    tokens.push_back({TokenKind::end, text.substr(text.size()), text.size()});
    return tokens;
}

std::string position_text(std::string_view text, std::size_t begin) {
    const auto before = text.substr(0, std::min(begin, text.size()));
    const auto line = 1 + std::count(before.begin(), before.end(), '\n');
    const auto line_begin = before.rfind('\n');
    const auto column = line_begin == before.npos ? before.size() + 1 : before.size() - line_begin;
    return "line " + std::to_string(line) + ", column " + std::to_string(column);
}

}  // namespace selvage::query
