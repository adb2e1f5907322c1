// From proton's events to ours. They are collected after each frame, so that all of them are about that frame.
#include <proton/event.h>

#include <algorithm>

#include "codec/amqp/engine_impl.h"

namespace selvage::codec::amqp {
namespace {

constexpr std::size_t kWindowFrames = 2048;         // engine.cpp says why
constexpr std::size_t kPropertiesMax = 32;

std::optional<std::string> address_of(pn_terminus_t* terminus) {
    if (pn_terminus_get_type(terminus) == PN_UNSPECIFIED) return std::nullopt;
    const char* address = pn_terminus_get_address(terminus);
    return std::string(address == nullptr ? "" : address);
}

std::string_view text_of(pn_data_t* data) {
    const pn_type_t type = pn_data_type(data);
    if (type != PN_STRING && type != PN_SYMBOL) return {};
    const pn_bytes_t bytes = pn_data_get_bytes(data);
    return {bytes.start, bytes.size};
}

std::vector<std::pair<std::string, std::string>> properties_of(pn_link_t* link) {
    std::vector<std::pair<std::string, std::string>> properties;
    pn_data_t* data = pn_link_remote_properties(link);
    if (data == nullptr) return properties;
    pn_data_rewind(data);
    if (!pn_data_next(data) || pn_data_type(data) != PN_MAP || !pn_data_enter(data)) return properties;
    while (properties.size() < kPropertiesMax && pn_data_next(data)) {
        const std::string key(text_of(data));
        if (!pn_data_next(data)) break;
        const auto value = text_of(data);
        if (!key.empty() && !value.empty()) properties.emplace_back(key, value);
    }
    return properties;
}

Outcome outcome_of(pn_delivery_t* delivery) {
    switch (pn_delivery_remote_state(delivery)) {
        case PN_ACCEPTED: return Outcome::accepted;
        case PN_REJECTED: return Outcome::rejected;
        case PN_RELEASED: return Outcome::released;
        case PN_MODIFIED:
            return pn_disposition_is_undeliverable(pn_delivery_remote(delivery)) ? Outcome::undeliverable : Outcome::modified;
        default: return Outcome::none;
    }
}

}  // namespace

void Engine::Impl::collect(const Frame& frame) {
    while (pn_event_t* event = pn_connection_driver_next_event(driver.get())) {
        switch (pn_event_type(event)) {
            case PN_CONNECTION_REMOTE_OPEN: on_opened(); break;
            case PN_SESSION_REMOTE_OPEN: {
                pn_session_t* session = pn_event_session(event);
                if (role == Role::client) break;
                pn_session_set_incoming_capacity(session, kWindowFrames * settings.frame_bytes_max);
                pn_session_open(session);
                break;
            }
            case PN_LINK_REMOTE_OPEN: on_link_opened(pn_event_link(event)); break;
            case PN_LINK_REMOTE_CLOSE: on_link_closed(pn_event_link(event), true); break;
            case PN_LINK_REMOTE_DETACH: on_link_closed(pn_event_link(event), false); break;
            case PN_SESSION_REMOTE_CLOSE: on_session_closed(pn_event_session(event)); break;
            case PN_LINK_FLOW:
                // proton also says it after each transfer of ours.
                if (frame.kind == Performative::flow) on_flow(pn_event_link(event));
                break;
            case PN_DELIVERY: on_delivery(pn_event_delivery(event), frame); break;
            case PN_CONNECTION_REMOTE_CLOSE:
                pn_connection_close(driver.connection());
                on_closed(pn_connection_remote_condition(driver.connection()), true);
                break;
            case PN_TRANSPORT_ERROR:
            case PN_TRANSPORT_CLOSED: on_closed(pn_transport_condition(driver.transport()), false); break;
            default: break;
        }
    }
}

void Engine::Impl::on_opened() {
    pn_connection_t* connection = driver.connection();
    const char* container = pn_connection_remote_container(connection);
    const char* host = pn_connection_remote_hostname(connection);
    events.push_back(ConnectionOpened{container == nullptr ? "" : container, host == nullptr ? "" : host,
                                      std::chrono::milliseconds(pn_transport_get_remote_idle_timeout(driver.transport()))});
}

void Engine::Impl::on_link_opened(pn_link_t* handle) {
    LinkId id = id_of(handle);
    Link* link = find(id);
    if (link == nullptr) {
        if (role == Role::client) return;
        id = static_cast<LinkId>(++last_link);
        link = &links[last_link];
        link->handle = handle;
        link->direction = pn_link_is_receiver(handle) ? Direction::incoming : Direction::outgoing;
        pn_link_set_context(handle, as_context(last_link));
    }
    events.push_back(LinkAttached{
        id, LinkSpec{.name = pn_link_name(handle),
                     .direction = link->direction,
                     .source = address_of(pn_link_remote_source(handle)),
                     .target = address_of(pn_link_remote_target(handle)),
                     .sender_settles = static_cast<SenderSettles>(std::min<int>(pn_link_remote_snd_settle_mode(handle), PN_SND_MIXED)),
                     .receiver_settles = pn_link_remote_rcv_settle_mode(handle) == PN_RCV_SECOND ? ReceiverSettles::second : ReceiverSettles::first,
                     .message_bytes_max = pn_link_remote_max_message_size(handle),
                     .properties = properties_of(handle)}});
}

void Engine::Impl::on_link_closed(pn_link_t* handle, bool closed) {
    const LinkId id = id_of(handle);
    if (find(id) != nullptr) {
        events.push_back(LinkDetached{id, to_value(pn_link_remote_condition(handle))});
        forget(id);
    }
    // Answered even if it has just been detached from here: proton sends it once.
    if (closed) pn_link_close(handle);
    else pn_link_detach(handle);
    pn_link_free(handle);
}

void Engine::Impl::on_session_closed(pn_session_t* session) {
    std::vector<LinkId> gone;
    for (const auto& [number, link] : links)
        if (pn_link_session(link.handle) == session) gone.push_back(static_cast<LinkId>(number));
    std::sort(gone.begin(), gone.end());
    for (const LinkId id : gone) {
        events.push_back(LinkDetached{id, to_value(pn_session_remote_condition(session))});
        forget(id);
    }
    std::erase(own_sessions, session);
    pn_session_close(session);
    pn_session_free(session);
}

DeliveryId Engine::Impl::remember(pn_delivery_t* delivery) {
    deliveries[++last_delivery] = delivery;
    pn_delivery_set_context(delivery, as_context(last_delivery));
    return static_cast<DeliveryId>(last_delivery);
}

void Engine::Impl::on_delivery(pn_delivery_t* delivery, const Frame& frame) {
    pn_link_t* handle = pn_delivery_link(delivery);
    const LinkId id = id_of(handle);
    Link* link = find(id);
    if (link == nullptr) {
        // On its way when the link was ended here.
        if (pn_link_is_receiver(handle)) pn_delivery_settle(delivery);
        return;
    }
    if (link->direction == Direction::outgoing) on_disposition(id, delivery);
    else if (frame.kind == Performative::transfer) on_transfer(id, *link, delivery, frame);
}

void Engine::Impl::on_transfer(LinkId id, Link& link, pn_delivery_t* delivery, const Frame& frame) {
    const bool first = from_context(pn_delivery_get_context(delivery)) == 0;
    if (first) {
        if (link.credit <= 0) return fail_connection({"amqp:link:transfer-limit-exceeded", "a transfer without credit"});
        --link.credit;
        remember(delivery);
        link.partial_format = frame.message_format;
    }
    const auto number = from_context(pn_delivery_get_context(delivery));
    const auto drop_partial = [&] {
        partial_bytes -= link.partial.size();
        return std::exchange(link.partial, {});
    };
    if (pn_delivery_aborted(delivery)) {
        drop_partial();
        deliveries.erase(number);
        pn_delivery_set_context(delivery, nullptr);
        pn_delivery_settle(delivery);
        return;
    }
    if (link.partial.size() + frame.payload.size() > link.message_bytes_max) {
        set_condition(pn_link_condition(link.handle),
                      {"amqp:link:message-size-exceeded", "a message of over " + std::to_string(link.message_bytes_max) + " bytes"});
        events.push_back(LinkDetached{id, to_value(pn_link_condition(link.handle))});
        pn_link_t* handle = link.handle;
        forget(id);
        return pn_link_close(handle);
    }
    if (pn_delivery_partial(delivery)) {
        if (partial_bytes + frame.payload.size() > partial_bytes_max)
            return fail_connection({"amqp:resource-limit-exceeded", "too many bytes of unfinished messages"});
        link.partial += frame.payload;
        partial_bytes += frame.payload.size();
        return;
    }
    std::string bytes = drop_partial();
    bytes += frame.payload;
    const bool settled = pn_delivery_settled(delivery);
    events.push_back(MessageArrived{id, static_cast<DeliveryId>(number), link.partial_format, settled, std::move(bytes)});
    pn_link_advance(link.handle);
    if (!settled) return;
    deliveries.erase(number);
    pn_delivery_set_context(delivery, nullptr);
    pn_delivery_settle(delivery);
}

void Engine::Impl::on_disposition(LinkId id, pn_delivery_t* delivery) {
    const auto number = from_context(pn_delivery_get_context(delivery));
    if (number == 0 || !pn_delivery_updated(delivery)) return;
    const bool settled = pn_delivery_settled(delivery);
    const Outcome outcome = outcome_of(delivery);
    Condition error;
    if (outcome == Outcome::rejected) error = to_value(pn_disposition_condition(pn_delivery_remote(delivery)));
    pn_delivery_clear(delivery);
    if (outcome == Outcome::none && !settled) return;   // only a progress report
    events.push_back(OutcomeKnown{id, static_cast<DeliveryId>(number), outcome, settled, std::move(error)});
    if (!settled) return;
    deliveries.erase(number);
    pn_delivery_set_context(delivery, nullptr);
    pn_delivery_settle(delivery);
}

void Engine::Impl::on_flow(pn_link_t* handle) {
    const LinkId id = id_of(handle);
    const Link* link = find(id);
    if (link == nullptr || link->direction != Direction::outgoing) return;
    events.push_back(CreditChanged{id, static_cast<std::uint32_t>(std::max(0, pn_link_credit(handle))), pn_link_get_drain(handle)});
}

void Engine::Impl::on_closed(pn_condition_t* condition, bool by_peer) {
    stopped = true;
    if (!std::exchange(closed_told, true)) events.push_back(ConnectionClosed{to_value(condition), by_peer});
}

}  // namespace selvage::codec::amqp
