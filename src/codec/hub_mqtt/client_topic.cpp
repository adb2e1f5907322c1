// Topics that clients publish to: docs/wire/mqtt.md#client-to-hub.
#include <fmt/core.h>

#include <limits>

#include "codec/hub_mqtt/hub_mqtt.h"
#include "codec/hub_mqtt/topic_text.h"

namespace selvage::codec::hub_mqtt {
namespace {

std::unexpected<Error> malformed(std::string_view what) { return fail(Errc::malformed, std::string(what)); }

Result<ClientTopic> parse_telemetry(std::string_view topic) {
    auto identity = take_identity(topic);
    if (!identity) return malformed("topic under devices/ without an identity");
    if (!take_prefix(topic, "messages/events") || (!topic.empty() && !take_prefix(topic, "/")))
        return malformed("topic under devices/ that is not messages/events");
    Telemetry telemetry{*std::move(identity), {}};
    // Everything behind the prefix is the bag: an SDK that does not encode sends slashes in it.
    SELVAGE_CHECK(parse_bag(topic, telemetry.message, false));
    return telemetry;
}

Result<ClientTopic> parse_twin_get(std::string_view query) {
    const auto request_id = query_value(query, "rid");
    if (!request_id || request_id->empty()) return malformed("twin GET without $rid");
    return TwinGet{std::string(*request_id)};
}

Result<ClientTopic> parse_twin_patch(std::string_view query) {
    if (!query.empty() && query.front() != '?') return malformed("twin PATCH of something below reported");
    TwinPatch patch;
    if (const auto request_id = query_value(query, "rid")) patch.request_id = *request_id;
    if (const auto version = query_value(query, "version")) {
        patch.if_version = to_integer(*version);
        if (!patch.if_version) return malformed("twin PATCH with a $version that is no integer");
    }
    return patch;
}

Result<ClientTopic> parse_method_answer(std::string_view rest) {
    const auto slash = rest.find('/');
    if (slash == std::string_view::npos) return malformed("method answer without $rid");
    const auto status = to_integer(rest.substr(0, slash));
    if (!status || *status < std::numeric_limits<int>::min() || *status > std::numeric_limits<int>::max())
        return malformed("method answer with a status that is no integer");
    const auto request_id = query_value(rest.substr(slash + 1), "rid");
    if (!request_id || request_id->empty()) return malformed("method answer without $rid");
    return MethodAnswer{std::string(*request_id), static_cast<int>(*status)};
}

}  // namespace

Result<ClientTopic> parse_client_topic(std::string_view topic) {
    if (topic.starts_with("devices/")) return parse_telemetry(topic);
    if (take_prefix(topic, "$iothub/twin/GET/")) return parse_twin_get(topic);
    if (take_prefix(topic, "$iothub/twin/PATCH/properties/reported/")) return parse_twin_patch(topic);
    if (take_prefix(topic, "$iothub/methods/res/")) return parse_method_answer(topic);
    return malformed("topic that clients do not publish to");
}

std::optional<std::string_view> own_telemetry_bag(std::string_view topic, const domain::Identity& identity) {
    if (!take_prefix(topic, "devices/") || !take_prefix(topic, identity.device)) return std::nullopt;
    if (identity.is_module() && (!take_prefix(topic, "/modules/") || !take_prefix(topic, identity.module))) return std::nullopt;
    if (!take_prefix(topic, "/messages/events") || (!topic.empty() && !take_prefix(topic, "/"))) return std::nullopt;
    return topic;
}

std::string telemetry_topic(const domain::Identity& identity, const domain::Message& message) {
    return topic_base(identity) + "/messages/events/" + format_bag(message, false);
}

std::string twin_get_topic(std::string_view request_id) { return fmt::format("$iothub/twin/GET/?$rid={}", request_id); }

std::string twin_patch_topic(std::string_view request_id) {
    return fmt::format("$iothub/twin/PATCH/properties/reported/?$rid={}", request_id);
}

std::string method_answer_topic(std::string_view request_id, int status) {
    return fmt::format("$iothub/methods/res/{}/?$rid={}", status, request_id);
}

}  // namespace selvage::codec::hub_mqtt
