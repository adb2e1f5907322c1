#include "heads/http/message_headers.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/encoding.h"
#include "base/json.h"
#include "codec/mqtt/text.h"

namespace selvage::heads::http {

namespace {

using domain::Message;
using domain::SystemProperty;

// docs/wire/http-device.md#properties
constexpr std::string_view kApplicationPrefix = "iothub-app-";
constexpr std::size_t kPropertiesMax = 1024;

struct Field {
    std::string_view name;
    SystemProperty property;
};
constexpr Field kFields[] = {
    {"iothub-messageid", SystemProperty::message_id},
    {"iothub-correlationid", SystemProperty::correlation_id},
    {"iothub-userid", SystemProperty::user_id},
    {"iothub-to", SystemProperty::to},
    {"iothub-expiry", SystemProperty::absolute_expiry_time},
    {"iothub-ack", SystemProperty::ack},
    {"iothub-contenttype", SystemProperty::content_type},
    {"iothub-contentencoding", SystemProperty::content_encoding},
    {"iothub-creationtimeutc", SystemProperty::creation_time_utc},
    {"iothub-messageschema", SystemProperty::message_schema},
    {"iothub-operation", SystemProperty::operation},
    {"iothub-interface-id", SystemProperty::interface_id},
    {"dt-subject", SystemProperty::subject},
    {"iothub-sequencenumber", SystemProperty::sequence_number},
    {"iothub-enqueuedtime", SystemProperty::enqueued_time},
    {"iothub-deliverycount", SystemProperty::delivery_count},
};

bool starts_with_ignoring_case(std::string_view text, std::string_view prefix) {
    return text.size() >= prefix.size() && equals_ignoring_case(text.substr(0, prefix.size()), prefix);
}

// False when `name` is neither a system property that clients may set nor an application property.
bool take(std::string_view name, std::optional<std::string> value, Message& message) {
    if (starts_with_ignoring_case(name, kApplicationPrefix)) {
        message.properties.push_back({std::string(name.substr(kApplicationPrefix.size())), std::move(value)});
        return true;
    }
    const auto field = std::ranges::find_if(kFields, [&](const Field& one) { return equals_ignoring_case(name, one.name); });
    if (field == std::end(kFields)) return false;
    // Hubs set their own.
    if (!domain::is_set_by_hub(field->property) && value) message.set(field->property, *std::move(value));
    return true;
}

Result<> check_count(const Message& message) {
    if (message.properties.size() <= kPropertiesMax) return {};
    return fail(Errc::invalid_argument, fmt::format("a message has over {} properties", kPropertiesMax));
}

std::string to_utf8(std::string_view text) {
    if (codec::mqtt::is_utf8(text)) return std::string(text);
    std::string out;
    for (const char c : text) {
        const auto byte = static_cast<unsigned char>(c);
        if (byte < 0x80) {
            out += c;
            continue;
        }
        out += static_cast<char>(0xc0 | (byte >> 6));
        out += static_cast<char>(0x80 | (byte & 0x3f));
    }
    return out;
}

Result<std::string> read_body(const JsonObject& entry) {
    const Json* body = find(entry, "body");
    if (body == nullptr) return std::string();
    if (!body->is_string()) return fail(Errc::malformed, "body: give a string");
    const std::string_view text(body->as_string());
    if (!find_bool(entry, "base64Encoded", true)) return std::string(text);
    auto bytes = from_base64(text);
    if (!bytes) return fail(Errc::malformed, "body: not base64; say \"base64Encoded\":false for plain text");
    return bytes;
}

Result<std::optional<std::string>> read_value(const Json& value) {
    if (value.is_null()) return std::nullopt;
    if (value.is_string()) return std::string(value.as_string());
    if (value.is_object() || value.is_array()) return fail(Errc::malformed, "properties: give strings as values");
    return to_text(value);
}

Result<Message> read_entry(const Json& json) {
    if (!json.is_object()) return fail(Errc::malformed, "give an object with body and properties");
    const auto& entry = json.as_object();
    Message message;
    SELVAGE_TRY(message.body, read_body(entry));
    const Json* properties = find(entry, "properties");
    if (properties == nullptr) return message;
    if (!properties->is_object()) return fail(Errc::malformed, "properties: give an object");
    for (const auto& member : properties->as_object()) {
        SELVAGE_TRY(auto value, read_value(member.value()));
        // In a batch nothing but properties can be meant, so names without a prefix are kept as they are.
        if (!take(member.key(), value, message)) message.properties.push_back({std::string(member.key()), std::move(value)});
    }
    SELVAGE_CHECK(check_count(message));
    return message;
}

template <class Allowed>
std::string encode_unless(std::string_view text, Allowed allowed) {
    std::string out;
    for (const char c : text) {
        if (allowed(static_cast<unsigned char>(c))) out += c;
        else out += fmt::format("%{:02X}", static_cast<unsigned char>(c));
    }
    return out;
}

std::string field_value(std::string_view text) {
    return encode_unless(text, [](unsigned char c) { return c >= 0x20 && c != 0x7f; });
}

// A token of RFC 9110 section 5.6.2: clients refuse the whole response for any other name.
std::string field_name(std::string_view text) {
    return encode_unless(text, [](unsigned char c) {
        return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
               std::string_view("!#$&'*+-.^_`|~").find(static_cast<char>(c)) != std::string_view::npos;
    });
}

}  // namespace

Result<Message> read_properties(const net::HttpHeaders& fields) {
    Message message;
    for (const auto& [name, value] : fields.fields)
        take(name, to_utf8(value), message);
    SELVAGE_CHECK(check_count(message));
    return message;
}

Result<std::vector<Message>> read_batch(std::string_view json) {
    if (json.size() > kBatchTextBytesMax)
        return fail(Errc::message_too_large, fmt::format("a batch carries at most {} bytes", kBatchBytesMax));
    SELVAGE_TRY(const auto parsed, parse_json(json));
    if (!parsed.is_array()) return fail(Errc::malformed, "a batch is a JSON array of messages");
    const auto& entries = parsed.as_array();
    if (entries.size() > kBatchMessagesMax)
        return fail(Errc::invalid_argument, fmt::format("a batch of {} messages, at most {}", entries.size(), kBatchMessagesMax));
    std::vector<Message> messages;
    std::size_t bytes = 0;
    for (const auto& entry : entries) {
        auto message = read_entry(entry);
        if (!message) return fail(message.error().in(fmt::format("message {}", messages.size())));
        bytes += message->counted_bytes();
        if (bytes > kBatchBytesMax)
            return fail(Errc::message_too_large, fmt::format("a batch carries at most {} bytes", kBatchBytesMax));
        messages.push_back(*std::move(message));
    }
    return messages;
}

void write_properties(const Message& message, std::string_view lock_token, net::HttpHeaders& fields) {
    // In quotes: SDKs cut the first and the last character off without a look.
    fields.set("ETag", fmt::format("\"{}\"", lock_token));
    fields.set("iothub-messagelocktoken", lock_token);
    for (const auto& [name, property] : kFields) {
        if (const auto value = message.get(property)) fields.set(name, field_value(*value));
    }
    // What the C SDK reads; docs/wire/http-device.md#c2d
    if (const auto type = message.get(SystemProperty::content_type)) fields.set("ContentType", field_value(*type));
    if (const auto coding = message.get(SystemProperty::content_encoding)) fields.set("ContentEncoding", field_value(*coding));
    for (const auto& [name, value] : message.properties)
        fields.add(std::string(kApplicationPrefix) + field_name(name), field_value(value.value_or("")));
}

}  // namespace selvage::heads::http
