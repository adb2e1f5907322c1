// Reading and writing encoded AMQP values: the ground on which messages, SASL and frames stand. Private to codec/amqp.
//
// A Reader never goes past its bytes: after the first thing that does not fit it has failed, and everything read from then
// on is empty. Wire: OASIS AMQP 1.0, part 1, section 1.2 (constructors) and 1.6 (encodings).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "codec/amqp/value.h"

namespace selvage::codec::amqp {

inline constexpr int kDepthMax = 12;                  // of lists, maps, arrays and described values in each other
inline constexpr std::uint32_t kItemsMax = 4096;      // in all of one checked value, nested ones counted

class Reader {
public:
    Reader() = default;
    explicit Reader(std::string_view bytes) : rest_(bytes) {}

    bool failed() const { return failed_; }
    bool at_end() const { return rest_.empty(); }
    // True while there is something to read and nothing was wrong yet.
    bool more() const { return !failed_ && !rest_.empty(); }
    std::string_view rest() const { return rest_; }

    // The next value; compounds and other unusual types are skipped and become Opaque.
    Value value();
    void skip() { ignore_next(); }

    // The next value as a list or map; `count` values in `items`. Null and other types: failed.
    struct Compound;
    Compound list();
    Compound map();
    // The code in front of a described value: a number, or the symbolic name of a section of a message. 0 and failed when
    // the next value is not described or has another descriptor.
    std::uint64_t descriptor();
    // The raw bytes of the next value if it is binary (else failed).
    std::string_view binary();
    bool next_is_binary() const;
    bool next_is_null() const { return !rest_.empty() && static_cast<unsigned char>(rest_[0]) == 0x40; }

    // Is the next value well formed all the way down, within kDepthMax and kItemsMax? Goes behind it.
    bool check();

private:
    std::uint8_t byte();
    std::uint64_t number(std::size_t width);
    std::string_view take(std::size_t count);
    std::string_view sized(std::size_t width_of_size);
    Value scalar(std::uint8_t constructor);
    void ignore_next();
    bool check_value(int depth, std::uint32_t& budget);
    bool check_compound(std::uint8_t constructor, int depth, std::uint32_t& budget);
    bool check_array(std::string_view content, std::uint32_t count, int depth, std::uint32_t& budget);
    void fail() {
        failed_ = true;
        rest_ = {};
    }

    std::string_view rest_;
    bool failed_ = false;
};

struct Reader::Compound {
    std::uint32_t count = 0;
    Reader items;
};

// Writes values in their shortest form.
class Writer {
public:
    explicit Writer(std::string& out) : out_(out) {}

    void null() { byte(0x40); }
    void boolean(bool value) { byte(value ? 0x41 : 0x42); }
    void ubyte(std::uint8_t value);
    void uint(std::uint32_t value);
    void ulong(std::uint64_t value);
    void text(std::string_view value) { variable(0xa1, value); }
    void symbol(std::string_view value) { variable(0xa3, value); }
    void binary(std::string_view value) { variable(0xa0, value); }
    void value(const Value& value);
    void id(const MessageId& id);
    void descriptor(std::uint64_t code);
    void raw(std::string_view bytes) { out_ += bytes; }

    // A list or map of `count` values that were encoded apart.
    void list(std::uint32_t count, std::string_view items) { compound(0xc0, count, items); }
    void map(std::uint32_t count, std::string_view items) { compound(0xc1, count, items); }
    // An array of symbols.
    void symbols(const std::string_view* names, std::size_t count);

private:
    void byte(unsigned value) { out_ += static_cast<char>(value); }
    void number(std::uint64_t value, std::size_t width);
    void variable(unsigned short_constructor, std::string_view bytes);
    void compound(unsigned short_constructor, std::uint32_t count, std::string_view items);
    std::string& out_;
};

}  // namespace selvage::codec::amqp
