#include "base/json.h"

#include <boost/json/basic_parser_impl.hpp>
#include <fmt/core.h>

#include <charconv>
#include <cmath>

namespace selvage {
namespace {

// Bytes of the UTF-8 character that `text` begins with, which is no ASCII; 0: it begins with none (RFC 3629 section 4).
std::size_t character_bytes(std::string_view text) {
    const auto byte = [text](std::size_t i) { return i < text.size() ? static_cast<unsigned char>(text[i]) : 0u; };
    const auto follows = [&](std::size_t i) { return (byte(i) & 0xc0u) == 0x80u; };
    const unsigned first = byte(0);
    const unsigned second = byte(1);
    if (first < 0xc2 || first > 0xf4 || !follows(1)) return 0;
    if (first < 0xe0) return 2;
    if (!follows(2)) return 0;
    if (first < 0xf0) return (first == 0xe0 && second < 0xa0) || (first == 0xed && second > 0x9f) ? 0 : 3;
    return !follows(3) || (first == 0xf0 && second < 0x90) || (first == 0xf4 && second > 0x8f) ? 0 : 4;
}

// A text that somebody sent may be quoted in an error, and what is written must stay JSON: bytes that are no UTF-8 become
// replacement characters.
void write_string(std::string_view text, std::string& out) {
    static constexpr char kDigits[] = "0123456789abcdef";
    out += '"';
    for (std::size_t i = 0; i < text.size(); ++i) {
        const char c = text[i];
        switch (c) {
            case '"': out += "\\\""; break;
            case '\\': out += "\\\\"; break;
            case '\n': out += "\\n"; break;
            case '\r': out += "\\r"; break;
            case '\t': out += "\\t"; break;
            case '\b': out += "\\b"; break;
            case '\f': out += "\\f"; break;
            default:
                if (static_cast<unsigned char>(c) < 0x20) {
                    out += "\\u00";
                    out += kDigits[static_cast<unsigned char>(c) >> 4];
                    out += kDigits[static_cast<unsigned char>(c) & 15];
                } else if (static_cast<unsigned char>(c) < 0x80) {
                    out += c;
                } else if (const auto bytes = character_bytes(text.substr(i)); bytes > 0) {
                    out += text.substr(i, bytes);
                    i += bytes - 1;
                } else {
                    out += "\xef\xbf\xbd";
                }
        }
    }
    out += '"';
}

void write_double(double value, std::string& out) {
    if (!std::isfinite(value)) {  // JSON has no word for these; Boost's parser never makes them
        out += "null";
        return;
    }
    char buffer[32];
    const auto [end, error] = std::to_chars(buffer, buffer + sizeof buffer, value);
    SELVAGE_ASSERT(error == std::errc{});
    const std::string_view text(buffer, static_cast<std::size_t>(end - buffer));
    out += text;
    // 22 as a double stays a double when it is read again.
    if (text.find_first_of(".e") == std::string_view::npos) out += ".0";
}

// indent < 0: shortest form.
void write(const Json& value, int indent, std::string& out) {
    const auto line = [&](int depth) {
        if (indent < 0) return;
        out += '\n';
        out.append(static_cast<std::size_t>(depth) * 2, ' ');
    };
    const int inner = indent < 0 ? -1 : indent + 1;
    switch (value.kind()) {
        case boost::json::kind::null: out += "null"; return;
        case boost::json::kind::bool_: out += value.get_bool() ? "true" : "false"; return;
        case boost::json::kind::int64: out += std::to_string(value.get_int64()); return;
        case boost::json::kind::uint64: out += std::to_string(value.get_uint64()); return;
        case boost::json::kind::double_: write_double(value.get_double(), out); return;
        case boost::json::kind::string: write_string(value.get_string(), out); return;
        case boost::json::kind::array: {
            out += '[';
            bool first = true;
            for (const Json& item : value.get_array()) {
                if (!first) out += ',';
                first = false;
                line(inner);
                write(item, inner, out);
            }
            if (!first) line(indent);
            out += ']';
            return;
        }
        case boost::json::kind::object: {
            out += '{';
            bool first = true;
            for (const auto& member : value.get_object()) {
                if (!first) out += ',';
                first = false;
                line(inner);
                write_string(member.key(), out);
                out += indent < 0 ? ":" : ": ";
                write(member.value(), inner, out);
            }
            if (!first) line(indent);
            out += '}';
            return;
        }
    }
}

// Puts the value together from the parser's events. Ours, because Boost.JSON 1.81 computes doubles with an error in the last
// digit, and a twin must keep the number that the device sent.
struct Builder {
    // Boost.JSON's limits, as its own parser sets them.
    static constexpr std::size_t max_object_size = boost::json::object::max_size();
    static constexpr std::size_t max_array_size = boost::json::array::max_size();
    static constexpr std::size_t max_key_size = boost::json::string::max_size();
    static constexpr std::size_t max_string_size = boost::json::string::max_size();
    using Code = boost::json::error_code;
    using View = boost::json::string_view;

    boost::json::value_stack stack;
    std::string number;   // digits of a number that came in parts

    Builder() { stack.reset(); }
    bool on_document_begin(Code&) { return true; }
    bool on_document_end(Code&) { return true; }
    bool on_object_begin(Code&) { return true; }
    bool on_object_end(std::size_t n, Code&) {
        stack.push_object(n);
        return true;
    }
    bool on_array_begin(Code&) { return true; }
    bool on_array_end(std::size_t n, Code&) {
        stack.push_array(n);
        return true;
    }
    bool on_key_part(View text, std::size_t, Code&) {
        stack.push_chars(text);
        return true;
    }
    bool on_key(View text, std::size_t, Code&) {
        stack.push_key(text);
        return true;
    }
    bool on_string_part(View text, std::size_t, Code&) {
        stack.push_chars(text);
        return true;
    }
    bool on_string(View text, std::size_t, Code&) {
        stack.push_string(text);
        return true;
    }
    bool on_number_part(View text, Code&) {
        number += std::string_view(text.data(), text.size());
        return true;
    }
    bool on_int64(std::int64_t value, View, Code&) {
        number.clear();
        stack.push_int64(value);
        return true;
    }
    bool on_uint64(std::uint64_t value, View, Code&) {
        number.clear();
        stack.push_uint64(value);
        return true;
    }
    bool on_double(double rough, View text, Code& error) {
        number += std::string_view(text.data(), text.size());
        double value = rough;
        const auto parsed = std::from_chars(number.data(), number.data() + number.size(), value);
        // Out of range: from_chars leaves the value alone; a number that only underflowed is the parser's (zero).
        if (parsed.ec == std::errc::result_out_of_range && !std::isfinite(rough)) error = boost::json::error::exponent_overflow;
        number.clear();
        stack.push_double(value);
        return !error;
    }
    bool on_bool(bool value, Code&) {
        stack.push_bool(value);
        return true;
    }
    bool on_null(Code&) {
        stack.push_null();
        return true;
    }
    bool on_comment_part(View, Code&) { return true; }
    bool on_comment(View, Code&) { return true; }
};

}  // namespace

Result<Json> parse_json(std::string_view text, std::size_t depth_max) {
    boost::json::parse_options options;
    options.max_depth = depth_max;
    boost::json::basic_parser<Builder> parser(options);
    boost::json::error_code error;
    const std::size_t used = parser.write_some(false, text.data(), text.size(), error);
    if (!error && used < text.size()) {
        const std::size_t extra = text.find_first_not_of(" \t\r\n", used);
        if (extra != std::string_view::npos)
            return fail(Errc::malformed, fmt::format("JSON ends at byte {}, but more text follows", used));
    }
    if (error) return fail(Errc::malformed, fmt::format("not JSON at byte {}: {}", used, error.message()));
    return parser.handler().stack.release();
}

Result<JsonObject> parse_json_object(std::string_view text, std::size_t depth_max) {
    SELVAGE_TRY(Json value, parse_json(text, depth_max));
    if (!value.is_object()) return fail(Errc::malformed, "a JSON object is expected here");
    return std::move(value.get_object());
}

std::string to_text(const Json& value) {
    std::string out;
    write(value, -1, out);
    return out;
}

std::string to_text(const JsonObject& value) { return to_text(Json(value)); }

std::string to_pretty_text(const Json& value) {
    std::string out;
    write(value, 0, out);
    return out;
}

const Json* find(const JsonObject& object, std::string_view key) { return object.if_contains(key); }

const JsonObject* find_object(const JsonObject& object, std::string_view key) {
    const Json* value = object.if_contains(key);
    return value == nullptr ? nullptr : value->if_object();
}

const JsonArray* find_array(const JsonObject& object, std::string_view key) {
    const Json* value = object.if_contains(key);
    return value == nullptr ? nullptr : value->if_array();
}

std::string_view find_text(const JsonObject& object, std::string_view key, std::string_view otherwise) {
    const Json* value = object.if_contains(key);
    if (value == nullptr || !value->is_string()) return otherwise;
    return {value->get_string().data(), value->get_string().size()};
}

std::int64_t find_integer(const JsonObject& object, std::string_view key, std::int64_t otherwise) {
    const Json* value = object.if_contains(key);
    if (value == nullptr || !value->is_number()) return otherwise;
    boost::json::error_code error;
    const auto number = value->to_number<std::int64_t>(error);
    return error ? otherwise : number;
}

bool find_bool(const JsonObject& object, std::string_view key, bool otherwise) {
    const Json* value = object.if_contains(key);
    return value != nullptr && value->is_bool() ? value->get_bool() : otherwise;
}

}  // namespace selvage
