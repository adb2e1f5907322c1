// The scalar values of AMQP 1.0 that messages and performatives carry.
//
// Pure values. Wire: OASIS AMQP 1.0, part 1 (types), section 1.6.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

namespace selvage::codec::amqp {

struct Symbol {
    std::string text;
    bool operator==(const Symbol&) const = default;
};
struct Binary {
    std::string bytes;
    bool operator==(const Binary&) const = default;
};
// In the order of RFC 4122, which is that of the text form.
struct Uuid {
    std::array<std::uint8_t, 16> bytes{};
    bool operator==(const Uuid&) const = default;
};
struct Timestamp {
    std::int64_t milliseconds = 0;   // since 1970, UTC
    bool operator==(const Timestamp&) const = default;
};
// Present, and of a type that is not taken over: list, map, array, char, decimal, described.
struct Opaque {
    bool operator==(const Opaque&) const = default;
};

using Value = std::variant<std::monostate, bool, std::uint8_t, std::uint16_t, std::uint32_t, std::uint64_t, std::int8_t,
                           std::int16_t, std::int32_t, std::int64_t, float, double, Timestamp, Uuid, Binary, std::string,
                           Symbol, Opaque>;

// The types that the standard allows for message and correlation ids. Kept typed: an answer's correlation id must have
// the very type of the request's message id.
using MessageId = std::variant<std::monostate, std::uint64_t, Uuid, Binary, std::string>;

struct Entry {
    std::string key;
    Value value;
    bool operator==(const Entry&) const = default;
};
using Map = std::vector<Entry>;   // in the order of the wire

const Value* find(const Map& map, std::string_view key);
// Any of the integer types; nothing for others and for what does not fit.
std::optional<std::int64_t> as_integer(const Value& value);
// Strings and symbols; null otherwise.
const std::string* as_text(const Value& value);

// "6ba7b810-9dad-11d1-80b4-00c04fd430c8", lower case.
std::string to_text(const Uuid& uuid);
// Nothing when `text` is not 8-4-4-4-12 hexadecimal digits, in any case.
std::optional<Uuid> parse_uuid(std::string_view text);

}  // namespace selvage::codec::amqp
