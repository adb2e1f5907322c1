// Message properties as they travel in topics: docs/wire/mqtt.md#bag.
#include <algorithm>

#include "base/encoding.h"
#include "base/time_text.h"
#include "codec/hub_mqtt/hub_mqtt.h"
#include "codec/hub_mqtt/topic_text.h"

namespace selvage::codec::hub_mqtt {
namespace {

using domain::SystemProperty;

// Keeps the search for duplicates cheap whatever a topic of 64 KiB holds.
constexpr std::size_t kPropertiesMax = 1024;

// Where a name is known: in what clients send, in what hubs send.
enum class Reads : std::uint8_t { both, hub_sent };
enum class Writes : std::uint8_t { both, to_client, to_hub, never };

struct Row {
    std::string_view name;
    SystemProperty property;
    Reads reads;
    Writes writes;
};

// In the order of writing. docs/wire/mqtt.md#bag has the sources of each row.
constexpr Row kRows[] = {
    {"$.on", SystemProperty::output_name, Reads::both, Writes::to_hub},
    {"$.mid", SystemProperty::message_id, Reads::both, Writes::both},
    {"$.cid", SystemProperty::correlation_id, Reads::both, Writes::both},
    {"$.uid", SystemProperty::user_id, Reads::both, Writes::both},
    {"$.to", SystemProperty::to, Reads::both, Writes::both},
    {"$.ct", SystemProperty::content_type, Reads::both, Writes::both},
    {"$.ce", SystemProperty::content_encoding, Reads::both, Writes::both},
    {"$.exp", SystemProperty::absolute_expiry_time, Reads::both, Writes::both},
    {"$.ctime", SystemProperty::creation_time_utc, Reads::both, Writes::both},
    {"$.schema", SystemProperty::message_schema, Reads::both, Writes::both},
    {"$.ifid", SystemProperty::interface_id, Reads::both, Writes::to_hub},
    {"$.sub", SystemProperty::subject, Reads::both, Writes::both},
    {"$.diagid", SystemProperty::diagnostic_id, Reads::both, Writes::to_hub},
    {"$.diagctx", SystemProperty::correlation_context, Reads::both, Writes::to_hub},
    {"$.cdid", SystemProperty::connection_device_id, Reads::hub_sent, Writes::to_client},
    {"$.cmid", SystemProperty::connection_module_id, Reads::hub_sent, Writes::to_client},
    {"iothub-operation", SystemProperty::operation, Reads::both, Writes::both},
    {"iothub-ack", SystemProperty::ack, Reads::hub_sent, Writes::to_client},
    {"ack", SystemProperty::ack, Reads::hub_sent, Writes::never},   // how edgeHub names it
};

bool is_time(SystemProperty property) {
    return property == SystemProperty::absolute_expiry_time || property == SystemProperty::creation_time_utc;
}

// Some clients send a number: JavaScript's milliseconds, or seconds. Those before 1973 in milliseconds are seconds.
std::string read_time(std::string value) {
    constexpr std::int64_t kLeastMilliseconds = 100'000'000'000;
    constexpr std::int64_t kMostMilliseconds = 253'402'300'799'999;   // the year 9999, where ISO 8601 and .NET end
    auto number = to_integer(value);
    if (!number || *number < 0) return value;
    if (*number < kLeastMilliseconds) *number *= 1000;
    if (*number > kMostMilliseconds) return value;
    return to_iso8601(UtcTime(std::chrono::milliseconds(*number)));
}

// Names of what a hub stamps, in the form in which readers of telemetry see them: a client may not make them up.
bool is_stamped_name(std::string_view decoded) {
    constexpr SystemProperty kStamped[] = {
        SystemProperty::connection_device_id,   SystemProperty::connection_module_id,
        SystemProperty::connection_auth_method, SystemProperty::connection_auth_generation_id,
        SystemProperty::enqueued_time,          SystemProperty::message_source,
        SystemProperty::model_id};
    return std::any_of(std::begin(kStamped), std::end(kStamped),
                       [&](SystemProperty property) { return domain::name(property) == decoded; });
}

void take_property(std::string decoded_name, std::optional<std::string> value, domain::Message& message, bool from_hub) {
    const auto row = std::find_if(std::begin(kRows), std::end(kRows), [&](const Row& one) { return one.name == decoded_name; });
    if (row != std::end(kRows) && (from_hub || row->reads == Reads::both)) {
        std::string text = std::move(value).value_or("");
        message.set(row->property, is_time(row->property) ? read_time(std::move(text)) : std::move(text));
        return;
    }
    if (!from_hub && (decoded_name == "$.cdid" || decoded_name == "$.cmid" || is_stamped_name(decoded_name))) return;
    const auto same = std::find_if(message.properties.begin(), message.properties.end(),
                                   [&](const domain::Property& one) { return one.name == decoded_name; });
    if (same != message.properties.end()) same->value = std::move(value);
    else message.properties.push_back({std::move(decoded_name), std::move(value)});
}

// The value to write; nothing: better left out.
std::optional<std::string> value_to_write(SystemProperty property, std::string_view value, bool to_client) {
    if (!is_time(property)) return std::string(value);
    if (const auto time = from_iso8601(value)) return to_iso8601(*time);
    // One SDK throws on any other form.
    if (to_client) return std::nullopt;
    return std::string(value);
}

}  // namespace

Result<> parse_bag(std::string_view bag, domain::Message& message, bool from_hub) {
    if (bag.ends_with('/')) bag.remove_suffix(1);
    while (!bag.empty()) {
        const auto end = bag.find('&');
        const std::string_view pair = bag.substr(0, end);
        bag.remove_prefix(end == std::string_view::npos ? bag.size() : end + 1);
        if (pair.empty()) continue;
        const auto equals = pair.find('=');
        if (equals == 0) return fail(Errc::malformed, "property bag has a value without a name");
        if (message.properties.size() >= kPropertiesMax) return fail(Errc::malformed, "property bag has over 1,024 properties");
        std::optional<std::string> value;
        if (equals != std::string_view::npos) value = decode_leniently(pair.substr(equals + 1));
        take_property(decode_leniently(pair.substr(0, equals)), std::move(value), message, from_hub);
    }
    return {};
}

std::string format_bag(const domain::Message& message, bool to_client) {
    std::string bag;
    const auto append = [&bag](std::string_view name, const std::optional<std::string>& value, bool always_equals) {
        if (!bag.empty()) bag += '&';
        bag += percent_encode(name);
        if (value || always_equals) bag += '=';
        if (value) bag += percent_encode(*value);
    };
    for (const Row& row : kRows) {
        if (row.writes == Writes::never || row.writes == (to_client ? Writes::to_hub : Writes::to_client)) continue;
        const auto stored = message.get(row.property);
        if (!stored) continue;
        if (const auto value = value_to_write(row.property, *stored, to_client)) append(row.name, value, true);
    }
    for (const domain::Property& property : message.properties)
        if (!property.name.empty()) append(property.name, property.value, to_client);
    return bag;
}

}  // namespace selvage::codec::hub_mqtt
