// The constructor byte says the width of what follows: its high nibble is 4 for nothing, 5 to 9 for 1, 2, 4, 8 and 16
// bytes, A and B for a size of 1 or 4 bytes and so many bytes, C to F likewise with a count (lists, maps; arrays).
#include "codec/amqp/wire.h"

#include <algorithm>
#include <bit>
#include <cctype>
#include <iterator>

#include "base/encoding.h"

namespace selvage::codec::amqp {
namespace {

// Sections may also be named by symbols: part 3, section 3.2.
struct SectionName {
    std::string_view name;
    std::uint64_t code;
};
constexpr SectionName kSections[] = {
    {"amqp:header:list", 0x70},          {"amqp:delivery-annotations:map", 0x71}, {"amqp:message-annotations:map", 0x72},
    {"amqp:properties:list", 0x73},      {"amqp:application-properties:map", 0x74}, {"amqp:data:binary", 0x75},
    {"amqp:amqp-sequence:list", 0x76},   {"amqp:amqp-value:*", 0x77},             {"amqp:footer:map", 0x78},
};

constexpr std::size_t fixed_width(std::uint8_t constructor) {
    constexpr std::size_t kWidths[] = {0, 1, 2, 4, 8, 16};
    return kWidths[(constructor >> 4) - 4];
}

bool is_known(std::uint8_t constructor) {
    constexpr std::uint8_t kKnown[] = {0x40, 0x41, 0x42, 0x43, 0x44, 0x45, 0x50, 0x51, 0x52, 0x53, 0x54, 0x55, 0x56, 0x60,
                                       0x61, 0x70, 0x71, 0x72, 0x73, 0x74, 0x80, 0x81, 0x82, 0x83, 0x84, 0x94, 0x98, 0xa0,
                                       0xa1, 0xa3, 0xb0, 0xb1, 0xb3, 0xc0, 0xc1, 0xd0, 0xd1, 0xe0, 0xf0};
    return std::binary_search(std::begin(kKnown), std::end(kKnown), constructor);
}

}  // namespace

std::uint8_t Reader::byte() {
    const auto one = take(1);
    return one.empty() ? 0 : static_cast<std::uint8_t>(one[0]);
}

std::string_view Reader::take(std::size_t count) {
    if (count > rest_.size()) {
        fail();
        return {};
    }
    const auto taken = rest_.substr(0, count);
    rest_.remove_prefix(count);
    return taken;
}

std::uint64_t Reader::number(std::size_t width) {
    std::uint64_t value = 0;
    for (const char c : take(width)) value = value << 8 | static_cast<std::uint8_t>(c);
    return value;
}

std::string_view Reader::sized(std::size_t width_of_size) {
    const auto size = number(width_of_size);
    return failed_ ? std::string_view{} : take(static_cast<std::size_t>(size));
}

Value Reader::scalar(std::uint8_t constructor) {
    switch (constructor) {
        case 0x40: return {};
        case 0x41: return true;
        case 0x42: return false;
        case 0x56: return byte() != 0;
        case 0x50: return byte();
        case 0x60: return static_cast<std::uint16_t>(number(2));
        case 0x43: return std::uint32_t{0};
        case 0x52: return std::uint32_t{byte()};
        case 0x70: return static_cast<std::uint32_t>(number(4));
        case 0x44: return std::uint64_t{0};
        case 0x53: return std::uint64_t{byte()};
        case 0x80: return number(8);
        case 0x51: return static_cast<std::int8_t>(byte());
        case 0x61: return static_cast<std::int16_t>(number(2));
        case 0x54: return std::int32_t{static_cast<std::int8_t>(byte())};
        case 0x71: return static_cast<std::int32_t>(number(4));
        case 0x55: return std::int64_t{static_cast<std::int8_t>(byte())};
        case 0x81: return static_cast<std::int64_t>(number(8));
        case 0x72: return std::bit_cast<float>(static_cast<std::uint32_t>(number(4)));
        case 0x82: return std::bit_cast<double>(number(8));
        case 0x83: return Timestamp{static_cast<std::int64_t>(number(8))};
        case 0xa0: return Binary{std::string(sized(1))};
        case 0xb0: return Binary{std::string(sized(4))};
        case 0xa1: return std::string(sized(1));
        case 0xb1: return std::string(sized(4));
        case 0xa3: return Symbol{std::string(sized(1))};
        case 0xb3: return Symbol{std::string(sized(4))};
        case 0x98: {
            Uuid uuid;
            const auto bytes = take(16);
            std::copy(bytes.begin(), bytes.end(), uuid.bytes.begin());
            return uuid;
        }
        default: return Opaque{};
    }
}

Value Reader::value() {
    if (rest_.empty()) {
        fail();
        return {};
    }
    const auto constructor = static_cast<std::uint8_t>(rest_[0]);
    const bool plain = is_known(constructor) && constructor < 0xc0 && constructor != 0x45 && constructor != 0x73 &&
                       constructor != 0x74 && constructor != 0x84 && constructor != 0x94;
    if (!plain) {
        ignore_next();
        return failed_ ? Value{} : Value{Opaque{}};
    }
    byte();
    Value value = scalar(constructor);
    return failed_ ? Value{} : value;
}

void Reader::ignore_next() {
    for (int described = 0; described <= kDepthMax; ++described) {
        const auto constructor = byte();
        if (failed_) return;
        if (constructor == 0) {   // described: the descriptor, which is not described itself, then the value
            if (!rest_.empty() && rest_[0] == 0) return fail();
            ignore_next();
            continue;
        }
        if (!is_known(constructor)) return fail();
        if (constructor < 0xa0) take(fixed_width(constructor));
        else sized((constructor >> 4) % 2 == 0 ? 1 : 4);
        return;
    }
    fail();
}

Reader::Compound Reader::list() {
    const auto constructor = byte();
    if (constructor == 0x45 && !failed_) return {};
    if (constructor != 0xc0 && constructor != 0xd0) {
        fail();
        return {};
    }
    const std::size_t width = constructor == 0xc0 ? 1 : 4;
    Reader content(sized(width));
    Compound result;
    result.count = static_cast<std::uint32_t>(content.number(width));
    if (content.failed_ || failed_) fail();
    result.items = content;
    return result;
}

Reader::Compound Reader::map() {
    const auto constructor = byte();
    if (constructor != 0xc1 && constructor != 0xd1) {
        fail();
        return {};
    }
    const std::size_t width = constructor == 0xc1 ? 1 : 4;
    Reader content(sized(width));
    Compound result;
    result.count = static_cast<std::uint32_t>(content.number(width));
    if (content.failed_ || failed_ || result.count % 2 != 0) fail();
    result.items = content;
    return result;
}

std::uint64_t Reader::descriptor() {
    if (byte() != 0 || failed_) {
        fail();
        return 0;
    }
    const Value code = value();
    if (const auto* number = std::get_if<std::uint64_t>(&code)) return *number;
    if (const auto* symbol = std::get_if<Symbol>(&code))
        for (const SectionName& section : kSections)
            if (section.name == symbol->text) return section.code;
    fail();
    return 0;
}

bool Reader::next_is_binary() const {
    return !rest_.empty() && (static_cast<std::uint8_t>(rest_[0]) == 0xa0 || static_cast<std::uint8_t>(rest_[0]) == 0xb0);
}

std::string_view Reader::binary() {
    if (!next_is_binary()) {
        fail();
        return {};
    }
    return sized(byte() == 0xa0 ? 1 : 4);
}

bool Reader::check() {
    std::uint32_t budget = kItemsMax;
    const bool good = check_value(0, budget) && !failed_;
    if (!good) fail();
    return good;
}

bool Reader::check_value(int depth, std::uint32_t& budget) {
    if (depth > kDepthMax || budget == 0) return false;
    --budget;
    const auto constructor = byte();
    if (failed_) return false;
    if (constructor == 0) {
        if (!rest_.empty() && rest_[0] == 0) return false;   // as ignore_next()
        return check_value(depth + 1, budget) && check_value(depth + 1, budget);
    }
    if (!is_known(constructor)) return false;
    if (constructor >= 0xc0) return check_compound(constructor, depth, budget);
    if (constructor >= 0xa0) sized(constructor < 0xb0 ? 1 : 4);
    else take(fixed_width(constructor));
    return !failed_;
}

bool Reader::check_compound(std::uint8_t constructor, int depth, std::uint32_t& budget) {
    const std::size_t width = (constructor >> 4) % 2 == 0 ? 1 : 4;
    Reader content(sized(width));
    if (failed_) return false;
    const auto count = static_cast<std::uint32_t>(content.number(width));
    if (content.failed_) return false;
    if (constructor >= 0xe0) return check_array(content.rest_, count, depth, budget);
    if ((constructor == 0xc1 || constructor == 0xd1) && count % 2 != 0) return false;
    for (std::uint32_t i = 0; i < count; ++i)
        if (!content.check_value(depth + 1, budget)) return false;
    return content.at_end();
}

// One constructor for all elements. An array's elements may be of no bytes at all, so it is the count that must be bounded.
bool Reader::check_array(std::string_view bytes, std::uint32_t count, int depth, std::uint32_t& budget) {
    Reader content(bytes);
    auto constructor = content.byte();
    if (constructor == 0) {
        if (!content.check_value(depth + 1, budget)) return false;
        constructor = content.byte();
    }
    if (content.failed_ || !is_known(constructor) || count > budget) return false;
    budget -= count;
    for (std::uint32_t i = 0; i < count; ++i) {
        if (constructor >= 0xc0) {
            if (depth + 1 > kDepthMax || !content.check_compound(constructor, depth + 1, budget)) return false;
        } else if (constructor >= 0xa0) {
            content.sized(constructor < 0xb0 ? 1 : 4);
        } else {
            content.take(fixed_width(constructor));
        }
        if (content.failed_) return false;
    }
    return content.at_end();
}

void Writer::number(std::uint64_t value, std::size_t width) {
    for (std::size_t i = width; i > 0; --i) byte(static_cast<unsigned>(value >> ((i - 1) * 8) & 0xff));
}

void Writer::ubyte(std::uint8_t value) {
    byte(0x50);
    byte(value);
}

void Writer::uint(std::uint32_t value) {
    if (value == 0) return byte(0x43);
    byte(value < 256 ? 0x52 : 0x70);
    number(value, value < 256 ? 1 : 4);
}

void Writer::ulong(std::uint64_t value) {
    if (value == 0) return byte(0x44);
    byte(value < 256 ? 0x53 : 0x80);
    number(value, value < 256 ? 1 : 8);
}

void Writer::variable(unsigned short_constructor, std::string_view bytes) {
    const bool is_short = bytes.size() < 256;
    byte(is_short ? short_constructor : short_constructor + 0x10);
    number(bytes.size(), is_short ? 1 : 4);
    out_ += bytes;
}

void Writer::compound(unsigned short_constructor, std::uint32_t count, std::string_view items) {
    const bool is_short = items.size() + 1 < 256 && count < 256;
    const std::size_t width = is_short ? 1 : 4;
    byte(is_short ? short_constructor : short_constructor + 0x10);
    number(items.size() + width, width);
    number(count, width);
    out_ += items;
}

void Writer::symbols(const std::string_view* names, std::size_t count) {
    std::string items;
    for (std::size_t i = 0; i < count; ++i) {
        items += static_cast<char>(names[i].size());
        items += names[i];
    }
    byte(0xe0);
    number(items.size() + 2, 1);
    number(count, 1);
    byte(0xa3);
    out_ += items;
}

void Writer::descriptor(std::uint64_t code) {
    byte(0);
    ulong(code);
}

void Writer::id(const MessageId& id) {
    std::visit([this](const auto& one) { value(Value(one)); }, id);
}

void Writer::value(const Value& any) {
    struct {
        Writer& w;
        void operator()(std::monostate) { w.null(); }
        void operator()(bool v) { w.boolean(v); }
        void operator()(std::uint8_t v) { w.ubyte(v); }
        void operator()(std::uint16_t v) { fixed(0x60, v, 2); }
        void operator()(std::uint32_t v) { w.uint(v); }
        void operator()(std::uint64_t v) { w.ulong(v); }
        void operator()(std::int8_t v) { fixed(0x51, static_cast<std::uint8_t>(v), 1); }
        void operator()(std::int16_t v) { fixed(0x61, static_cast<std::uint16_t>(v), 2); }
        void operator()(std::int32_t v) {
            if (v >= -128 && v < 128) return fixed(0x54, static_cast<std::uint8_t>(v), 1);
            fixed(0x71, static_cast<std::uint32_t>(v), 4);
        }
        void operator()(std::int64_t v) {
            if (v >= -128 && v < 128) return fixed(0x55, static_cast<std::uint8_t>(v), 1);
            fixed(0x81, static_cast<std::uint64_t>(v), 8);
        }
        void operator()(float v) { fixed(0x72, std::bit_cast<std::uint32_t>(v), 4); }
        void operator()(double v) { fixed(0x82, std::bit_cast<std::uint64_t>(v), 8); }
        void operator()(Timestamp v) { fixed(0x83, static_cast<std::uint64_t>(v.milliseconds), 8); }
        void operator()(const Uuid& v) {
            w.byte(0x98);
            w.out_.append(reinterpret_cast<const char*>(v.bytes.data()), v.bytes.size());
        }
        void operator()(const Binary& v) { w.binary(v.bytes); }
        void operator()(const std::string& v) { w.text(v); }
        void operator()(const Symbol& v) { w.symbol(v.text); }
        void operator()(Opaque) { w.null(); }
        void fixed(unsigned constructor, std::uint64_t v, std::size_t width) {
            w.byte(constructor);
            w.number(v, width);
        }
    } visitor{*this};
    std::visit(visitor, any);
}

const Value* find(const Map& map, std::string_view key) {
    const auto entry = std::find_if(map.begin(), map.end(), [&](const Entry& one) { return one.key == key; });
    return entry == map.end() ? nullptr : &entry->value;
}

std::optional<std::int64_t> as_integer(const Value& value) {
    return std::visit(
        [](const auto& one) -> std::optional<std::int64_t> {
            using T = std::decay_t<decltype(one)>;
            if constexpr (std::is_integral_v<T> && !std::is_same_v<T, bool>) {
                if (std::in_range<std::int64_t>(one)) return static_cast<std::int64_t>(one);
            }
            return std::nullopt;
        },
        value);
}

const std::string* as_text(const Value& value) {
    if (const auto* text = std::get_if<std::string>(&value)) return text;
    if (const auto* symbol = std::get_if<Symbol>(&value)) return &symbol->text;
    return nullptr;
}

std::string to_text(const Uuid& uuid) {
    std::string text = to_hex({reinterpret_cast<const char*>(uuid.bytes.data()), uuid.bytes.size()});
    for (const std::size_t at : {std::size_t{8}, std::size_t{13}, std::size_t{18}, std::size_t{23}}) text.insert(at, 1, '-');
    return text;
}

std::optional<Uuid> parse_uuid(std::string_view text) {
    if (text.size() != 36 || text[8] != '-' || text[13] != '-' || text[18] != '-' || text[23] != '-') return std::nullopt;
    std::string digits(text);
    std::erase(digits, '-');
    if (digits.size() != 32) return std::nullopt;
    const auto bytes = from_hex(digits);
    if (!bytes) return std::nullopt;
    Uuid uuid;
    std::copy(bytes->begin(), bytes->end(), uuid.bytes.begin());
    return uuid;
}

}  // namespace selvage::codec::amqp
