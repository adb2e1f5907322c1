// Calls about links and messages.
#include "codec/amqp/engine_impl.h"

namespace selvage::codec::amqp {
namespace {

std::uint64_t code_of(Outcome outcome) {
    switch (outcome) {
        case Outcome::accepted: return PN_ACCEPTED;
        case Outcome::rejected: return PN_REJECTED;
        case Outcome::released: return PN_RELEASED;
        case Outcome::modified:
        case Outcome::undeliverable: return PN_MODIFIED;
        case Outcome::none: break;
    }
    return 0;
}

void set_local(pn_delivery_t* delivery, Outcome outcome, const Condition& why) {
    pn_disposition_t* local = pn_delivery_local(delivery);
    if (outcome == Outcome::rejected) set_condition(pn_disposition_condition(local), why);
    if (outcome == Outcome::modified || outcome == Outcome::undeliverable) {
        pn_disposition_set_failed(local, true);
        pn_disposition_set_undeliverable(local, outcome == Outcome::undeliverable);
    }
    if (outcome != Outcome::none) pn_delivery_update(delivery, code_of(outcome));
}

void set_terminus(pn_terminus_t* terminus, pn_terminus_type_t type, const std::optional<std::string>& address) {
    pn_terminus_set_type(terminus, address ? type : PN_UNSPECIFIED);
    if (!address) return;
    pn_terminus_set_address(terminus, address->c_str());
}

}  // namespace

void Engine::accept(LinkId id, const LinkAnswer& answer) {
    Impl::Link* link = impl_->find(id);
    if (link == nullptr || link->answered) return;
    link->answered = true;
    link->message_bytes_max = answer.message_bytes_max;
    pn_link_t* handle = link->handle;
    pn_terminus_copy(pn_link_source(handle), pn_link_remote_source(handle));
    pn_terminus_copy(pn_link_target(handle), pn_link_remote_target(handle));
    pn_link_set_snd_settle_mode(handle, static_cast<pn_snd_settle_mode_t>(answer.sender_settles));
    pn_link_set_rcv_settle_mode(handle, static_cast<pn_rcv_settle_mode_t>(answer.receiver_settles));
    pn_link_set_max_message_size(handle, answer.message_bytes_max);
    pn_link_open(handle);
}

void Engine::refuse(LinkId id, const Condition& why) {
    Impl::Link* link = impl_->find(id);
    if (link == nullptr || link->answered) return;
    link->answered = true;
    // The terminus that would have been ours is null: that is the refusal, and the detach says why.
    const bool incoming = link->direction == Direction::incoming;
    pn_link_t* handle = link->handle;
    pn_terminus_set_type(incoming ? pn_link_target(handle) : pn_link_source(handle), PN_UNSPECIFIED);
    if (incoming) pn_terminus_copy(pn_link_source(handle), pn_link_remote_source(handle));
    else pn_terminus_copy(pn_link_target(handle), pn_link_remote_target(handle));
    pn_link_open(handle);
    detach(id, why);
}

void Engine::detach(LinkId id, const Condition& why) {
    Impl::Link* link = impl_->find(id);
    if (link == nullptr) return;
    pn_link_t* handle = link->handle;
    set_condition(pn_link_condition(handle), why);
    impl_->forget(id);
    pn_link_close(handle);
    impl_->collect({});
}

void Engine::add_credit(LinkId id, std::uint32_t messages) {
    Impl::Link* link = impl_->find(id);
    if (link == nullptr || link->direction != Direction::incoming || messages == 0) return;
    link->credit += messages;
    pn_link_flow(link->handle, static_cast<int>(messages));
}

void Engine::settle(DeliveryId id, Outcome outcome, const Condition& why) {
    const auto found = impl_->deliveries.find(static_cast<std::uint64_t>(id));
    if (found == impl_->deliveries.end()) return;
    pn_delivery_t* delivery = found->second;
    impl_->deliveries.erase(found);
    set_local(delivery, outcome, why);
    pn_delivery_set_context(delivery, nullptr);
    pn_delivery_settle(delivery);
}

void Engine::propose(DeliveryId id, Outcome outcome) {
    const auto found = impl_->deliveries.find(static_cast<std::uint64_t>(id));
    if (found != impl_->deliveries.end()) set_local(found->second, outcome, {});
}

std::optional<DeliveryId> Engine::send(LinkId id, std::string_view tag, std::string_view bytes, bool settled) {
    const Impl::Link* link = impl_->find(id);
    if (link == nullptr || link->direction != Direction::outgoing) return std::nullopt;
    pn_delivery_t* delivery = pn_delivery(link->handle, pn_dtag(tag.data(), tag.size()));
    pn_link_send(link->handle, bytes.data(), bytes.size());
    impl_->unsent_bytes += bytes.size();
    if (settled) {
        pn_delivery_set_context(delivery, nullptr);
        pn_delivery_settle(delivery);   // advances too
        return static_cast<DeliveryId>(++impl_->last_delivery);
    }
    const auto number = impl_->remember(delivery);
    pn_link_advance(link->handle);
    return number;
}

std::uint32_t Engine::credit(LinkId id) const {
    const Impl::Link* link = impl_->find(id);
    return link == nullptr ? 0 : static_cast<std::uint32_t>(std::max(0, pn_link_credit(link->handle)));
}

void Engine::drained(LinkId id) {
    const Impl::Link* link = impl_->find(id);
    if (link != nullptr) pn_link_drained(link->handle);
}

LinkId Engine::attach(SessionId session, const LinkSpec& spec) {
    Impl& impl = *impl_;
    pn_session_t* owner = impl.own_sessions.at(static_cast<std::size_t>(session));
    const bool sends = spec.direction == Direction::outgoing;
    pn_link_t* handle = sends ? pn_sender(owner, spec.name.c_str()) : pn_receiver(owner, spec.name.c_str());
    set_terminus(pn_link_source(handle), PN_SOURCE, spec.source);
    set_terminus(pn_link_target(handle), PN_TARGET, spec.target);
    pn_link_set_snd_settle_mode(handle, static_cast<pn_snd_settle_mode_t>(spec.sender_settles));
    pn_link_set_rcv_settle_mode(handle, static_cast<pn_rcv_settle_mode_t>(spec.receiver_settles));
    if (!spec.properties.empty()) {
        pn_data_t* data = pn_link_properties(handle);
        pn_data_put_map(data);
        pn_data_enter(data);
        for (const auto& [key, value] : spec.properties) {
            pn_data_put_symbol(data, pn_bytes(key.size(), key.data()));
            pn_data_put_string(data, pn_bytes(value.size(), value.data()));
        }
        pn_data_exit(data);
    }
    Impl::Link& link = impl.links[++impl.last_link];
    link.handle = handle;
    link.direction = spec.direction;
    link.answered = true;
    link.message_bytes_max = 16 << 20;
    pn_link_set_context(handle, as_context(impl.last_link));
    pn_link_open(handle);
    return static_cast<LinkId>(impl.last_link);
}

}  // namespace selvage::codec::amqp
