#include "cloud/hub/cloud_session.h"

#include <fmt/core.h>

namespace selvage::cloud::hub {

using hub_api::Feed;
using hub_api::SendDone;

namespace {

Awaitable<Result<std::string>> refused_text(Error why) {
    co_return fail(std::move(why));
}
Awaitable<Result<std::int64_t>> refused_number(Error why) {
    co_return fail(std::move(why));
}

Error ended() {
    return {Errc::connection_closed, "the session has ended"};
}

}  // namespace

CloudSession::CloudSession(CloudHub& hub, std::shared_ptr<sessions::LiveSession> live, telemetry::Sender sender)
    : hub_(hub), live_(std::move(live)), sender_(std::move(sender)) {}

CloudSession::~CloudSession() {
    if (receiver_) hub_.parts_.mailboxes.detach(receiver_);
    const bool current = !live_->ended;
    hub_.parts_.sessions.end(live_);
    if (live_->transient) return;
    // A session that was replaced or revoked is not the one whose end counts, unless nobody took its place.
    if (current || hub_.parts_.sessions.find(live_->identity) == nullptr) hub_.remember_connection(*live_, false);
}

void CloudSession::send_telemetry(domain::Message message, SendDone done) {
    live_->last_activity = hub_.parts_.time.utc_now();
    auto& events = hub_.parts_.events;
    if (live_->ended) return events.refuse(ended(), std::move(done));
    if (const auto bytes = message.counted_bytes(); bytes > domain::kMessageBytesMax) {
        return events.refuse({Errc::message_too_large,
                              fmt::format("a message of {} bytes, at most {}", bytes, domain::kMessageBytesMax)},
                             std::move(done));
    }
    events.append(sender_, std::move(message), std::move(done));
}

// The awaitables below are those of the hub's parts and not of this object: they may outlive the session.
Awaitable<Result<std::string>> CloudSession::get_twin() {
    if (live_->ended) return refused_text(ended());
    live_->last_activity = hub_.parts_.time.utc_now();
    return hub_.parts_.twins.device_document(live_->identity);
}

Awaitable<Result<std::int64_t>> CloudSession::patch_reported(std::string patch,
                                                             std::optional<std::int64_t> if_version) {
    if (live_->ended) return refused_number(ended());
    live_->last_activity = hub_.parts_.time.utc_now();
    return hub_.parts_.twins.patch_reported(live_->identity, std::move(patch), if_version);
}

namespace {

Awaitable<Result<>> switch_feed(std::shared_ptr<sessions::LiveSession> live, sessions::SessionTable& sessions,
                                Feed feed, bool on) {
    if (live->ended) co_return fail(ended());
    if (live->transient && feed != Feed::c2d) {
        co_return fail(Errc::unsupported, "a session for one request listens to C2D messages only");
    }
    if (feed == Feed::desired) live->wants_desired = on;
    if (feed == Feed::methods) {
        live->wants_methods = on;
        if (on) sessions.methods_wanted(*live);
    }
    // Inputs are taken too: nothing arrives on them here.
    co_return Result<>{};
}

// Modules have none: C2D messages are for devices.
bool has_mailbox(const sessions::LiveSession& live) {
    return !live.identity.is_module();
}

Awaitable<Result<>> switch_mail(c2d::Mailboxes& mailboxes, std::shared_ptr<c2d::Receiver> receiver,
                                std::shared_ptr<sessions::LiveSession> live, bool on) {
    if (live->ended) co_return fail(ended());
    co_await mailboxes.listen(std::move(receiver), on);
    co_return Result<>{};
}

}  // namespace

storage::MailboxAddress CloudSession::mailbox() const {
    return {.device_id = live_->identity.device, .generation_id = sender_.generation_id};
}

const std::shared_ptr<c2d::Receiver>& CloudSession::receiver() {
    if (!receiver_) receiver_ = hub_.parts_.mailboxes.attach(mailbox(), live_);
    return receiver_;
}

void CloudSession::set_window(Feed feed, std::uint32_t deliveries_max) {
    if (feed == Feed::c2d && has_mailbox(*live_)) hub_.parts_.mailboxes.set_window(receiver(), deliveries_max);
}

bool CloudSession::settle(hub_api::LockToken token, hub_api::Outcome outcome) {
    if (live_->ended || !has_mailbox(*live_)) return false;
    live_->last_activity = hub_.parts_.time.utc_now();
    return hub_.parts_.mailboxes.settle(mailbox(), token, outcome);
}

Awaitable<Result<>> CloudSession::subscribe(Feed feed, bool on) {
    if (feed == Feed::c2d && has_mailbox(*live_)) return switch_mail(hub_.parts_.mailboxes, receiver(), live_, on);
    return switch_feed(live_, hub_.parts_.sessions, feed, on);
}

void CloudSession::answer_method(const std::string& request_id, domain::MethodResponse response) {
    if (live_->ended) return;
    live_->last_activity = hub_.parts_.time.utc_now();
    hub_.parts_.methods.answer(*live_, request_id, std::move(response));
}

}  // namespace selvage::cloud::hub
