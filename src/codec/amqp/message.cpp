#include "codec/amqp/message.h"

#include "codec/amqp/wire.h"

namespace selvage::codec::amqp {
namespace {

// OASIS AMQP 1.0, part 3, sections 3.2.1 to 3.2.9.
enum Section : std::uint64_t {
    kHeader = 0x70,
    kDeliveryAnnotations = 0x71,
    kMessageAnnotations = 0x72,
    kProperties = 0x73,
    kApplicationProperties = 0x74,
    kData = 0x75,
    kSequence = 0x76,
    kValue = 0x77,
    kFooter = 0x78,
};

std::optional<std::string> text_of(Value value) {
    if (auto* text = std::get_if<std::string>(&value)) return std::move(*text);
    if (auto* symbol = std::get_if<Symbol>(&value)) return std::move(symbol->text);
    return std::nullopt;
}

MessageId id_of(Value value) {
    if (auto* text = std::get_if<std::string>(&value)) return std::move(*text);
    if (const auto* number = std::get_if<std::uint64_t>(&value)) return *number;
    if (const auto* uuid = std::get_if<Uuid>(&value)) return *uuid;
    if (auto* binary = std::get_if<Binary>(&value)) return std::move(*binary);
    return {};
}

std::optional<Timestamp> time_of(const Value& value) {
    const auto* time = std::get_if<Timestamp>(&value);
    return time != nullptr ? std::optional(*time) : std::nullopt;
}

// Fields that are left out at the end of the list, and fields of a wrong type, count as absent.
bool read_properties(Reader& reader, Properties& into) {
    auto list = reader.list();
    if (reader.failed()) return false;
    for (std::uint32_t field = 0; field < list.count; ++field) {
        Value value = list.items.value();
        if (list.items.failed()) return false;
        switch (field) {
            case 0: into.message_id = id_of(std::move(value)); break;
            case 1:
                if (auto* user = std::get_if<Binary>(&value)) into.user_id = std::move(*user);
                else if (auto text = text_of(std::move(value))) into.user_id = Binary{*std::move(text)};
                break;
            case 2: into.to = text_of(std::move(value)); break;
            case 3: into.subject = text_of(std::move(value)); break;
            case 4: into.reply_to = text_of(std::move(value)); break;
            case 5: into.correlation_id = id_of(std::move(value)); break;
            case 6: into.content_type = text_of(std::move(value)); break;
            case 7: into.content_encoding = text_of(std::move(value)); break;
            case 8: into.absolute_expiry_time = time_of(value); break;
            case 9: into.creation_time = time_of(value); break;
            default: break;   // group id, group sequence, reply-to group id
        }
    }
    return list.items.at_end();
}

bool read_map(Reader& reader, std::size_t entries_max, Map& into) {
    if (reader.next_is_null()) {
        reader.skip();
        return true;
    }
    auto map = reader.map();
    if (reader.failed() || map.count / 2 > entries_max) return false;
    for (std::uint32_t i = 0; i < map.count / 2; ++i) {
        auto key = text_of(map.items.value());
        Value value = map.items.value();
        if (map.items.failed()) return false;
        // Numbered keys are reserved by the standard and say nothing here.
        if (key) into.push_back({*std::move(key), std::move(value)});
    }
    return map.items.at_end();
}

bool read_section(std::uint64_t section, Reader& reader, const MessageLimits& limits, Message& into) {
    switch (section) {
        case kMessageAnnotations: return read_map(reader, limits.entries_max, into.message_annotations);
        case kApplicationProperties: return read_map(reader, limits.entries_max, into.application_properties);
        case kProperties: return read_properties(reader, into.properties);
        case kData:
            if (into.data.size() >= limits.data_sections_max) return false;
            into.data.push_back(reader.binary());
            return !reader.failed();
        case kValue:
            into.value = reader.value();
            return !reader.failed();
        case kHeader:
        case kDeliveryAnnotations:
        case kSequence:
        case kFooter: reader.skip(); return !reader.failed();
        default: return false;
    }
}

const char* name_of(std::uint64_t section) {
    switch (section) {
        case kHeader: return "header";
        case kDeliveryAnnotations: return "delivery-annotations";
        case kMessageAnnotations: return "message-annotations";
        case kProperties: return "properties";
        case kApplicationProperties: return "application-properties";
        case kData: return "data";
        case kSequence: return "amqp-sequence";
        case kValue: return "amqp-value";
        case kFooter: return "footer";
        default: return "unknown";
    }
}

}  // namespace

std::string Message::body() const {
    std::string text;
    for (const auto part : data) text += part;
    if (!data.empty() || !value) return text;
    if (const auto* string = std::get_if<std::string>(&*value)) return *string;
    if (const auto* binary = std::get_if<Binary>(&*value)) return binary->bytes;
    return text;
}

Result<Message> decode_message(std::string_view bytes, const MessageLimits& limits) {
    Message message;
    Reader reader(bytes);
    while (reader.more()) {
        const auto section = reader.descriptor();
        if (reader.failed()) return fail(Errc::malformed, "the message is not made of described sections");
        if (!read_section(section, reader, limits, message))
            return fail(Errc::malformed, std::string("the message has a bad or too large section: ") + name_of(section));
    }
    return message;
}

}  // namespace selvage::codec::amqp
