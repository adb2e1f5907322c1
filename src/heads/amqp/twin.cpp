// Twin requests: docs/wire/amqp.md#twin. They run in the identity's lane, one after the other.
#include "async/deadline.h"
#include "base/log.h"
#include "heads/amqp/connection.h"
#include "heads/amqp/error_map.h"

namespace selvage::heads::amqp {
namespace {

namespace wire = codec::amqp;
using codec::hub_amqp::TwinOperation;
using codec::hub_amqp::write_twin_answer;

}  // namespace

void AmqpIdentity::take_twin_request(const wire::MessageArrived& event) {
    const auto message = wire::decode_message(event.bytes);
    if (!message) {
        log::debug("amqp.twin", "device={} {}", domain::to_text(identity_), message.error().detail);
        return;
    }
    TwinCall call{.identity = identity_, .id = message->properties.correlation_id, .request = {}};
    auto request = codec::hub_amqp::read_twin_request(*message);
    if (!request) return answer_twin_error(call, request.error());
    call.request = *std::move(request);
    connection_.queue(identity_, std::move(call));
}

Awaitable<> AmqpIdentity::run(TwinCall call) {
    const auto self = shared_from_this();
    if (!session_) co_return;
    auto& time = connection_.time();
    if (call.request.operation == TwinOperation::get) {
        auto getting = session_->get_twin();
        const auto twin = co_await async::with_deadline(time, kHubTimeout, std::move(getting));
        if (!twin) co_return answer_twin_error(call, twin.error());
        co_return send_twin(write_twin_answer(call.id, kTwinDone, std::nullopt, *twin));
    }
    if (call.request.operation == TwinOperation::patch) {
        auto patching = session_->patch_reported(std::move(call.request.patch), call.request.if_version);
        const auto version = co_await async::with_deadline(time, kHubTimeout, std::move(patching));
        if (!version) co_return answer_twin_error(call, version.error());
        co_return send_twin(write_twin_answer(call.id, kTwinPatched, *version, {}));
    }
    const auto switched = co_await switch_feed(hub_api::Feed::desired, call.request.operation == TwinOperation::subscribe);
    if (!switched) co_return answer_twin_error(call, switched.error());
    send_twin(write_twin_answer(call.id, kTwinDone, std::nullopt, {}));
}

void AmqpIdentity::answer_twin_error(const TwinCall& call, const Error& error) {
    if (connection_.has_ended() || error.code == Errc::cancelled) return;
    const int status = row_of(error.code).status;
    log::at(status >= 500 ? log::Level::warn : log::Level::debug, "amqp.twin", "device={} status={} reason={}: {}",
            domain::to_text(identity_), status, selvage::name(error.code), error.detail);
    const std::string body = error_body(error, connection_.random().guid(), connection_.time().utc_now());
    send_twin(write_twin_answer(call.id, status, std::nullopt, body));
}

void AmqpIdentity::desired_changed(std::int64_t, const std::string& patch) {
    if (!connection_.has_ended() && session_) send_twin(codec::hub_amqp::write_desired_patch(patch));
}

// A client that gives no credit loses the link rather than single patches: it has to get the twin again.
void AmqpIdentity::send_twin(std::string bytes) {
    if (connection_.has_ended() || !session_) return;
    if (connection_.send_answer(twin_answers_, std::move(bytes))) return;
    drop_link(LinkKind::twin_answers, too_many_waiting());
}

}  // namespace selvage::heads::amqp
