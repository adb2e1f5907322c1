// An UpstreamLink over a DeviceClient. What a DeviceClient subscribes to is fixed when it starts; when the wishes change,
// the link lets what is under way be acknowledged, then goes on with a new client.
//
// Runs on: the hub's loop. stop() before destruction.
#pragma once

#include "async/event.h"
#include "edge/hub/upstream/upstream_links.h"

namespace selvage::edge::hub {

class DeviceClientLink final : public UpstreamLink {
public:
    struct Parts {
        async::Executor loop;
        async::TimeSource& time;
        Random& random;
        net::Dialer& dialer;
        device_client::TokenSource& tokens;
        UpstreamEvents& events;
    };
    DeviceClientLink(Parts parts, device_client::ClientSettings settings, UpstreamLinks::Wishes wishes);
    ~DeviceClientLink() override;

    void start();
    async::Awaitable<> stop();

    // More wishes than before take effect at once; fewer when `also_less`.
    void set_wishes(UpstreamLinks::Wishes wishes, bool also_less);
    // A new connection with the same wishes, once what is under way is acknowledged.
    void restart();
    bool is_idle() const { return in_flight_ == 0; }

    bool is_connected() const override;
    async::Awaitable<bool> connected() override;
    bool send(const domain::Message& message, SendDone done) override;
    async::Awaitable<bool> room() override;
    async::Awaitable<Result<std::string>> get_twin() override;
    async::Awaitable<Result<std::int64_t>> patch_reported(std::string patch) override;

private:
    using Client = device_client::DeviceClient;
    std::shared_ptr<Client> make_client();
    async::Awaitable<> replace_client();
    // Waits with `wait` on the client of the moment, and on its successors; false when stopped.
    async::Awaitable<bool> wait_on_client(async::Awaitable<bool> (Client::*wait)());

    Parts parts_;
    device_client::ClientSettings settings_;
    UpstreamLinks::Wishes wishes_;
    std::shared_ptr<Client> client_;
    std::size_t in_flight_ = 0;
    bool replacing_ = false;
    bool stopped_ = false;
    async::Event ready_;       // not being replaced, or stopped
    async::Event drained_;     // nothing in flight
    async::TaskGroup tasks_;
};

}  // namespace selvage::edge::hub
