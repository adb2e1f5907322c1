// What clients put into AMQP's addresses, user names, tokens, twin requests, method answers and telemetry. First byte: which;
// messages begin as sections, so that mutations of a seed stay messages.
#include <cstdint>
#include <string>

#include "base/result.h"
#include "codec/hub_amqp/hub_amqp.h"
#include "rig/input.h"

namespace {

using namespace selvage;
using namespace selvage::codec::hub_amqp;
namespace amqp = codec::amqp;

void address(std::string_view text) {
    const auto link = parse_link_address(text);
    if (!link || link->node == Node::cbs) return;
    SELVAGE_ASSERT(!link->identity.device.empty());
    // An identity that was read is written and read as the same.
    const auto again = parse_link_address(path_of(link->identity) + "/messages/events");
    SELVAGE_ASSERT(again && again->identity == link->identity);
}

void user(std::string_view text) {
    const auto read = parse_sasl_user(text, "hub.example");
    if (!read) return;
    SELVAGE_ASSERT(read->policy.empty() != read->identity.device.empty());
}

void telemetry(std::uint32_t format, std::string_view bytes) {
    const auto messages = read_telemetry(format, bytes);
    if (!messages) return;
    SELVAGE_ASSERT(messages->size() <= kBatchMessagesMax);
    for (const auto& message : *messages) {
        // Whatever came may go out to a module: what we write must be a message.
        const DeliveryFacts facts{.receiver = domain::Identity::of_module("d", "m"), .is_input = true, .delivery_count = 1, .lock = {}};
        const std::string written = write_delivery(facts, message);
        const auto read = amqp::decode_message(written);
        SELVAGE_ASSERT(read && read->body() == message.body);
    }
}

void request(std::string_view bytes) {
    const auto message = amqp::decode_message(bytes);
    if (!message) return;
    if (const auto token = read_put_token(*message)) SELVAGE_ASSERT(!token->is_put || !token->token.empty());
    SELVAGE_ASSERT(amqp::decode_message(write_cbs_answer(message->properties.message_id, 200, "OK")).has_value());
    ignore(read_twin_request(*message), "refusing is fine");
    SELVAGE_ASSERT(amqp::decode_message(write_twin_answer(message->properties.message_id, 200, 1, "{}")).has_value());
    if (const auto answer = read_method_answer(*message)) SELVAGE_ASSERT(!answer->request.empty());
    to_text(message->properties.message_id);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size == 0) return 0;
    const auto text = fuzz::text_of(data + 1, size - 1);
    constexpr std::uint32_t kBatchFormat = 0x80013700;
    switch (data[0] % 5) {
        case 0: address(text); break;
        case 1: user(text); break;
        case 2: telemetry(0, text); break;
        case 3: telemetry(kBatchFormat, text); break;
        default: request(text); break;
    }
    return 0;
}
