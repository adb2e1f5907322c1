// Ends a connection on which nobody is authenticated for too long, and one that does not read; ends identities whose token is
// over; and keeps the engine's time: empty frames towards the peer, a silent peer.
#include <algorithm>

#include "async/deadline.h"
#include "base/log.h"
#include "heads/amqp/connection.h"
#include "heads/amqp/error_map.h"

namespace selvage::heads::amqp {
namespace {

constexpr std::chrono::minutes kTokenSkew{5};        // docs/wire/mqtt.md#connack; the same for all protocols
constexpr std::chrono::seconds kFlushTimeout{60};
constexpr std::chrono::seconds kLookEvery{60};       // for what has no time of its own, and what has changed meanwhile
// The engine wants to look again in half of the peer's idle-time-out: at once for 1 ms. Whoever asks for that is refused, but
// until that connection has ended nobody else may starve for it.
constexpr std::chrono::milliseconds kTickLeast{100};

}  // namespace

Awaitable<> AmqpConnection::watch() {
    look_ = std::make_unique<async::Event>(loop_);
    while (!ended_) {
        look_->reset();
        const TimePoint now = time_.now();
        TimePoint wake = now + kLookEvery;
        if (const auto next = engine_->tick(now)) wake = std::min(wake, std::max(*next, now + kTickLeast));
        handle_events();
        if (const auto next = drop_expired(now)) wake = std::min(wake, *next);
        if (stranger_since_) {
            const TimePoint limit = *stranger_since_ + settings_.authenticate_timeout;
            if (now >= limit) close(close_condition(hub_api::CloseReason::unauthorized), "nobody is authenticated on it");
            else wake = std::min(wake, limit);
        }
        if (flushing_ && now >= flush_began_ + kFlushTimeout) co_return end("the client does not read");
        co_await async::run_for(time_, wake - now, look_->wait());
    }
}

void AmqpConnection::look_soon() {
    if (look_) look_->set();
}

// When the next one is due.
std::optional<TimePoint> AmqpConnection::drop_expired(TimePoint now) {
    std::optional<TimePoint> next;
    const auto is_over = [&](const std::optional<UtcTime>& expires) {
        if (!expires) return false;
        const auto left = *expires + kTokenSkew - time_.utc_now();
        if (left <= left.zero()) return true;
        const TimePoint due = now + left;
        if (!next || due < *next) next = due;
        return false;
    };
    for (const auto& [lane, token] : tokens_) {
        if (!token.is_of_sasl || !is_over(token.expires)) continue;
        close({close_condition(hub_api::CloseReason::unauthorized).name, "the token has expired"}, "the token has expired");
        return std::nullopt;
    }
    std::erase_if(tokens_, [&](const auto& one) { return is_over(one.second.expires); });
    std::vector<std::shared_ptr<AmqpIdentity>> over;
    for (const auto& [name, identity] : identities_)
        if (is_over(identity->expires())) over.push_back(identity);
    for (const auto& identity : over) {
        log::info("amqp.token", "device={} the token has expired", domain::to_text(identity->name()));
        identity->end({close_condition(hub_api::CloseReason::unauthorized).name, "the token has expired"});
    }
    authentication_changed();
    return next;
}

}  // namespace selvage::heads::amqp
