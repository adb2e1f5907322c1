// Topics that hubs publish to. The SDKs read them by position, so each has exactly one form: docs/wire/mqtt.md#hub-to-client.
#include <fmt/core.h>

#include "codec/hub_mqtt/hub_mqtt.h"
#include "codec/hub_mqtt/topic_text.h"

namespace selvage::codec::hub_mqtt {
namespace {

std::unexpected<Error> malformed(std::string_view what) { return fail(Errc::malformed, std::string(what)); }

Result<HubTopic> parse_message(std::string_view topic) {
    if (!take_identity(topic)) return malformed("topic under devices/ without an identity");
    if (take_prefix(topic, "messages/devicebound") && (topic.empty() || take_prefix(topic, "/"))) {
        C2dMessage c2d;
        SELVAGE_CHECK(parse_bag(topic, c2d.message, true));
        return c2d;
    }
    if (!take_prefix(topic, "inputs/")) return malformed("topic under devices/ that is neither devicebound nor inputs");
    const auto slash = topic.find('/');
    InputMessage input{decode_leniently(topic.substr(0, slash)), {}};
    if (input.input.empty()) return malformed("input without a name");
    if (slash != std::string_view::npos) SELVAGE_CHECK(parse_bag(topic.substr(slash + 1), input.message, true));
    input.message.set(domain::SystemProperty::input_name, input.input);
    return input;
}

Result<HubTopic> parse_twin_answer(std::string_view rest) {
    const auto slash = rest.find('/');
    const auto status = to_integer(rest.substr(0, slash));
    if (slash == std::string_view::npos || !status || *status < 0 || *status > 999)
        return malformed("twin answer without a status");
    const std::string_view query = rest.substr(slash + 1);
    const auto request_id = query_value(query, "rid");
    if (!request_id) return malformed("twin answer without $rid");
    TwinAnswer answer{std::string(*request_id), static_cast<int>(*status), std::nullopt};
    if (const auto version = query_value(query, "version")) answer.version = to_integer(*version);
    return answer;
}

Result<HubTopic> parse_desired_patch(std::string_view query) {
    const auto version = query_value(query, "version");
    const auto number = version ? to_integer(*version) : std::nullopt;
    if (!number) return malformed("desired patch without a $version");
    return DesiredPatch{*number};
}

Result<HubTopic> parse_method_call(std::string_view rest) {
    const auto slash = rest.find('/');
    if (slash == std::string_view::npos || slash == 0) return malformed("method call without a name");
    const auto request_id = query_value(rest.substr(slash + 1), "rid");
    if (!request_id || request_id->empty()) return malformed("method call without $rid");
    return MethodCall{std::string(*request_id), decode_leniently(rest.substr(0, slash))};
}

}  // namespace

Result<HubTopic> parse_hub_topic(std::string_view topic) {
    if (topic.starts_with("devices/")) return parse_message(topic);
    if (take_prefix(topic, "$iothub/twin/res/")) return parse_twin_answer(topic);
    if (take_prefix(topic, "$iothub/twin/PATCH/properties/desired/")) return parse_desired_patch(topic);
    if (take_prefix(topic, "$iothub/methods/POST/")) return parse_method_call(topic);
    return malformed("topic that hubs do not publish to");
}

std::string c2d_topic(const domain::Identity& identity, const domain::Message& message) {
    const std::string base = topic_base(identity) + "/messages/devicebound";
    std::string topic = base + "/";
    if (!message.get(domain::SystemProperty::to)) {
        domain::Message addressed;
        addressed.set(domain::SystemProperty::to, "/" + base);
        topic += format_bag(addressed, true);
        const std::string bag = format_bag(message, true);
        return bag.empty() ? topic : topic + "&" + bag;
    }
    return topic + format_bag(message, true);
}

std::string input_topic(const domain::Identity& identity, const domain::Message& message) {
    const std::string_view input = message.get(domain::SystemProperty::input_name).value_or("");
    return topic_base(identity) + "/inputs/" + encode_level(input) + "/" + format_bag(message, true);
}

std::string twin_answer_topic(int status, std::string_view request_id, std::optional<std::int64_t> version) {
    if (!version) return fmt::format("$iothub/twin/res/{}/?$rid={}", status, request_id);
    return fmt::format("$iothub/twin/res/{}/?$rid={}&$version={}", status, request_id, *version);
}

std::string desired_patch_topic(std::int64_t version) {
    return fmt::format("$iothub/twin/PATCH/properties/desired/?$version={}", version);
}

std::string method_call_topic(std::string_view method, std::string_view request_id) {
    return fmt::format("$iothub/methods/POST/{}/?$rid={}", encode_level(method), request_id);
}

}  // namespace selvage::codec::hub_mqtt
