// C2D and input messages. The hub's window follows the credit that the client gives, so that what waits here is what the
// client has asked for and only the output holds it back.
#include <algorithm>

#include "base/log.h"
#include "heads/amqp/connection.h"
#include "heads/amqp/error_map.h"

namespace selvage::heads::amqp {
namespace {

namespace wire = codec::amqp;

constexpr std::size_t kOutputFilled = 128 * 1024;   // no further delivery is sent while more than this is unsent

hub_api::Outcome outcome_for_hub(wire::Outcome outcome) {
    switch (outcome) {
        case wire::Outcome::accepted: return hub_api::Outcome::completed;
        case wire::Outcome::rejected:
        case wire::Outcome::undeliverable: return hub_api::Outcome::rejected;
        case wire::Outcome::released:
        case wire::Outcome::modified:
        case wire::Outcome::none: break;
    }
    return hub_api::Outcome::abandoned;
}

// The hub's own lock token where it has made one: clients see it again in its service API.
wire::Uuid lock_of(const domain::Message& message, Random& random) {
    if (const auto text = message.get(domain::SystemProperty::lock_token))
        if (const auto uuid = wire::parse_uuid(*text)) return *uuid;
    return *wire::parse_uuid(random.guid());
}

}  // namespace

std::optional<LinkKind> AmqpIdentity::delivery_kind() const {
    if (slot(LinkKind::inputs)) return LinkKind::inputs;
    if (slot(LinkKind::c2d)) return LinkKind::c2d;
    return std::nullopt;
}

void AmqpIdentity::credit_changed(const wire::CreditChanged& event) {
    const auto kind = kind_of(event.link);
    if (!kind) return;
    if (*kind == LinkKind::twin_answers) connection_.send_waiting(twin_answers_);
    else if (*kind == LinkKind::method_calls) connection_.send_waiting(method_calls_);
    else if (kind == delivery_kind()) {
        const auto self = shared_from_this();
        update_window();
        pump();
    }
    if (event.drain) connection_.engine().drained(event.link);
    connection_.touch();
}

void AmqpIdentity::update_window() {
    const auto kind = delivery_kind();
    if (!kind || !session_) return;
    const std::size_t wanted = connection_.engine().credit(slot(*kind)->id) + deliveries_.unsettled.size();
    const auto window = static_cast<std::uint32_t>(std::min<std::size_t>(wanted, connection_.settings().outbound_window));
    if (window == deliveries_.window) return;
    deliveries_.window = window;
    session_->set_window(*feed_of(*kind), window);
}

void AmqpIdentity::deliver(hub_api::Delivery delivery) {
    if (connection_.has_ended() || !session_) return;
    if (!delivery_kind()) {
        // It was on its way when the link went: somebody may come back for it.
        session_->settle(delivery.token, hub_api::Outcome::abandoned);
        return;
    }
    deliveries_.waiting.push_back(std::move(delivery));
    pump();
}

void AmqpIdentity::pump() {
    // Settling may make the hub deliver inside the call: that only queues.
    if (deliveries_.pumping || connection_.has_ended()) return;
    deliveries_.pumping = true;
    while (session_ && delivery_kind() && !deliveries_.waiting.empty() && connection_.engine().unsent_bytes() < kOutputFilled) {
        if (!send(deliveries_.waiting.front(), *slot(*delivery_kind()))) break;
        deliveries_.waiting.pop_front();
    }
    deliveries_.pumping = false;
    connection_.touch();
}

bool AmqpIdentity::send(hub_api::Delivery& delivery, const Link& link) {
    wire::Engine& engine = connection_.engine();
    if (engine.credit(link.id) == 0) return false;
    const wire::Uuid lock = lock_of(delivery.message, connection_.random());
    const codec::hub_amqp::DeliveryFacts facts{.receiver = identity_,
                                               .is_input = delivery.feed == hub_api::Feed::inputs,
                                               .delivery_count = delivery.delivery_count,
                                               .lock = lock};
    const auto sent = engine.send(link.id, codec::hub_amqp::delivery_tag(lock), codec::hub_amqp::write_delivery(facts, delivery.message), false);
    if (!sent) return false;
    deliveries_.unsettled.emplace(*sent, delivery.token);
    return true;
}

void AmqpIdentity::outcome_known(const wire::OutcomeKnown& event) {
    const auto found = deliveries_.unsettled.find(event.delivery);
    if (found == deliveries_.unsettled.end() || !session_) return;
    const auto token = found->second;
    deliveries_.unsettled.erase(found);
    const auto self = shared_from_this();
    const bool held = session_->settle(token, outcome_for_hub(event.outcome));
    if (!held) log::debug("amqp.settle", "device={} settled after its lock was lost", domain::to_text(identity_));
    // A receiver that settles second waits for our word.
    if (!event.settled) {
        if (held) connection_.engine().settle(event.delivery, event.outcome);
        else connection_.engine().settle(event.delivery, wire::Outcome::rejected, lock_lost());
    }
    update_window();
    pump();
}

// The link is gone, the session stays: what the client has not settled is for the next link.
void AmqpIdentity::return_deliveries() {
    Deliveries gone = std::exchange(deliveries_, {});
    if (!session_ || is_unused()) return;   // ending the session returns them
    for (const auto feed : {hub_api::Feed::inputs, hub_api::Feed::c2d})
        if (feed_on_[static_cast<std::size_t>(feed)]) session_->set_window(feed, 0);
    for (const auto& delivery : gone.waiting)
        if (session_) session_->settle(delivery.token, hub_api::Outcome::abandoned);
    for (const auto& [delivery, token] : gone.unsettled)
        if (session_) session_->settle(token, hub_api::Outcome::abandoned);
}

}  // namespace selvage::heads::amqp
