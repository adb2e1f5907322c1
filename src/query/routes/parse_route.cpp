// A recursive descent over the tokens. The condition is not looked into here: INTO is a keyword and cannot stand inside an
// expression, so the condition is what lies between WHERE and the next INTO. The reference does not anchor the grammar at
// the end of the text; neither do we, but the caller learns what was ignored.
#include <vector>

#include "base/encoding.h"
#include "query/lexer/lexer.h"
#include "query/routes/route.h"

namespace selvage::query {
namespace {

class Parser {
public:
    explicit Parser(std::string_view text) : text_(text), tokens_(tokenize(text)) {}

    Result<ParsedRoute> route() {
        ParsedRoute parsed;
        if (take(TokenKind::select)) {
            SELVAGE_CHECK(expect(TokenKind::star, "'*' behind SELECT"));
        }
        SELVAGE_CHECK(expect(TokenKind::from, "FROM"));
        SELVAGE_TRY(parsed.source, source());
        parsed.condition = "true";
        if (take(TokenKind::where)) {
            SELVAGE_TRY(parsed.condition, condition());
        }
        SELVAGE_CHECK(expect(TokenKind::into, "INTO"));
        SELVAGE_TRY(parsed.sink, sink());
        if (here().kind != TokenKind::end) parsed.ignored = text_.substr(here().begin);
        return parsed;
    }

private:
    const Token& here() const { return tokens_[at_]; }
    bool take(TokenKind kind) {
        if (here().kind != kind) return false;
        ++at_;
        return true;
    }

    std::unexpected<Error> syntax_error(std::string_view wanted) const {
        const auto place = position_text(text_, here().begin);
        if (here().kind == TokenKind::unterminated_string)
            return fail(Errc::malformed, "Syntax error: unterminated string (" + place + ")");
        if (here().kind == TokenKind::unknown_symbol)
            return fail(Errc::malformed, "Syntax error: invalid symbol '" + std::string(here().text) + "' (" + place + ")");
        std::string found = here().kind == TokenKind::end ? "the route ends" : "found '" + std::string(here().text) + "'";
        return fail(Errc::malformed, "Syntax error. " + found + " at " + place + ", expected " + std::string(wanted));
    }

    Result<> expect(TokenKind kind, std::string_view wanted) {
        if (!take(kind)) return syntax_error(wanted);
        return {};
    }

    Result<std::string> source() {
        if (here().kind != TokenKind::slash) return syntax_error("a source such as /messages/*");
        std::string path;
        while (take(TokenKind::slash)) {
            if (here().kind != TokenKind::star && here().kind != TokenKind::identifier)
                return syntax_error("a name or '*' behind '/'");
            path.append("/").append(here().text);
            ++at_;
        }
        return path;
    }

    Result<std::string> condition() {
        const auto first = at_;
        while (here().kind != TokenKind::into) {
            const auto kind = here().kind;
            if (kind == TokenKind::end) return syntax_error("INTO behind the condition");
            if (kind == TokenKind::unterminated_string || kind == TokenKind::unknown_symbol ||
                kind == TokenKind::query_path || kind == TokenKind::from || kind == TokenKind::where ||
                kind == TokenKind::select)
                return syntax_error("a condition");
            ++at_;
        }
        if (at_ == first) return syntax_error("a condition");
        const auto& last = tokens_[at_ - 1];
        const auto begin = tokens_[first].begin;
        return std::string(text_.substr(begin, last.begin + last.text.size() - begin));
    }

    Result<Sink> sink() {
        const Token name = here();
        if (take(TokenKind::system_property)) {
            if (!equals_ignoring_case(name.text, "$upstream"))
                return fail(Errc::unsupported, "System endpoint type '" + std::string(name.text) + "' not supported.");
            return UpstreamSink{};
        }
        if (!take(TokenKind::identifier)) return syntax_error("$upstream or BrokeredEndpoint(\"/modules/…/inputs/…\")");
        SELVAGE_CHECK(expect(TokenKind::open_parenthesis, "'('"));
        const Token address = here();
        SELVAGE_CHECK(expect(TokenKind::string, "a quoted address such as \"/modules/m1/inputs/i1\""));
        SELVAGE_CHECK(expect(TokenKind::close_parenthesis, "')'"));
        if (!equals_ignoring_case(name.text, "BrokeredEndpoint"))
            return fail(Errc::unsupported, "Function endpoint type '" + std::string(name.text) + "' not supported.");
        return module_input(address.text.substr(1, address.text.size() - 2));
    }

    // Segments 0 and 2 are not looked at: "/a/m/b/i" is the input i of module m. Wire: docs/wire/routes.md#sinks.
    static Result<Sink> module_input(std::string_view address) {
        auto rest = trim(address);
        if (rest.starts_with('/')) rest.remove_prefix(1);
        if (rest.ends_with('/')) rest.remove_suffix(1);
        std::vector<std::string_view> segments;
        std::size_t begin = 0;
        for (auto slash = rest.find('/'); slash != rest.npos; slash = rest.find('/', begin)) {
            segments.push_back(rest.substr(begin, slash - begin));
            begin = slash + 1;
        }
        segments.push_back(rest.substr(begin));
        if (segments.size() != 4 || segments[1].empty() || segments[3].empty())
            return fail(Errc::invalid_argument,
                        "Parameter string " + std::string(rest) +
                            " could not be parsed. Expect input in this format - /modules/{mid}/inputs/{input}");
        return ModuleInputSink{std::string(segments[1]), std::string(segments[3])};
    }

    std::string_view text_;
    std::vector<Token> tokens_;
    std::size_t at_ = 0;
};

}  // namespace

Result<ParsedRoute> parse_route(std::string_view text) { return Parser(text).route(); }

}  // namespace selvage::query
