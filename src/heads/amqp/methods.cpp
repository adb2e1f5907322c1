// Direct methods: docs/wire/amqp.md#methods. Calls go by a UUID of ours: one SDK takes no other type of correlation id, and what
// the hub's request ids look like is the hub's affair.
#include <algorithm>

#include "base/log.h"
#include "heads/amqp/connection.h"
#include "heads/amqp/error_map.h"

namespace selvage::heads::amqp {
namespace {

namespace wire = codec::amqp;

// Made and not answered. The hub gives up a call after its time without a word to us, so the oldest make room.
constexpr std::size_t kCallsMax = 256;

}  // namespace

void AmqpIdentity::invoke_method(const std::string& request_id, const domain::MethodRequest& request) {
    if (connection_.has_ended() || !session_ || !slot(LinkKind::method_calls)) return;
    const std::string correlation = connection_.random().guid();
    if (calls_.size() >= kCallsMax) calls_.pop_front();
    calls_.push_back({correlation, request_id});
    auto bytes = codec::hub_amqp::write_method_call(*wire::parse_uuid(correlation), request.name, request.payload);
    if (!connection_.send_answer(method_calls_, std::move(bytes)))
        log::debug("amqp.method", "device={} not called: the client takes no calls", domain::to_text(identity_));
}

void AmqpIdentity::take_method_answer(const wire::MessageArrived& event) {
    const auto message = wire::decode_message(event.bytes);
    auto answer = message ? codec::hub_amqp::read_method_answer(*message) : Result<codec::hub_amqp::MethodAnswer>(fail(message.error()));
    if (!answer) {
        log::debug("amqp.method", "device={} bad answer: {}", domain::to_text(identity_), answer.error().detail);
        return;
    }
    const auto call = std::find_if(calls_.begin(), calls_.end(), [&](const MethodCall& one) { return one.correlation == answer->request; });
    if (call == calls_.end()) return;   // unknown or late
    const std::string request_id = std::move(call->request_id);
    calls_.erase(call);
    session_->answer_method(request_id, {answer->status, std::move(answer->payload)});
}

}  // namespace selvage::heads::amqp
