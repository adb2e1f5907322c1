// RFC 9112 sections 2 to 6. Two programs that disagree on where a message ends let an attacker hide
// a request in another (request smuggling), so every shape that has two readings is refused: both
// lengths, two lengths, folded fields, a space before the colon, a transfer coding other than
// chunked.
#include "codec/http1/head.h"

#include <fmt/format.h>

#include <optional>

#include "base/encoding.h"

namespace selvage::codec::http1 {
namespace {

// A head has about ten fields; a bound keeps 64 KiB of empty fields from becoming megabytes of
// strings.
constexpr std::size_t kFieldsMax = 256;

bool is_token(std::string_view text) {
    constexpr std::string_view kOthers = "!#$%&'*+-.^_`|~";  // RFC 9110 5.6.2
    for (const char c : text) {
        const bool alphanumeric =
            (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
        if (!alphanumeric && kOthers.find(c) == std::string_view::npos) return false;
    }
    return !text.empty();
}

bool is_control(char c) {
    return static_cast<unsigned char>(c) < 0x20 || c == 0x7f;
}

std::string_view next_line(std::string_view& text) {
    const auto end = text.find('\n');
    auto line = text.substr(0, end);
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
    if (line.ends_with('\r')) line.remove_suffix(1);
    return line;
}

Result<std::uint64_t> parse_length(std::string_view text) {
    if (text.empty() || text.size() > 18)
        return fail(Errc::malformed, "Content-Length is not a number");
    std::uint64_t value = 0;
    for (const char c : text) {
        if (c < '0' || c > '9') return fail(Errc::malformed, "Content-Length is not a number");
        value = value * 10 + static_cast<std::uint64_t>(c - '0');
    }
    return value;
}

// "HTTP/1.0" or "HTTP/1.1".
Result<int> parse_version(std::string_view text) {
    if (text == "HTTP/1.1") return 1;
    if (text == "HTTP/1.0") return 0;
    return fail(Errc::malformed, "not HTTP/1.1");
}

Result<> parse_request_line(std::string_view line, Head& head) {
    const auto first = line.find(' ');
    const auto last = line.rfind(' ');
    if (first == std::string_view::npos || first == last)
        return fail(Errc::malformed, "the request line has not three parts");
    const auto method = line.substr(0, first);
    const auto target = line.substr(first + 1, last - first - 1);
    if (!is_token(method)) return fail(Errc::malformed, "the method is not a word");
    if (target.empty()) return fail(Errc::malformed, "the request has no target");
    for (const char c : target)
        if (is_control(c) || c == ' ')
            return fail(Errc::malformed, "the target holds a blank or a control character");
    SELVAGE_TRY(head.minor_version, parse_version(line.substr(last + 1)));
    head.method = method;
    head.target = target;
    return {};
}

Result<> parse_status_line(std::string_view line, Head& head) {
    SELVAGE_TRY(head.minor_version, parse_version(line.substr(0, 8)));
    // "HTTP/1.1 200 OK"; the words, and the blank before them, may be missing.
    const auto rest = line.substr(8);
    if (rest.size() < 4 || rest[0] != ' ' || (rest.size() > 4 && rest[4] != ' '))
        return fail(Errc::malformed, "the status line has no status");
    for (const char c : rest.substr(1, 3))
        if (c < '0' || c > '9') return fail(Errc::malformed, "the status is not a number");
    head.status = (rest[1] - '0') * 100 + (rest[2] - '0') * 10 + (rest[3] - '0');
    if (head.status < 100) return fail(Errc::malformed, "the status is below 100");
    head.reason = rest.size() > 5 ? rest.substr(5) : std::string_view();
    return {};
}

Result<std::pair<std::string_view, std::string_view>> split_field(std::string_view line) {
    if (line.starts_with(' ') || line.starts_with('\t'))
        return fail(Errc::malformed, "a header field is folded");
    const auto colon = line.find(':');
    if (colon == std::string_view::npos || !is_token(line.substr(0, colon)))
        return fail(Errc::malformed, "a header line is not 'name: value'");
    auto value = line.substr(colon + 1);
    while (value.starts_with(' ') || value.starts_with('\t'))
        value.remove_prefix(1);
    while (value.ends_with(' ') || value.ends_with('\t'))
        value.remove_suffix(1);
    for (const char c : value)
        if (is_control(c) && c != '\t')
            return fail(Errc::malformed, "a header value holds a control character");
    return std::pair{line.substr(0, colon), value};
}

// Whether the comma list `value` holds `token`, without case.
bool has_token(std::string_view value, std::string_view token) {
    while (!value.empty()) {
        const auto comma = value.find(',');
        if (equals_ignoring_case(trim(value.substr(0, comma)), token)) return true;
        value.remove_prefix(comma == std::string_view::npos ? value.size() : comma + 1);
    }
    return false;
}

// What the fields say about the message.
struct Facts {
    std::optional<std::uint64_t> length;
    bool chunked = false;
    bool close = false;
    bool stay = false;
    bool connection_upgrade = false;
    bool upgrade_field = false;
    int hosts = 0;
};

Result<> note_field(std::string_view name, std::string_view value, Facts& facts, Head& head) {
    if (equals_ignoring_case(name, "Content-Length")) {
        SELVAGE_TRY(const auto length, parse_length(value));
        if (facts.length && *facts.length != length)
            return fail(Errc::malformed, "two different Content-Lengths");
        facts.length = length;
    } else if (equals_ignoring_case(name, "Transfer-Encoding")) {
        if (facts.chunked || !equals_ignoring_case(value, "chunked"))
            return fail(Errc::malformed, "the only transfer coding understood is one 'chunked'");
        facts.chunked = true;
    } else if (equals_ignoring_case(name, "Connection")) {
        facts.close |= has_token(value, "close");
        facts.stay |= has_token(value, "keep-alive");
        facts.connection_upgrade |= has_token(value, "upgrade");
    } else if (equals_ignoring_case(name, "Upgrade")) {
        facts.upgrade_field = true;
    } else if (equals_ignoring_case(name, "Expect")) {
        head.expect_continue |= equals_ignoring_case(value, "100-continue");
    } else if (equals_ignoring_case(name, "Host")) {
        if (++facts.hosts > 1) return fail(Errc::malformed, "two Host fields");
    }
    return {};
}

}  // namespace

Result<Framed> parse_head(Parser::Role role, std::string_view text, bool no_body) {
    Framed out;
    Facts facts;
    const auto first = next_line(text);
    const bool request = role == Parser::Role::requests;
    SELVAGE_CHECK(request ? parse_request_line(first, out.head)
                          : parse_status_line(first, out.head));

    for (auto line = next_line(text); !line.empty(); line = next_line(text)) {
        SELVAGE_TRY(const auto field, split_field(line));
        if (out.head.fields.size() >= kFieldsMax)
            return fail(Errc::quota_exceeded,
                        fmt::format("more than {} header fields", kFieldsMax));
        SELVAGE_CHECK(note_field(field.first, field.second, facts, out.head));
        out.head.fields.emplace_back(field.first, field.second);
    }
    if (facts.chunked && facts.length)
        return fail(Errc::malformed, "both Transfer-Encoding and Content-Length");
    if (facts.chunked && out.head.minor_version == 0)
        return fail(Errc::malformed, "HTTP/1.0 has no Transfer-Encoding");

    const int status = out.head.status;
    out.head.keep_alive = !facts.close && (out.head.minor_version == 1 || facts.stay);
    out.head.upgrade =
        facts.connection_upgrade && facts.upgrade_field && (request || status == 101);
    // RFC 9112 6.3: the order of these rules is the standard's.
    const bool bodiless = !request && (no_body || status < 200 || status == 204 || status == 304);
    if (bodiless) {
        out.framing = Framing::none;
    } else if (facts.chunked) {
        out.framing = Framing::chunked;
    } else if (facts.length) {
        out.framing = Framing::length;
        out.length = *facts.length;
    } else if (!request) {
        out.framing = Framing::until_close;
        out.head.keep_alive = false;
    }
    return out;
}

Result<> check_field_line(std::string_view line) {
    SELVAGE_CHECK(split_field(line));
    return {};
}

Result<std::uint64_t> parse_chunk_size(std::string_view line) {
    std::uint64_t size = 0;
    std::size_t digits = 0;
    for (; digits < line.size(); ++digits) {
        const char c = line[digits];
        int value = 0;
        if (c >= '0' && c <= '9')
            value = c - '0';
        else if (c >= 'a' && c <= 'f')
            value = c - 'a' + 10;
        else if (c >= 'A' && c <= 'F')
            value = c - 'A' + 10;
        else
            break;
        // 15 digits are more than any disk holds, and cannot overflow.
        if (digits >= 15) return fail(Errc::malformed, "a chunk's size has too many digits");
        size = size * 16 + static_cast<std::uint64_t>(value);
    }
    if (digits == 0) return fail(Errc::malformed, "a chunk has no size");
    auto rest = line.substr(digits);
    while (rest.starts_with(' ') || rest.starts_with('\t'))
        rest.remove_prefix(1);
    if (!rest.empty() && rest[0] != ';')
        return fail(Errc::malformed, "a chunk's size is not hexadecimal");
    for (const char c : rest)
        if (is_control(c) && c != '\t')
            return fail(Errc::malformed, "a chunk extension holds a control character");
    return size;
}

}  // namespace selvage::codec::http1
