#include "codec/amqp/message.h"
#include "codec/amqp/wire.h"

namespace selvage::codec::amqp {
namespace {

void write_map(Writer& out, std::uint64_t section, const Map& map, bool symbol_keys) {
    if (map.empty()) return;
    std::string items;
    Writer writer(items);
    for (const Entry& entry : map) {
        if (symbol_keys) writer.symbol(entry.key);
        else writer.text(entry.key);
        writer.value(entry.value);
    }
    out.descriptor(section);
    out.map(static_cast<std::uint32_t>(map.size() * 2), items);
}

// Nulls at the end of the list are left out.
void write_properties(Writer& out, const Properties& properties) {
    if (properties == Properties{}) return;
    std::string items;
    Writer writer(items);
    std::uint32_t fields = 0;
    std::uint32_t written = 0;
    const auto field = [&](bool present, const auto& write) {
        ++fields;
        if (!present) return;
        for (; written + 1 < fields; ++written) writer.null();
        write();
        ++written;
    };
    const auto text = [&](const std::optional<std::string>& value) { field(value.has_value(), [&] { writer.text(*value); }); };
    const auto symbol = [&](const std::optional<std::string>& value) { field(value.has_value(), [&] { writer.symbol(*value); }); };
    const auto id = [&](const MessageId& value) { field(value.index() != 0, [&] { writer.id(value); }); };
    const auto time = [&](const std::optional<Timestamp>& value) { field(value.has_value(), [&] { writer.value(*value); }); };
    id(properties.message_id);
    field(properties.user_id.has_value(), [&] { writer.binary(properties.user_id->bytes); });
    text(properties.to);
    text(properties.subject);
    text(properties.reply_to);
    id(properties.correlation_id);
    symbol(properties.content_type);
    symbol(properties.content_encoding);
    time(properties.absolute_expiry_time);
    time(properties.creation_time);
    out.descriptor(0x73);
    out.list(written, items);
}

}  // namespace

std::string encode_message(const Message& message) {
    std::string bytes;
    Writer out(bytes);
    write_map(out, 0x72, message.message_annotations, true);
    write_properties(out, message.properties);
    write_map(out, 0x74, message.application_properties, false);
    for (const auto part : message.data) {
        out.descriptor(0x75);
        out.binary(part);
    }
    if (message.value && message.data.empty()) {
        out.descriptor(0x77);
        out.value(*message.value);
    } else if (message.data.empty()) {
        out.descriptor(0x75);
        out.binary({});
    }
    return bytes;
}

}  // namespace selvage::codec::amqp
