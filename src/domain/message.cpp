#include "domain/message.h"

#include <algorithm>

namespace selvage::domain {

// The names of the built-in endpoint's annotations and properties where it has one: docs/wire/limits.md#property-names.
std::string_view name(SystemProperty property) {
    switch (property) {
        case SystemProperty::message_id: return "message-id";
        case SystemProperty::correlation_id: return "correlation-id";
        case SystemProperty::user_id: return "user-id";
        case SystemProperty::to: return "to";
        case SystemProperty::content_type: return "content-type";
        case SystemProperty::content_encoding: return "content-encoding";
        case SystemProperty::absolute_expiry_time: return "absolute-expiry-time";
        case SystemProperty::creation_time_utc: return "iothub-creation-time-utc";
        case SystemProperty::message_schema: return "iothub-message-schema";
        case SystemProperty::output_name: return "iothub-outputname";
        case SystemProperty::input_name: return "iothub-inputname";
        case SystemProperty::interface_id: return "iothub-interface-id";
        case SystemProperty::subject: return "dt-subject";
        case SystemProperty::operation: return "iothub-operation";
        case SystemProperty::ack: return "iothub-ack";
        case SystemProperty::diagnostic_id: return "Diagnostic-Id";
        case SystemProperty::correlation_context: return "Correlation-Context";
        case SystemProperty::connection_device_id: return "iothub-connection-device-id";
        case SystemProperty::connection_module_id: return "iothub-connection-module-id";
        case SystemProperty::connection_auth_generation_id: return "iothub-connection-auth-generation-id";
        case SystemProperty::connection_auth_method: return "iothub-connection-auth-method";
        case SystemProperty::enqueued_time: return "iothub-enqueuedtime";
        case SystemProperty::message_source: return "iothub-message-source";
        case SystemProperty::model_id: return "dt-dataschema";
        case SystemProperty::message_type: return "iothub-message-type";
        case SystemProperty::edge_message_id: return "edge-message-id";
        case SystemProperty::edge_origin: return "edge-hub-origin-interface";
        case SystemProperty::sequence_number: return "iothub-sequence-number";
        case SystemProperty::delivery_count: return "iothub-delivery-count";
        case SystemProperty::lock_token: return "iothub-lock-token";
    }
    return {};
}

bool is_set_by_hub(SystemProperty property) { return property >= SystemProperty::connection_device_id; }

std::optional<std::string_view> Message::get(SystemProperty property) const {
    for (const SystemEntry& entry : system)
        if (entry.property == property) return entry.value;
    return std::nullopt;
}

void Message::set(SystemProperty property, std::string value) {
    for (SystemEntry& entry : system) {
        if (entry.property != property) continue;
        entry.value = std::move(value);
        return;
    }
    system.push_back({property, std::move(value)});
}

void Message::erase(SystemProperty property) {
    std::erase_if(system, [&](const SystemEntry& entry) { return entry.property == property; });
}

std::size_t Message::counted_bytes() const {
    std::size_t bytes = body.size();
    for (const SystemEntry& entry : system)
        if (!is_set_by_hub(entry.property)) bytes += entry.value.size();
    for (const Property& property : properties)
        bytes += property.name.size() + (property.value ? property.value->size() : 0);
    return bytes;
}

}  // namespace selvage::domain
