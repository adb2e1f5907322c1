// What a twin may hold. The walk gives up at the first breach and says where it is, as a JSON pointer cut to a readable
// length: keys come from outside.
#include <fmt/core.h>

#include <algorithm>

#include "domain/twin.h"

namespace selvage::domain {
namespace {

// docs/wire/limits.md#twins
constexpr std::int64_t kIntegerMin = -4'503'599'627'370'496;
constexpr std::int64_t kIntegerMax = 4'503'599'627'370'495;

constexpr std::size_t kShownKeyBytes = 64;

bool is_c0_control(char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; }

// C1 controls are U+0080 to U+009F: C2 80 to C2 9F in UTF-8.
bool is_c1_control(std::string_view text, std::size_t at) {
    return static_cast<unsigned char>(text[at]) == 0xc2 && at + 1 < text.size() &&
           static_cast<unsigned char>(text[at + 1]) < 0xa0;
}

std::size_t bytes_without_controls(std::string_view text) {
    std::size_t bytes = 0;
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (is_c1_control(text, i)) {
            ++i;
            continue;
        }
        if (!is_c0_control(text[i])) ++bytes;
    }
    return bytes;
}

std::string shown(std::string_view key) {
    std::size_t bytes = std::min(key.size(), kShownKeyBytes);
    // Not through the middle of a UTF-8 sequence.
    while (bytes > 0 && bytes < key.size() && (static_cast<unsigned char>(key[bytes]) & 0xc0) == 0x80) --bytes;
    std::string text(key.substr(0, bytes));
    std::ranges::replace_if(text, is_c0_control, '?');
    if (bytes < key.size()) text += "...";
    return text;
}

// Where the walk is. Links live on the stack: the path is only spelt out for an error.
struct Place {
    const Place* parent = nullptr;
    std::string_view key;
    std::size_t index = 0;
    bool in_array = false;  // this place or one above it is an element of an array
    std::size_t depth = 0;

    std::string path() const {
        if (parent == nullptr) return {};
        return parent->path() + "/" + (key.data() == nullptr ? std::to_string(index) : shown(key));
    }
};

template <class... Args>
std::unexpected<Error> breach(const Place& place, fmt::format_string<Args...> format, Args&&... args) {
    const std::string path = place.path();
    return fail(Errc::invalid_argument,
                fmt::format("{}: {}", path.empty() ? "/" : path, fmt::format(format, std::forward<Args>(args)...)));
}

Result<> check_key(const Place& place, const TwinLimits& limits) {
    const std::string_view key = place.key;
    if (key.size() > limits.key_bytes_max)
        return breach(place, "key of {} bytes, at most {}", key.size(), limits.key_bytes_max);
    for (std::size_t i = 0; i < key.size(); ++i) {
        if (is_c0_control(key[i]) || is_c1_control(key, i)) return breach(place, "control character in the key");
        if (key[i] == '.' || key[i] == '$' || key[i] == ' ')
            return breach(place, "'{}' in the key; '.', '$' and space are not allowed there", key[i]);
    }
    return {};
}

Result<> check_value(const Json& value, const Place& place, const TwinLimits& limits);

Result<> check_members(const JsonObject& values, const Place& place, const TwinLimits& limits) {
    if (place.depth > limits.depth_max)
        return breach(place, "nested {} levels deep, at most {}", place.depth, limits.depth_max);
    for (const auto& member : values) {
        const Place inner{&place, std::string_view(member.key()), 0, place.in_array, place.depth + 1};
        SELVAGE_CHECK(check_key(inner, limits));
        SELVAGE_CHECK(check_value(member.value(), inner, limits));
    }
    return {};
}

Result<> check_elements(const JsonArray& values, const Place& place, const TwinLimits& limits) {
    if (place.depth > limits.depth_max)
        return breach(place, "nested {} levels deep, at most {}", place.depth, limits.depth_max);
    for (std::size_t i = 0; i < values.size(); ++i) {
        const Place inner{&place, std::string_view(), i, true, place.depth + 1};
        SELVAGE_CHECK(check_value(values[i], inner, limits));
    }
    return {};
}

Result<> check_integer(bool inside, const Place& place) {
    if (inside) return {};
    return breach(place, "integer outside {} to {}", kIntegerMin, kIntegerMax);
}

Result<> check_value(const Json& value, const Place& place, const TwinLimits& limits) {
    switch (value.kind()) {
        case boost::json::kind::null:
            if (place.in_array) return breach(place, "null inside an array");
            return {};
        case boost::json::kind::bool_:
        case boost::json::kind::double_: return {};
        case boost::json::kind::int64:
            return check_integer(value.get_int64() >= kIntegerMin && value.get_int64() <= kIntegerMax, place);
        case boost::json::kind::uint64:
            return check_integer(value.get_uint64() <= static_cast<std::uint64_t>(kIntegerMax), place);
        case boost::json::kind::string:
            if (value.get_string().size() > limits.string_bytes_max)
                return breach(place, "string of {} bytes, at most {}", value.get_string().size(), limits.string_bytes_max);
            return {};
        case boost::json::kind::array: return check_elements(value.get_array(), place, limits);
        case boost::json::kind::object: return check_members(value.get_object(), place, limits);
    }
    return {};
}

std::size_t counted_value_bytes(const Json& value) {
    switch (value.kind()) {
        case boost::json::kind::null: return 0;
        case boost::json::kind::bool_: return 4;
        case boost::json::kind::int64:
        case boost::json::kind::uint64:
        case boost::json::kind::double_: return 8;
        case boost::json::kind::string: return bytes_without_controls(value.get_string());
        case boost::json::kind::array: {
            std::size_t bytes = 0;
            for (const Json& element : value.get_array()) bytes += counted_value_bytes(element);
            return bytes;
        }
        case boost::json::kind::object: return counted_bytes(value.get_object());
    }
    return 0;
}

}  // namespace

std::size_t counted_bytes(const JsonObject& values) {
    std::size_t bytes = 0;
    for (const auto& member : values) {
        if (member.key().starts_with('$')) continue;
        bytes += member.key().size() + counted_value_bytes(member.value());
    }
    return bytes;
}

Result<> check_section(const JsonObject& values, const TwinLimits& limits) {
    return check_members(values, Place{}, limits);
}

}  // namespace selvage::domain
