// Topics, bags and user names of either side: no input breaks a parser, and what was parsed is written and read back.
#include <cstdint>
#include <cstdlib>
#include <string>
#include <variant>

#include "codec/hub_mqtt/hub_mqtt.h"
#include "codec/mqtt/text.h"

namespace {

using namespace selvage;
using namespace selvage::codec::hub_mqtt;

void check(bool holds) {
    if (!holds) std::abort();
}

void client_topic(std::string_view text) {
    const auto topic = parse_client_topic(text);
    if (!topic) return;
    if (const auto* telemetry = std::get_if<Telemetry>(&*topic)) {
        const auto again = parse_client_topic(telemetry_topic(telemetry->identity, telemetry->message));
        check(again && std::holds_alternative<Telemetry>(*again));
        const auto& one = std::get<Telemetry>(*again);
        check(one.identity == telemetry->identity);
        check(one.message.system.size() == telemetry->message.system.size());
    } else if (const auto* get = std::get_if<TwinGet>(&*topic)) {
        const auto again = parse_client_topic(twin_get_topic(get->request_id));
        check(again && std::get<TwinGet>(*again).request_id == get->request_id);
    } else if (const auto* answer = std::get_if<MethodAnswer>(&*topic)) {
        const auto again = parse_client_topic(method_answer_topic(answer->request_id, answer->status));
        check(again && std::get<MethodAnswer>(*again).status == answer->status);
    }
}

void hub_topic(std::string_view text) {
    const auto topic = parse_hub_topic(text);
    if (!topic) return;
    if (const auto* input = std::get_if<InputMessage>(&*topic)) {
        const auto again = parse_hub_topic(input_topic(domain::Identity::of_module("d", "m"), input->message));
        check(again && std::holds_alternative<InputMessage>(*again));
    } else if (const auto* c2d = std::get_if<C2dMessage>(&*topic)) {
        const std::string written = c2d_topic(domain::Identity::of_device("d"), c2d->message);
        check(written.find("%24.to=") != std::string::npos);
        check(parse_hub_topic(written).has_value());
    } else if (const auto* call = std::get_if<MethodCall>(&*topic)) {
        const auto again = parse_hub_topic(method_call_topic(call->method, call->request_id));
        check(again && std::get<MethodCall>(*again).method == call->method);
    }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size == 0) return 0;
    const std::string_view text(reinterpret_cast<const char*>(data) + 1, size - 1);
    if (!codec::mqtt::is_mqtt_text(text)) return 0;   // the packet decoder lets nothing else through
    switch (data[0] % 4) {
        case 0: client_topic(text); break;
        case 1: hub_topic(text); break;
        case 2: {
            const auto name = parse_user_name(text);
            if (name) check(!name->identity.device.empty());
            classify_filter(text, domain::Identity::of_module("d", "m"));
            break;
        }
        default: {
            domain::Message message;
            if (!parse_bag(text, message, size % 2 == 0)) break;
            domain::Message again;
            check(parse_bag(format_bag(message, false), again, true).has_value());
        }
    }
    return 0;
}
