// Messages towards clients. docs/wire/amqp.md#messages has the source of each name.
#include <charconv>

#include "base/time_text.h"
#include "codec/hub_amqp/hub_amqp.h"

namespace selvage::codec::hub_amqp {
namespace {

using domain::SystemProperty;

std::optional<std::string> text_of(const domain::Message& message, SystemProperty property) {
    const auto value = message.get(property);
    return value ? std::optional(std::string(*value)) : std::nullopt;
}

std::optional<amqp::Timestamp> time_of(const domain::Message& message, SystemProperty property) {
    const auto value = message.get(property);
    if (!value) return std::nullopt;
    const auto time = from_iso8601(*value);
    if (!time) return std::nullopt;
    return amqp::Timestamp{time->time_since_epoch().count()};
}

void add_text(amqp::Map& map, std::string_view name, const domain::Message& message, SystemProperty property) {
    if (auto text = text_of(message, property)) map.push_back({std::string(name), *std::move(text)});
}

amqp::Map annotations_of(const DeliveryFacts& facts, const domain::Message& message) {
    amqp::Map map;
    map.push_back({"x-opt-lock-token", amqp::to_text(facts.lock)});
    if (const auto text = message.get(SystemProperty::sequence_number)) {
        std::uint64_t number = 0;
        const auto [end, error] = std::from_chars(text->data(), text->data() + text->size(), number);
        if (error == std::errc{} && end == text->data() + text->size() && number > 0) map.push_back({"x-opt-sequence-number", number});
    }
    if (const auto time = time_of(message, SystemProperty::enqueued_time)) map.push_back({"iothub-enqueuedtime", *time});
    map.push_back({"iothub-deliverycount", static_cast<std::uint8_t>(std::min<std::uint32_t>(facts.delivery_count, 255))});
    if (facts.is_input) {
        add_text(map, "x-opt-input-name", message, SystemProperty::input_name);
        add_text(map, "iothub-connection-device-id", message, SystemProperty::connection_device_id);
        add_text(map, "iothub-connection-module-id", message, SystemProperty::connection_module_id);
    }
    add_text(map, "dt-subject", message, SystemProperty::subject);
    return map;
}

amqp::Properties properties_of(const DeliveryFacts& facts, const domain::Message& message) {
    amqp::Properties properties;
    if (auto id = text_of(message, SystemProperty::message_id)) properties.message_id = *std::move(id);
    if (auto id = text_of(message, SystemProperty::correlation_id)) properties.correlation_id = *std::move(id);
    if (auto user = text_of(message, SystemProperty::user_id)) properties.user_id = amqp::Binary{*std::move(user)};
    properties.to = facts.is_input ? path_of(facts.receiver) : path_of(facts.receiver) + "/messages/devicebound";
    properties.content_type = text_of(message, SystemProperty::content_type);
    properties.content_encoding = text_of(message, SystemProperty::content_encoding);
    properties.absolute_expiry_time = time_of(message, SystemProperty::absolute_expiry_time);
    return properties;
}

}  // namespace

std::string write_delivery(const DeliveryFacts& facts, const domain::Message& message) {
    amqp::Message out;
    out.message_annotations = annotations_of(facts, message);
    out.properties = properties_of(facts, message);
    add_text(out.application_properties, "iothub-ack", message, SystemProperty::ack);
    add_text(out.application_properties, "iothub-message-schema", message, SystemProperty::message_schema);
    add_text(out.application_properties, "iothub-creation-time-utc", message, SystemProperty::creation_time_utc);
    add_text(out.application_properties, "iothub-operation", message, SystemProperty::operation);
    for (const domain::Property& property : message.properties)
        out.application_properties.push_back({property.name, property.value.value_or("")});
    out.data = {message.body};
    return amqp::encode_message(out);
}

std::string delivery_tag(const amqp::Uuid& lock) {
    constexpr std::size_t kOrder[] = {3, 2, 1, 0, 5, 4, 7, 6, 8, 9, 10, 11, 12, 13, 14, 15};
    std::string tag;
    for (const std::size_t at : kOrder) tag += static_cast<char>(lock.bytes[at]);
    return tag;
}

}  // namespace selvage::codec::hub_amqp
