// The stored form of a message.
//
//   version (1 byte, 1)
//   number of application properties; for each: name length, name, value length + 1 (0: null value), value
//   number of system properties; for each: SystemProperty number (1 byte), value length, value
//   body length, body
//
// Lengths and counts are LEB128 varints in their shortest form, so a message has exactly one record, and a record that
// reads without error writes back to the same bytes. Damage that yields another valid record is for the checksum of the
// log around it to find.
#include <fmt/core.h>

#include <bitset>

#include "domain/message.h"

namespace selvage::domain {
namespace {

constexpr char kVersion = 1;

void append_varint(std::uint64_t value, std::string& out) {
    while (value >= 0x80) {
        out += static_cast<char>(static_cast<unsigned char>(value | 0x80));
        value >>= 7;
    }
    out += static_cast<char>(static_cast<unsigned char>(value));
}

void append_text(std::string_view text, std::string& out) {
    append_varint(text.size(), out);
    out += text;
}

class RecordReader {
public:
    explicit RecordReader(std::string_view record) : record_(record) {}

    std::size_t left() const { return record_.size() - at_; }

    Result<std::uint8_t> byte(std::string_view what) {
        if (left() == 0) return cut(what);
        return static_cast<std::uint8_t>(record_[at_++]);
    }

    Result<std::uint64_t> varint(std::string_view what) {
        std::uint64_t value = 0;
        for (int shift = 0; shift < 63; shift += 7) {
            SELVAGE_TRY(const std::uint8_t next, byte(what));
            value |= static_cast<std::uint64_t>(next & 0x7f) << shift;
            if ((next & 0x80) != 0) continue;
            if (next == 0 && shift > 0) return damaged(what, "is not in its shortest form");
            return value;
        }
        return damaged(what, "is too large");
    }

    // A count of things that take at least `bytes_each` of what is left.
    Result<std::size_t> count(std::string_view what, std::size_t bytes_each) {
        SELVAGE_TRY(const std::uint64_t value, varint(what));
        if (value > left() / bytes_each) return damaged(what, "is more than the record can hold");
        return static_cast<std::size_t>(value);
    }

    Result<std::string> bytes(std::string_view what, std::uint64_t size) {
        if (size > left()) return cut(what);
        std::string text(record_.substr(at_, static_cast<std::size_t>(size)));
        at_ += text.size();
        return text;
    }

    Result<std::string> text(std::string_view what) {
        SELVAGE_TRY(const std::uint64_t size, varint(what));
        return bytes(what, size);
    }

    std::unexpected<Error> damaged(std::string_view what, std::string_view how) const {
        return fail(Errc::corrupt, fmt::format("message record: {} {} (byte {} of {})", what, how, at_, record_.size()));
    }

private:
    std::unexpected<Error> cut(std::string_view what) const { return damaged(what, "is cut off"); }

    std::string_view record_;
    std::size_t at_ = 0;
};

Result<Property> read_property(RecordReader& reader) {
    Property property;
    SELVAGE_TRY(property.name, reader.text("a property's name"));
    SELVAGE_TRY(const std::uint64_t size, reader.varint("a property's value"));
    if (size > 0) {
        SELVAGE_TRY(property.value, reader.bytes("a property's value", size - 1));
    }
    return property;
}

Result<SystemEntry> read_system_entry(RecordReader& reader, std::bitset<256>& seen) {
    SystemEntry entry;
    SELVAGE_TRY(const std::uint8_t number, reader.byte("a system property's number"));
    entry.property = static_cast<SystemProperty>(number);
    if (name(entry.property).empty()) return reader.damaged("a system property's number", "is unknown to this version");
    if (seen.test(number)) return reader.damaged("a system property", "is there twice");
    seen.set(number);
    SELVAGE_TRY(entry.value, reader.text("a system property's value"));
    return entry;
}

}  // namespace

void append_record(const Message& message, std::string& out) { append_record(message, {}, out); }

void append_record(const Message& message, std::span<const Stamp> stamps, std::string& out) {
    out += kVersion;
    append_varint(message.properties.size(), out);
    for (const Property& property : message.properties) {
        append_text(property.name, out);
        if (!property.value) {
            append_varint(0, out);
            continue;
        }
        append_varint(property.value->size() + 1, out);
        out += *property.value;
    }
    append_varint(message.system.size() + stamps.size(), out);
    for (const SystemEntry& entry : message.system) {
        out += static_cast<char>(entry.property);
        append_text(entry.value, out);
    }
    for (const Stamp& stamp : stamps) {
        out += static_cast<char>(stamp.property);
        append_text(stamp.value, out);
    }
    append_text(message.body, out);
}

Result<Message> read_record(std::string_view record) {
    RecordReader reader(record);
    SELVAGE_TRY(const std::uint8_t version, reader.byte("the version"));
    if (version != kVersion)
        return fail(Errc::corrupt, fmt::format("message record: version {}, this program reads {}", version, +kVersion));

    Message message;
    SELVAGE_TRY(const std::size_t properties, reader.count("the number of properties", 2));
    message.properties.reserve(properties);
    for (std::size_t i = 0; i < properties; ++i) {
        SELVAGE_TRY(auto property, read_property(reader));
        message.properties.push_back(std::move(property));
    }
    SELVAGE_TRY(const std::size_t entries, reader.count("the number of system properties", 2));
    message.system.reserve(entries);
    std::bitset<256> seen;
    for (std::size_t i = 0; i < entries; ++i) {
        SELVAGE_TRY(auto entry, read_system_entry(reader, seen));
        message.system.push_back(std::move(entry));
    }
    SELVAGE_TRY(message.body, reader.text("the body"));
    if (reader.left() > 0) return reader.damaged("the body", "ends before the record does");
    return message;
}

}  // namespace selvage::domain
