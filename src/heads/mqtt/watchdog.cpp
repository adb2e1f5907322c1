// Ends a connection whose token is over, whose client is silent for too long, or does not read what is written to it.
#include <algorithm>

#include "heads/mqtt/connection.h"

namespace selvage::heads::mqtt {
namespace {

constexpr std::chrono::minutes kTokenSkew{5};        // docs/wire/mqtt.md#connack
constexpr std::chrono::seconds kFlushTimeout{60};
constexpr std::chrono::seconds kLookEvery{60};       // for what has no time of its own: a stalled write, a jump of the clock

}  // namespace

void MqttConnection::look_after() {
    if (ended_) return;
    const TimePoint now = time_.now();
    TimePoint next = now + kLookEvery;
    if (expires_) {
        const auto left = *expires_ + kTokenSkew - time_.utc_now();
        if (left <= left.zero()) return end("the token has expired");
        next = std::min(next, TimePoint(now + left));
    }
    // While it is us who do not read, the client cannot be called silent.
    const TimePoint heard = reading_ ? last_heard_ : now;
    if (now >= heard + keep_alive_)
        return end(fmt::format("nothing heard for {} s", std::chrono::floor<std::chrono::seconds>(now - heard).count()));
    next = std::min(next, TimePoint(heard + keep_alive_));
    if (flushing_ && now >= flush_began_ + kFlushTimeout) return end("the client does not read");
    if (!watchdog_) watchdog_ = time_.make_timer(tasks_.executor(), [this] { look_after(); });
    watchdog_->set(next);
}

}  // namespace selvage::heads::mqtt
