// Filters switch the hub's feeds on and off. A filter counts from before its feed is switched on, so that nothing that comes
// in between is lost; SUBACK goes out once the feed is on, and deliveries start behind it.
#include <algorithm>

#include "async/deadline.h"
#include "base/log.h"
#include "heads/mqtt/connection.h"

namespace selvage::heads::mqtt {
namespace {

using codec::hub_mqtt::FilterKind;
using hub_api::Feed;

constexpr std::uint8_t kRefused = 0x80;   // MQTT 3.1.1 section 3.9.3

std::optional<Feed> feed_of(FilterKind kind) {
    switch (kind) {
        case FilterKind::inputs: return Feed::inputs;
        case FilterKind::c2d: return Feed::c2d;
        case FilterKind::methods: return Feed::methods;
        case FilterKind::desired: return Feed::desired;
        case FilterKind::twin_answers:
        case FilterKind::unknown: break;
    }
    return std::nullopt;
}

std::size_t index(Feed feed) { return static_cast<std::size_t>(feed); }

}  // namespace

bool MqttConnection::has_filter(FilterKind kind) const {
    return std::any_of(filters_.begin(), filters_.end(), [&](const ActiveFilter& one) { return one.kind == kind; });
}

std::optional<std::uint8_t> MqttConnection::granted_qos(FilterKind kind, std::string_view topic) const {
    std::optional<std::uint8_t> best;
    for (const ActiveFilter& one : filters_)
        if (one.kind == kind && (!best || *best < one.qos) && codec::mqtt::matches(one.filter, topic)) best = one.qos;
    return best;
}

Awaitable<Result<>> MqttConnection::switch_feed(FilterKind kind, bool on) {
    const auto feed = feed_of(kind);
    if (!feed || feed_on_[index(*feed)] == on) co_return Result<>{};
    if (!on && window_open_[index(*feed)]) {
        window_open_[index(*feed)] = false;
        session_->set_window(*feed, 0);
    }
    const auto switched = co_await async::with_deadline(time_, kHubTimeout, session_->subscribe(*feed, on));
    if (switched) feed_on_[index(*feed)] = on;
    co_return switched;
}

void MqttConnection::open_windows() {
    for (const Feed feed : {Feed::inputs, Feed::c2d}) {
        if (ended_ || !feed_on_[index(feed)] || window_open_[index(feed)]) continue;
        window_open_[index(feed)] = true;
        session_->set_window(feed, static_cast<std::uint32_t>(settings_->outbound_window));
    }
}

Awaitable<> MqttConnection::change_subscription(std::unique_ptr<codec::mqtt::Packet> packet) {
    if (auto* wanted = std::get_if<codec::mqtt::Subscribe>(packet.get())) {
        co_await subscribe(std::move(*wanted));
    } else {
        co_await unsubscribe(std::get<codec::mqtt::Unsubscribe>(*std::move(packet)));
    }
}

Awaitable<> MqttConnection::subscribe(codec::mqtt::Subscribe packet) {
    codec::mqtt::Suback suback{packet.packet_id, {}};
    for (codec::mqtt::Filter& wanted : packet.filters) {
        const auto kind = codec::hub_mqtt::classify_filter(wanted.filter, identity_);
        const auto same = std::find_if(filters_.begin(), filters_.end(), [&](const ActiveFilter& one) { return one.filter == wanted.filter; });
        const bool is_new = same == filters_.end();
        if (kind == FilterKind::unknown || (is_new && filters_.size() >= settings_->filters_max)) {
            log::debug("mqtt.subscribe", "device={} filter={} refused", domain::to_text(identity_), printable(wanted.filter));
            suback.codes.push_back(kRefused);
            continue;
        }
        const auto granted = std::min<std::uint8_t>(wanted.qos, 1);
        if (is_new) filters_.push_back({wanted.filter, granted, kind});
        else same->qos = granted;
        const auto switched = co_await switch_feed(kind, true);
        if (ended_) co_return;
        if (!switched) {
            log::warn("mqtt.subscribe", "device={} filter={} failed: {}", domain::to_text(identity_), wanted.filter, switched.error().detail);
            std::erase_if(filters_, [&](const ActiveFilter& one) { return is_new && one.filter == wanted.filter; });
        }
        suback.codes.push_back(switched ? granted : kRefused);
    }
    co_await save_filters();
    if (ended_) co_return;
    SELVAGE_ASSERT(send(suback));
    open_windows();
}

Awaitable<> MqttConnection::unsubscribe(codec::mqtt::Unsubscribe packet) {
    for (const std::string& unwanted : packet.filters) {
        const auto found = std::find_if(filters_.begin(), filters_.end(), [&](const ActiveFilter& one) { return one.filter == unwanted; });
        if (found == filters_.end()) continue;
        const FilterKind kind = found->kind;
        filters_.erase(found);
        if (has_filter(kind)) continue;
        const auto switched = co_await switch_feed(kind, false);
        if (ended_) co_return;
        if (!switched) log::warn("mqtt.unsubscribe", "device={} failed: {}", domain::to_text(identity_), switched.error().detail);
    }
    co_await save_filters();
    if (!ended_) SELVAGE_ASSERT(send(codec::mqtt::Unsuback{packet.packet_id}));
}

// What an earlier connection of this session subscribed to holds without a new SUBSCRIBE.
Awaitable<> MqttConnection::restore_filters(std::vector<hub_api::StoredFilter> stored) {
    for (hub_api::StoredFilter& one : stored) {
        const auto kind = codec::hub_mqtt::classify_filter(one.filter, identity_);
        if (kind == FilterKind::unknown || filters_.size() >= settings_->filters_max) continue;
        filters_.push_back({std::move(one.filter), std::min<std::uint8_t>(one.qos, 1), kind});
        const auto switched = co_await switch_feed(kind, true);
        if (ended_) co_return;
        if (!switched) co_return end(fmt::format("a stored subscription could not be restored: {}", switched.error().detail));
    }
    open_windows();
}

Awaitable<> MqttConnection::save_filters() {
    if (clean_session_) co_return;
    std::vector<hub_api::StoredFilter> stored;
    for (const ActiveFilter& one : filters_) stored.push_back({one.filter, one.qos});
    const auto saved = co_await async::with_deadline(time_, kHubTimeout, hub_.save_filters(identity_, std::move(stored)));
    // The subscription holds all the same; only the next connection would have to repeat it.
    if (!saved && !ended_) log::warn("mqtt.subscribe", "device={} filters not stored: {}", domain::to_text(identity_), saved.error().detail);
}

}  // namespace selvage::heads::mqtt
