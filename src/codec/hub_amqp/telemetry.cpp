// Messages from clients. docs/wire/amqp.md#messages has the source of each row.
#include <fmt/format.h>

#include <algorithm>
#include <iterator>

#include "base/encoding.h"
#include "base/time_text.h"
#include "codec/hub_amqp/hub_amqp.h"
#include "codec/mqtt/text.h"

namespace selvage::codec::hub_amqp {
namespace {

using domain::SystemProperty;

struct Row {
    std::string_view name;
    SystemProperty property;
};
constexpr Row kApplicationProperties[] = {
    {"iothub-creation-time-utc", SystemProperty::creation_time_utc},
    {"iothub-message-schema", SystemProperty::message_schema},
    {"iothub-operation", SystemProperty::operation},
    {"iothub-outputname", SystemProperty::output_name},
};
constexpr Row kAnnotations[] = {
    {"iothub-interface-id", SystemProperty::interface_id},
    {"dt-subject", SystemProperty::subject},
    {"Diagnostic-Id", SystemProperty::diagnostic_id},
    {"Correlation-Context", SystemProperty::correlation_context},
};

std::optional<std::string> value_text(const amqp::Value& value) {
    return std::visit(
        [](const auto& one) -> std::optional<std::string> {
            using T = std::decay_t<decltype(one)>;
            if constexpr (std::is_same_v<T, bool>) return one ? "true" : "false";
            else if constexpr (std::is_arithmetic_v<T>) return fmt::format("{}", one);
            else if constexpr (std::is_same_v<T, std::string>) return one;
            else if constexpr (std::is_same_v<T, amqp::Symbol>) return one.text;
            else if constexpr (std::is_same_v<T, amqp::Uuid>) return amqp::to_text(one);
            else if constexpr (std::is_same_v<T, amqp::Binary>) return mqtt::is_utf8(one.bytes) ? one.bytes : to_base64(one.bytes);
            else if constexpr (std::is_same_v<T, amqp::Timestamp>) return fmt::format("{}", one.milliseconds);
            else return std::nullopt;
        },
        value);
}

// Times that ISO 8601 and .NET can write; others are dropped.
std::optional<std::string> time_text(std::int64_t milliseconds) {
    constexpr std::int64_t kMost = 253'402'300'799'999;
    if (milliseconds < 0 || milliseconds > kMost) return std::nullopt;
    return to_iso8601(UtcTime(std::chrono::milliseconds(milliseconds)));
}

std::optional<std::string> system_text(SystemProperty property, const amqp::Value& value) {
    const auto* time = std::get_if<amqp::Timestamp>(&value);
    if (property == SystemProperty::creation_time_utc && time != nullptr) return time_text(time->milliseconds);
    return value_text(value);
}

// Names of what a hub stamps: a client may not make them up.
bool is_stamped_name(std::string_view name) {
    constexpr SystemProperty kStamped[] = {
        SystemProperty::connection_device_id,   SystemProperty::connection_module_id,
        SystemProperty::connection_auth_method, SystemProperty::connection_auth_generation_id,
        SystemProperty::enqueued_time,          SystemProperty::message_source,
        SystemProperty::model_id};
    return std::any_of(std::begin(kStamped), std::end(kStamped), [&](SystemProperty one) { return domain::name(one) == name; });
}

template <std::size_t N>
const Row* row_of(const Row (&rows)[N], std::string_view name) {
    const auto row = std::find_if(std::begin(rows), std::end(rows), [&](const Row& one) { return one.name == name; });
    return row == std::end(rows) ? nullptr : row;
}

void take_properties(const amqp::Properties& properties, domain::Message& into) {
    const auto set = [&into](SystemProperty property, const std::optional<std::string>& value) {
        if (value) into.set(property, *value);
    };
    const auto id = [](const amqp::MessageId& one) {
        return one.index() == 0 ? std::nullopt : std::optional(to_text(one));
    };
    set(SystemProperty::message_id, id(properties.message_id));
    set(SystemProperty::correlation_id, id(properties.correlation_id));
    if (properties.user_id) set(SystemProperty::user_id, value_text(*properties.user_id));
    set(SystemProperty::to, properties.to);
    set(SystemProperty::content_type, properties.content_type);
    set(SystemProperty::content_encoding, properties.content_encoding);
    if (properties.absolute_expiry_time)
        set(SystemProperty::absolute_expiry_time, time_text(properties.absolute_expiry_time->milliseconds));
}

bool is_all_text(const domain::Message& message) {
    return std::all_of(message.system.begin(), message.system.end(), [](const auto& one) { return mqtt::is_utf8(one.value); }) &&
           std::all_of(message.properties.begin(), message.properties.end(), [](const domain::Property& one) {
               return mqtt::is_utf8(one.name) && (!one.value || mqtt::is_utf8(*one.value));
           });
}

Result<domain::Message> to_message(const amqp::Message& from) {
    domain::Message message;
    message.body = from.body();
    take_properties(from.properties, message);
    for (const amqp::Entry& entry : from.message_annotations)
        if (const Row* row = row_of(kAnnotations, entry.key))
            if (auto text = value_text(entry.value)) message.set(row->property, *std::move(text));
    for (const amqp::Entry& entry : from.application_properties) {
        if (const Row* row = row_of(kApplicationProperties, entry.key)) {
            if (auto text = system_text(row->property, entry.value)) message.set(row->property, *std::move(text));
        } else if (!is_stamped_name(entry.key)) {
            message.properties.push_back({entry.key, value_text(entry.value)});
        }
    }
    if (!is_all_text(message)) return fail(Errc::malformed, "a property that is not UTF-8");
    return message;
}

}  // namespace

std::string to_text(const amqp::MessageId& id) {
    return std::visit([](const auto& one) { return value_text(amqp::Value(one)).value_or(""); }, id);
}

Result<std::vector<domain::Message>> read_telemetry(std::uint32_t message_format, std::string_view bytes) {
    const amqp::MessageLimits limits{.data_sections_max = kBatchMessagesMax};
    SELVAGE_TRY(const auto outer, amqp::decode_message(bytes, limits));
    std::vector<domain::Message> messages;
    if (message_format != amqp::kBatchedFormat) {
        SELVAGE_TRY(auto one, to_message(outer));
        messages.push_back(std::move(one));
        return messages;
    }
    if (outer.data.empty()) return fail(Errc::malformed, "a batch without messages");
    messages.reserve(outer.data.size());
    for (const auto part : outer.data) {
        SELVAGE_TRY(const auto inner, amqp::decode_message(part, limits));
        SELVAGE_TRY(auto one, to_message(inner));
        messages.push_back(std::move(one));
    }
    return messages;
}

}  // namespace selvage::codec::hub_amqp
