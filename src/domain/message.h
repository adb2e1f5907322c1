// A message: telemetry, a module input message or a C2D message. One shape for all, as on the wire.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "domain/identity.h"

namespace selvage::domain {

// System properties under one name each, whatever protocol brought them. Stored in logs by number: append, never reorder.
// The names on each wire are in codec/hub_mqtt (MQTT) and, for routes, in query.
enum class SystemProperty : std::uint8_t {
    message_id = 1,
    correlation_id = 2,
    user_id = 3,
    to = 4,
    content_type = 5,
    content_encoding = 6,
    absolute_expiry_time = 7,     // ISO 8601
    creation_time_utc = 8,        // ISO 8601
    message_schema = 9,
    output_name = 10,             // modules: the output that the message leaves by
    input_name = 11,              // modules: the input that it arrives at
    interface_id = 12,
    subject = 13,                 // dt-subject: component name
    operation = 14,
    ack = 15,
    diagnostic_id = 16,
    correlation_context = 17,
    // Set by hubs; copies sent by clients are dropped.
    connection_device_id = 32,
    connection_module_id = 33,
    connection_auth_generation_id = 34,
    connection_auth_method = 35,
    enqueued_time = 36,           // ISO 8601
    message_source = 37,
    model_id = 38,                // dt-dataschema
    message_type = 39,            // twinChangeNotification and such
    edge_message_id = 40,
    edge_origin = 41,             // internal | downstream
    sequence_number = 42,
    delivery_count = 43,
    lock_token = 44,
};

// The name that the built-in endpoint and hubctl use: "message-id", "iothub-connection-device-id", …
std::string_view name(SystemProperty property);
// Those from connection_device_id on: only a hub may set them.
bool is_set_by_hub(SystemProperty property);

struct Property {
    std::string name;
    // Nothing: the property is there with a null value (MQTT `key` as opposed to `key=`).
    std::optional<std::string> value;
    bool operator==(const Property&) const = default;
};

struct SystemEntry {
    SystemProperty property;
    std::string value;
    bool operator==(const SystemEntry&) const = default;
};

struct Message {
    std::string body;
    std::vector<Property> properties;    // application properties, in the order they came, names as they came
    std::vector<SystemEntry> system;     // at most one entry a property

    // The value of a system property; nothing when absent.
    std::optional<std::string_view> get(SystemProperty property) const;
    void set(SystemProperty property, std::string value);
    void erase(SystemProperty property);

    // What counts against the limit of 262,144: the body, values of system properties, names and values of application
    // properties, in bytes (docs/wire/limits.md). What hubs set does not count: a message that the edge took is not too
    // large for the cloud because of the stamps it got on its way.
    std::size_t counted_bytes() const;

    bool operator==(const Message&) const = default;
};

inline constexpr std::size_t kMessageBytesMax = 262'144;

// The stored form: versioned, self-delimiting, independent of the machine. `append_record` adds it to `out`.
// Layout: version byte 1; varint counts; per entry varint lengths and bytes; body last with a varint length.
void append_record(const Message& message, std::string& out);
// The same with further system properties behind the message's own, which has none of them itself.
struct Stamp {
    SystemProperty property;
    std::string_view value;
};
void append_record(const Message& message, std::span<const Stamp> stamps, std::string& out);
// Errors: corrupt. Bounded by the input's own length: never allocates more than it is given.
Result<Message> read_record(std::string_view record);

}  // namespace selvage::domain
