// What comes on an identity's incoming links. A transfer is settled once all of its messages are durable.
#include "base/log.h"
#include "heads/amqp/connection.h"
#include "heads/amqp/error_map.h"

namespace selvage::heads::amqp {
namespace {

namespace wire = codec::amqp;

// One transfer on its way to the hub. Its connection may be gone when the hub answers.
struct Transfer {
    std::weak_ptr<AmqpConnection> connection;
    domain::Identity device;
    wire::DeliveryId delivery;
    std::size_t bytes;
    std::size_t left;
    std::optional<Error> error{};   // of the first message that was refused

    void message_done(const Result<>& result) {
        if (!result && !error) {
            error = result.error();
            log::debug("amqp.telemetry", "device={} refused: {}", domain::to_text(device), result.error().detail);
        }
        if (--left > 0) return;
        if (const auto alive = connection.lock()) alive->transfer_done(delivery, bytes, error);
    }
};

}  // namespace

void AmqpIdentity::take_message(const wire::MessageArrived& event) {
    const auto kind = kind_of(event.link);
    if (!kind || !session_) return;
    if (*kind == LinkKind::telemetry) return take_telemetry(event);
    if (*kind == LinkKind::twin_requests) take_twin_request(event);
    else if (*kind == LinkKind::method_answers) take_method_answer(event);
    // Taken: the answer, or its absence, says the rest.
    connection_.engine().settle(event.delivery, wire::Outcome::accepted);
    connection_.touch();
}

void AmqpIdentity::take_telemetry(const wire::MessageArrived& event) {
    auto messages = codec::hub_amqp::read_telemetry(event.format, event.bytes);
    if (!messages) {
        log::debug("amqp.telemetry", "device={} refused: {}", domain::to_text(identity_), messages.error().detail);
        connection_.engine().settle(event.delivery, wire::Outcome::rejected, message_condition(messages.error()));
        return connection_.touch();
    }
    const auto transfer = std::make_shared<Transfer>(
        Transfer{connection_.weak_from_this(), identity_, event.delivery, event.bytes.size(), messages->size()});
    connection_.take_transfer(transfer->bytes);
    const auto self = shared_from_this();
    for (domain::Message& message : *messages) {
        // The hub may have ended us over the message before.
        if (!session_) transfer->message_done(fail(Errc::unavailable, "the session has ended"));
        else session_->send_telemetry(std::move(message), [transfer](const Result<>& result) { transfer->message_done(result); });
    }
}

}  // namespace selvage::heads::amqp
