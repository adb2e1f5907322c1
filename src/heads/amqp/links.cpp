// What the engine reports, and to whom it goes.
#include "base/log.h"
#include "heads/amqp/connection.h"
#include "heads/amqp/error_map.h"

namespace selvage::heads::amqp {
namespace {

namespace wire = codec::amqp;

constexpr std::size_t kAnswersWaitingMax = 64;

}  // namespace

void AmqpConnection::handle_events() {
    if (ended_) return;
    while (auto event = engine_->next_event())
        std::visit([this](auto& one) { handle(one); }, *event);
    touch();
}

void AmqpConnection::handle(wire::ConnectionOpened& event) {
    opened_ = true;
    log::debug("amqp.open", "peer={} container={} host={}", stream_->peer(), printable(event.container_id), printable(event.host_name));
    const bool hasty = event.idle_time_out.count() > 0 && event.idle_time_out < settings_.client_idle_time_out_min;
    if (hasty) return close(bad_idle_time_out(), "the client's idle-time-out is too short");
    engine_->open();
}

void AmqpConnection::handle(wire::LinkAttached& event) {
    links_.try_emplace(event.link);
    const auto& address = event.spec.direction == wire::Direction::incoming ? event.spec.target : event.spec.source;
    const auto parsed = codec::hub_amqp::parse_link_address(address.value_or(""));
    if (!parsed) return refuse(event.link, parsed.error(), address.value_or(""));
    if (parsed->node == codec::hub_amqp::Node::cbs) return attach_cbs(event.link, event.spec);
    const auto kind = kind_of(*parsed, event.spec.direction);
    if (!kind) return refuse(event.link, {Errc::not_found, "no such link in this direction"}, *address);
    queue(parsed->identity, AttachRequest{event.link, std::move(event.spec), parsed->identity, *kind});
}

void AmqpConnection::refuse(wire::LinkId link, const Error& why, const std::string& address) {
    log::warn("amqp.attach", "refused peer={} address={} reason={}: {}", stream_->peer(), printable(address), name(why.code), printable(why.detail));
    links_.erase(link);
    engine_->refuse(link, link_condition(why));
    touch();
}

void AmqpConnection::detach(wire::LinkId link, const wire::Condition& why) {
    links_.erase(link);
    if (cbs_answers_.id == link) cbs_answers_ = {};
    engine_->detach(link, why);
    touch();
}

void AmqpConnection::handle(wire::LinkDetached& event) {
    const auto found = links_.find(event.link);
    if (found == links_.end()) return;
    const auto owner = found->second.owner;
    links_.erase(found);
    if (cbs_answers_.id == event.link) cbs_answers_ = {};
    if (!owner) return;
    owner->remove_link(event.link);
    end_if_unused(owner);
}

void AmqpConnection::handle(wire::MessageArrived& event) {
    const auto found = links_.find(event.link);
    if (found == links_.end()) return;
    if (found->second.credit > 0) --found->second.credit;
    top_up(event.link, found->second);
    if (found->second.is_cbs_request) return take_cbs_request(event);
    // A copy: the identity may end over this message, and the entry with it.
    if (const auto owner = found->second.owner) owner->take_message(event);
}

void AmqpConnection::top_up(wire::LinkId link, LinkEntry& entry) {
    if (entry.credit > settings_.credit / 2) return;
    engine_->add_credit(link, settings_.credit - entry.credit);
    entry.credit = settings_.credit;
}

void AmqpConnection::handle(wire::CreditChanged& event) {
    if (cbs_answers_.id == event.link) {
        send_waiting(cbs_answers_);
        if (event.drain) engine_->drained(event.link);
        return;
    }
    const auto found = links_.find(event.link);
    if (found == links_.end() || !found->second.owner) return;
    const auto owner = found->second.owner;
    owner->credit_changed(event);
}

void AmqpConnection::handle(wire::OutcomeKnown& event) {
    const auto found = links_.find(event.link);
    const auto owner = found == links_.end() ? nullptr : found->second.owner;
    if (owner) owner->outcome_known(event);
}

void AmqpConnection::handle(wire::ConnectionClosed& event) {
    closing_ = true;
    if (end_reason_.empty())
        end_reason_ = event.by_peer ? "the client closed" + (event.error.name.empty() ? "" : ": " + event.error.name)
                                    : event.error.name + ": " + event.error.description;
}

bool AmqpConnection::send_answer(AnswerLink& link, std::string bytes) {
    if (!link.id || ended_ || closing_) return true;
    if (engine_->unsent_bytes() > settings_.outbound_bytes_max || link.waiting.size() >= kAnswersWaitingMax) return false;
    link.waiting.push_back(std::move(bytes));
    send_waiting(link);
    return true;
}

void AmqpConnection::send_waiting(AnswerLink& link) {
    if (!link.id) return;
    while (!link.waiting.empty() && engine_->credit(*link.id) > 0) {
        const std::string bytes = std::move(link.waiting.front());
        link.waiting.pop_front();
        // Any tag will do for what is settled already.
        engine_->send(*link.id, "1", bytes, true);
    }
    if (link.waiting.empty()) std::deque<std::string>().swap(link.waiting);
    touch();
}

}  // namespace selvage::heads::amqp
