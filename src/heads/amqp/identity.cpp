// Links come and go; the session with the hub lives as long as there are any.
#include "heads/amqp/identity.h"

#include <algorithm>

#include "async/deadline.h"
#include "base/log.h"
#include "heads/amqp/connection.h"
#include "heads/amqp/error_map.h"

namespace selvage::heads::amqp {
namespace {

namespace wire = codec::amqp;
using hub_api::Feed;

std::size_t index(Feed feed) { return static_cast<std::size_t>(feed); }

// Twins and methods take two links each.
std::optional<LinkKind> counterpart_of(LinkKind kind) {
    switch (kind) {
        case LinkKind::twin_requests: return LinkKind::twin_answers;
        case LinkKind::twin_answers: return LinkKind::twin_requests;
        case LinkKind::method_answers: return LinkKind::method_calls;
        case LinkKind::method_calls: return LinkKind::method_answers;
        case LinkKind::telemetry:
        case LinkKind::inputs:
        case LinkKind::c2d: break;
    }
    return std::nullopt;
}

}  // namespace

std::optional<LinkKind> kind_of(const codec::hub_amqp::LinkAddress& address, wire::Direction direction) {
    using codec::hub_amqp::Node;
    const bool incoming = direction == wire::Direction::incoming;
    const bool is_module = address.identity.is_module();
    switch (address.node) {
        case Node::cbs: break;
        case Node::events:
            if (incoming) return LinkKind::telemetry;
            if (is_module) return LinkKind::inputs;
            break;
        case Node::devicebound:
            if (!incoming) return is_module ? LinkKind::inputs : LinkKind::c2d;
            break;
        case Node::twin: return incoming ? LinkKind::twin_requests : LinkKind::twin_answers;
        case Node::methods: return incoming ? LinkKind::method_answers : LinkKind::method_calls;
    }
    return std::nullopt;
}

// What switches on with the link itself. Desired properties do not: a request on the twin links asks for them.
std::optional<Feed> AmqpIdentity::feed_of(LinkKind kind) {
    switch (kind) {
        case LinkKind::inputs: return Feed::inputs;
        case LinkKind::c2d: return Feed::c2d;
        case LinkKind::method_calls: return Feed::methods;
        default: return std::nullopt;
    }
}

AmqpIdentity::AmqpIdentity(AmqpConnection& connection, domain::Identity identity)
    : connection_(connection), identity_(std::move(identity)) {}

void AmqpIdentity::opened(std::unique_ptr<hub_api::DeviceSession> session, std::optional<UtcTime> expires) {
    session_ = std::move(session);
    expires_ = expires;
}

std::optional<LinkKind> AmqpIdentity::kind_of(wire::LinkId link) const {
    for (std::size_t i = 0; i < kLinkKinds; ++i)
        if (links_[i] && links_[i]->id == link) return static_cast<LinkKind>(i);
    return std::nullopt;
}

Awaitable<Result<>> AmqpIdentity::switch_feed(Feed feed, bool on) {
    if (!session_) co_return fail(Errc::connection_closed, "the session has ended");
    if (feed_on_[index(feed)] == on) co_return Result<>{};
    auto switching = session_->subscribe(feed, on);
    const auto switched = co_await async::with_deadline(connection_.time(), kHubTimeout, std::move(switching));
    if (!session_) co_return fail(Errc::connection_closed, "the session has ended");
    if (switched) feed_on_[index(feed)] = on;
    co_return switched;
}

Awaitable<Result<>> AmqpIdentity::add_link(wire::LinkId link, LinkKind kind, std::string pairing) {
    const auto self = shared_from_this();
    if (slot(kind)) drop_link(kind, replaced_link());
    end_unpaired(kind, pairing);
    slot(kind) = Link{link, std::move(pairing)};
    ++link_count_;
    if (kind == LinkKind::twin_answers) twin_answers_ = {link, {}};
    if (kind == LinkKind::method_calls) method_calls_ = {link, {}};
    const auto feed = feed_of(kind);
    if (!feed) co_return Result<>{};
    co_return co_await switch_feed(*feed, true);
}

void AmqpIdentity::end_unpaired(LinkKind kind, const std::string& pairing) {
    const auto other = counterpart_of(kind);
    if (other && slot(*other) && slot(*other)->pairing != pairing) drop_link(*other, replaced_link());
}

void AmqpIdentity::drop_link(LinkKind kind, const wire::Condition& why) {
    connection_.detach(slot(kind)->id, why);
    clear_slot(kind);
}

void AmqpIdentity::remove_link(wire::LinkId link) {
    if (const auto kind = kind_of(link)) clear_slot(*kind);
}

void AmqpIdentity::clear_slot(LinkKind kind) {
    slot(kind).reset();
    --link_count_;
    if (kind == LinkKind::inputs || kind == LinkKind::c2d) return_deliveries();
    if (kind == LinkKind::method_calls) method_calls_ = {};
    if (kind == LinkKind::twin_answers) twin_answers_ = {};
    const auto feed = kind == LinkKind::twin_answers ? Feed::desired : feed_of(kind);
    if (session_ && !is_unused() && feed && feed_on_[index(*feed)]) connection_.queue(identity_, FeedOff{identity_, *feed});
}

// Unless a new link has come meanwhile.
Awaitable<> AmqpIdentity::run(FeedOff off) {
    const auto self = shared_from_this();
    const bool wanted = off.feed == Feed::desired ? false : std::any_of(links_.begin(), links_.end(), [&](const auto& one) {
        return one && feed_of(static_cast<LinkKind>(&one - links_.data())) == off.feed;
    });
    if (wanted || (off.feed == Feed::desired && slot(LinkKind::twin_answers))) co_return;
    const auto switched = co_await switch_feed(off.feed, false);
    if (!switched && session_)
        log::warn("amqp.detach", "device={} a feed stayed on: {}", domain::to_text(identity_), switched.error().detail);
}

void AmqpIdentity::end(const wire::Condition& why) {
    const auto self = shared_from_this();
    if (session_) connection_.retire(std::move(session_));
    session_.reset();
    deliveries_ = {};
    calls_.clear();
    for (std::size_t i = 0; i < kLinkKinds; ++i)
        if (links_[i]) drop_link(static_cast<LinkKind>(i), why);
    connection_.drop(*this);
}

void AmqpIdentity::close(hub_api::CloseReason reason) {
    if (connection_.has_ended() || !session_) return;
    log::info("amqp.close", "device={} reason={}", domain::to_text(identity_), close_condition(reason).description);
    // What revokes an identity revokes its token.
    if (reason == hub_api::CloseReason::identity_removed || reason == hub_api::CloseReason::identity_disabled ||
        reason == hub_api::CloseReason::unauthorized)
        connection_.forget_token(identity_);
    end(close_condition(reason));
}

}  // namespace selvage::heads::amqp
