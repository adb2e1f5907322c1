// Lock tokens carry their kind in the lowest bit, so that inputs and C2D messages of one session never share a token.
#include "edge/hub/sessions/client_session.h"

#include "base/log.h"
#include "edge/hub/sessions/method_calls.h"

namespace selvage::edge::hub {
namespace {

using domain::SystemProperty;
using hub_api::Feed;

hub_api::LockToken token_of(Feed feed, std::uint64_t ticket) { return ticket * 2 + (feed == Feed::c2d ? 1 : 0); }

}  // namespace

ClientSession::ClientSession(SessionParts& parts, hub_api::Grant grant, hub_api::ConnectionInfo info,
                             std::weak_ptr<hub_api::DeviceSink> sink)
    : parts_(parts), grant_(std::move(grant)), info_(std::move(info)), sink_(std::move(sink)) {}

ClientSession::~ClientSession() = default;

void ClientSession::end() {
    if (ended_) return;
    ended_ = true;
    if (identity().is_module()) parts_.inputs.detach(identity().module, this);
    // A C2D message that nobody took must be delivered again: the hub above does that on a new link.
    if (c2d_.has_unsettled()) parts_.links.restart(identity());
    feeds_.clear();
    update_link_wishes();
    parts_.methods.session_ended(identity());
    awaited_.clear();
}

void ClientSession::close(hub_api::CloseReason reason) {
    const auto sink = sink_.lock();
    const bool had_ended = ended_;
    end();
    if (sink && !had_ended) sink->close(reason);
}

void ClientSession::stamp(domain::Message& message) {
    message.set(SystemProperty::connection_device_id, identity().device);
    if (identity().is_module())
        message.set(SystemProperty::connection_module_id, identity().module);
    else
        message.erase(SystemProperty::connection_module_id);
    message.set(SystemProperty::edge_message_id, parts_.random.guid());
    message.set(SystemProperty::edge_origin, identity().device == parts_.edge_device ? "internal" : "downstream");
    if (!info_.model_id.empty()) message.set(SystemProperty::model_id, info_.model_id);
    message.erase(SystemProperty::input_name);
    message.erase(SystemProperty::message_type);
}

void ClientSession::send_telemetry(domain::Message message, hub_api::SendDone done) {
    if (ended_) return;
    const auto awaited = std::make_shared<Awaited>();
    awaited->done = std::move(done);
    awaited_.push_back(awaited);
    if (message.counted_bytes() > domain::kMessageBytesMax) {
        ++parts_.counters.messages_refused_size;
        awaited->verdict = fail(Errc::message_too_large, "a message of " + std::to_string(message.counted_bytes()) +
                                                             " bytes, at most " + std::to_string(domain::kMessageBytesMax));
        give_verdicts();
        return;
    }
    stamp(message);
    parts_.store.accept(message, [awaited, weak = weak_from_this()](const Result<>& stored) {
        awaited->verdict = stored;
        if (const auto self = weak.lock()) self->give_verdicts();
    });
}

void ClientSession::give_verdicts() {
    // A verdict may make the head send the next message: that call only adds to the end.
    if (giving_verdicts_) return;
    const auto self = shared_from_this();
    giving_verdicts_ = true;
    while (!awaited_.empty() && awaited_.front()->verdict) {
        const auto first = std::move(awaited_.front());
        awaited_.pop_front();
        first->done(*first->verdict);
    }
    giving_verdicts_ = false;
}

async::Awaitable<Result<std::string>> ClientSession::get_twin() {
    const auto self = shared_from_this();
    co_return co_await parts_.twins.get(identity());
}

async::Awaitable<Result<std::int64_t>> ClientSession::patch_reported(std::string patch,
                                                                     std::optional<std::int64_t> if_version) {
    const auto self = shared_from_this();
    co_return co_await parts_.twins.patch_reported(identity(), std::move(patch), if_version);
}

async::Awaitable<Result<>> ClientSession::subscribe(Feed feed, bool on) {
    if (ended_) co_return fail(Errc::connection_closed, "the session has ended");
    // Only modules have inputs, only devices have C2D: a wish for the other is granted and never fulfilled.
    if (on)
        feeds_.insert(feed);
    else
        feeds_.erase(feed);
    if (feed == Feed::inputs) listen_to_inputs();
    if (feed == Feed::c2d) deliver_c2d();
    if (feed == Feed::methods && on) parts_.methods.listening(identity());
    update_link_wishes();
    co_return Result<>{};
}

void ClientSession::update_link_wishes() {
    parts_.links.set_wishes(identity(), {.desired = wants(Feed::desired),
                                         .methods = wants(Feed::methods),
                                         .c2d = wants(Feed::c2d) && !identity().is_module()});
}

void ClientSession::set_window(Feed feed, std::uint32_t deliveries_max) {
    if (ended_) return;
    if (feed == Feed::inputs) {
        input_window_ = deliveries_max;
        listen_to_inputs();
    } else if (feed == Feed::c2d) {
        c2d_.set_window(deliveries_max);
        deliver_c2d();
    }
}

void ClientSession::listen_to_inputs() {
    if (!identity().is_module() || identity().device != parts_.edge_device) return;
    parts_.inputs.listen(identity().module, this, wants(Feed::inputs) ? input_window_ : 0);
}

bool ClientSession::settle(hub_api::LockToken token, hub_api::Outcome outcome) {
    if (ended_) return false;
    const auto ticket = token / 2;
    if (token % 2 == 0) return parts_.inputs.settle(identity().module, ticket, outcome);
    const bool known = c2d_.settle(ticket, outcome);
    if (known) deliver_c2d();
    return known;
}

void ClientSession::answer_method(const std::string& request_id, domain::MethodResponse response) {
    if (!ended_) parts_.methods.answered(identity(), request_id, std::move(response));
}

void ClientSession::desired_changed(std::int64_t version, const std::string& patch) {
    const auto sink = sink_.lock();
    if (sink && !ended_ && wants(Feed::desired)) sink->desired_changed(version, patch);
}

bool ClientSession::invoke_method(const std::string& request_id, const domain::MethodRequest& request) {
    const auto sink = sink_.lock();
    if (!sink || ended_ || !wants(Feed::methods)) return false;
    sink->invoke_method(request_id, request);
    return true;
}

void ClientSession::deliver_input(std::uint64_t ticket, std::uint32_t delivery_count, domain::Message message) {
    const auto sink = sink_.lock();
    if (!sink || ended_) return;
    sink->deliver({.token = token_of(Feed::inputs, ticket),
                   .feed = Feed::inputs,
                   .delivery_count = delivery_count,
                   .message = std::move(message)});
}

void ClientSession::c2d_arrived(domain::Message message, std::move_only_function<void()> acknowledge) {
    if (ended_) return;
    c2d_.arrived(std::move(message), std::move(acknowledge));
    deliver_c2d();
}

void ClientSession::deliver_c2d() {
    const auto sink = sink_.lock();
    if (!sink) return;
    while (!ended_ && wants(Feed::c2d)) {
        auto next = c2d_.next();
        if (!next) return;
        sink->deliver({.token = token_of(Feed::c2d, next->ticket),
                       .feed = Feed::c2d,
                       .delivery_count = next->delivery_count,
                       .message = std::move(next->message)});
    }
}

}  // namespace selvage::edge::hub
