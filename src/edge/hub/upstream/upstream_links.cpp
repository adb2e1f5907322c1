#include "edge/hub/upstream/upstream_links.h"

#include "edge/hub/upstream/device_client_link.h"

namespace selvage::edge::hub {
namespace {

using namespace std::chrono_literals;

constexpr auto kLookForIdleLinks = 60s;
// Identities that the hub above disowned; past this many the oldest by name is asked for again, which is merely slower.
constexpr std::size_t kGoneMax = 10'000;

}  // namespace

UpstreamLinks::UpstreamLinks(async::Executor loop, async::TimeSource& time, Random& random, net::Dialer& dialer,
                             device_client::TokenSource& tokens, UpstreamSettings settings, UpstreamEvents& events)
    : loop_(loop),
      time_(time),
      random_(random),
      dialer_(dialer),
      tokens_(tokens),
      settings_(std::move(settings)),
      events_(events),
      own_(domain::Identity::of_module(settings_.edge_device, domain::kEdgeHubModule)),
      tasks_(loop) {}

UpstreamLinks::~UpstreamLinks() = default;

void UpstreamLinks::start() {
    entry(own_).wishes = {.desired = true, .methods = true};
    static_cast<void>(link(own_));
    tasks_.spawn("idle upstream links", close_idle_links());
}

async::Awaitable<> UpstreamLinks::stop() {
    stopping_ = true;
    co_await tasks_.stop();
    // Closing a link fails what is under way on it, which may look at the map: take each out first.
    while (!entries_.empty()) {
        const auto link = std::move(entries_.begin()->second.link);
        entries_.erase(entries_.begin());
        if (link) co_await link->stop();
    }
    while (!closing_.empty()) {
        const auto link = *closing_.begin();
        co_await link->stop();
        closing_.erase(link);
    }
}

UpstreamLinks::Entry& UpstreamLinks::entry(const domain::Identity& identity) {
    auto& found = entries_[identity];
    found.last_used = time_.now();
    return found;
}

std::shared_ptr<DeviceClientLink> UpstreamLinks::make_link(const domain::Identity& identity) {
    device_client::ClientSettings settings;
    settings.identity = identity;
    settings.hub_host = settings_.hub_host;
    settings.target = settings_.target;
    settings.product_info = settings_.product_info;
    settings.reconnect_max = settings_.reconnect_max;
    settings.window = settings_.window;
    settings.window_bytes = settings_.window_bytes;
    // What is subscribed always follows from the wishes, never from an earlier session.
    settings.clean_session = true;
    if (identity != own_) {
        // Wire: docs/wire/edge-hub.md#upstream: the chain goes from the identity to this edge device.
        settings.auth_chain = to_text(identity) + ";" + settings_.edge_device;
        settings.token_identity = own_;
    }
    return std::make_shared<DeviceClientLink>(
        DeviceClientLink::Parts{loop_, time_, random_, dialer_, tokens_, events_}, std::move(settings),
        entries_[identity].wishes);
}

std::shared_ptr<UpstreamLink> UpstreamLinks::link(const domain::Identity& identity) {
    if (stopping_ || is_gone(identity)) return nullptr;
    auto& found = entry(identity);
    if (!found.link) {
        found.link = make_link(identity);
        found.link->start();
    }
    return found.link;
}

bool UpstreamLinks::is_online() const {
    const auto own = entries_.find(own_);
    return own != entries_.end() && own->second.link && own->second.link->is_connected();
}

void UpstreamLinks::set_wishes(const domain::Identity& identity, Wishes wishes) {
    if (stopping_ || identity == own_) return;
    auto& found = entry(identity);
    found.wishes = wishes;
    if (found.link)
        found.link->set_wishes(wishes, false);
    else if (wishes.any())
        static_cast<void>(link(identity));
}

void UpstreamLinks::restart(const domain::Identity& identity) {
    const auto found = entries_.find(identity);
    if (found != entries_.end() && found->second.link) found->second.link->restart();
}

void UpstreamLinks::mark_gone(const domain::Identity& identity) {
    if (identity == own_) return;
    if (gone_.size() >= kGoneMax) gone_.erase(gone_.begin());
    gone_.insert(identity);
    const auto found = entries_.find(identity);
    if (found == entries_.end()) return;
    const auto link = std::move(found->second.link);
    entries_.erase(found);
    if (link) close_soon(link);
}

void UpstreamLinks::close_soon(std::shared_ptr<DeviceClientLink> link) {
    closing_.insert(link);
    tasks_.spawn("upstream link close", close(std::move(link)));
}

async::Awaitable<> UpstreamLinks::close(std::shared_ptr<DeviceClientLink> link) {
    co_await link->stop();
    closing_.erase(link);
}

async::Awaitable<> UpstreamLinks::close_idle_links() {
    while (co_await time_.sleep_for(kLookForIdleLinks)) {
        for (auto it = entries_.begin(); it != entries_.end();) {
            auto& entry = it->second;
            const bool in_use = entry.link.use_count() > 1 || (entry.link && !entry.link->is_idle());
            if (in_use || it->first == own_) entry.last_used = time_.now();
            if (!entry.wishes.any() && !in_use && it->first != own_ && time_.now() - entry.last_used >= settings_.idle_close) {
                if (entry.link) close_soon(std::move(entry.link));
                it = entries_.erase(it);
                continue;
            }
            // By now a client that left has had time to come back.
            if (entry.link && it->first != own_) entry.link->set_wishes(entry.wishes, true);
            ++it;
        }
    }
}

}  // namespace selvage::edge::hub
