// The links to the hub above: one for each identity that has something to send or to hear.
//
// Links are made when first needed, sign with the edge hub's own token on behalf of the identity (auth chain), reconnect by
// themselves, and are closed after a time without use. The edge hub's own link is always there; its state says whether the
// hub above can be reached.
//
// Runs on: the hub's loop. Bounded by the identities of this device's scope.
#pragma once

#include <chrono>
#include <map>
#include <set>

#include "async/task_group.h"
#include "async/time_source.h"
#include "base/random.h"
#include "device_client/device_client.h"
#include "edge/hub/upstream/upstream_link.h"

namespace selvage::edge::hub {

class DeviceClientLink;

struct UpstreamSettings {
    std::string edge_device;
    std::string hub_host;                  // in user names and audiences
    net::Target target;                    // where to dial
    std::string product_info;
    std::chrono::seconds idle_close{3600};
    std::chrono::seconds reconnect_max{60};
    std::size_t window = 256;              // unacknowledged messages a link
    std::size_t window_bytes = 2 << 20;
};

// What comes down, for whom. Called on the loop.
class UpstreamEvents {
public:
    virtual ~UpstreamEvents() = default;
    virtual void link_changed(const domain::Identity& identity, bool connected, const Error* why) = 0;
    virtual void desired_changed(const domain::Identity& identity, std::int64_t version, std::string patch) = 0;
    virtual async::Awaitable<domain::MethodResponse> method_called(domain::Identity identity, domain::MethodRequest request) = 0;
    virtual void c2d_arrived(const domain::Identity& identity, domain::Message message,
                             std::move_only_function<void()> acknowledge) = 0;
};

class UpstreamLinks final : public LinkSource {
public:
    UpstreamLinks(async::Executor loop, async::TimeSource& time, Random& random, net::Dialer& dialer,
                  device_client::TokenSource& tokens, UpstreamSettings settings, UpstreamEvents& events);
    ~UpstreamLinks() override;

    void start();
    async::Awaitable<> stop();

    std::shared_ptr<UpstreamLink> link(const domain::Identity& identity) override;
    bool is_gone(const domain::Identity& identity) const override { return gone_.contains(identity); }
    bool is_online() const override;

    // What the identity's local client listens to; a link is kept (and made) while it listens to anything. The wish to stop
    // is followed lazily: a client that comes back soon finds its link as it was.
    struct Wishes {
        bool desired = false;
        bool methods = false;
        bool c2d = false;
        bool any() const { return desired || methods || c2d; }
        bool operator==(const Wishes&) const = default;
    };
    void set_wishes(const domain::Identity& identity, Wishes wishes);

    // Ends the identity's connection and makes it anew, so that the hub above delivers again what was not acknowledged.
    void restart(const domain::Identity& identity);

    // The hub above said so. Closes the link; link() gives none until `allow`.
    void mark_gone(const domain::Identity& identity);
    void allow(const domain::Identity& identity) { gone_.erase(identity); }

private:
    struct Entry {
        std::shared_ptr<DeviceClientLink> link;
        Wishes wishes;
        TimePoint last_used{};
    };
    Entry& entry(const domain::Identity& identity);
    std::shared_ptr<DeviceClientLink> make_link(const domain::Identity& identity);
    async::Awaitable<> close_idle_links();
    void close_soon(std::shared_ptr<DeviceClientLink> link);
    async::Awaitable<> close(std::shared_ptr<DeviceClientLink> link);

    async::Executor loop_;
    async::TimeSource& time_;
    Random& random_;
    net::Dialer& dialer_;
    device_client::TokenSource& tokens_;
    UpstreamSettings settings_;
    UpstreamEvents& events_;
    domain::Identity own_;
    std::map<domain::Identity, Entry> entries_;
    std::set<domain::Identity> gone_;
    std::set<std::shared_ptr<DeviceClientLink>> closing_;
    bool stopping_ = false;
    async::TaskGroup tasks_;
};

}  // namespace selvage::edge::hub
