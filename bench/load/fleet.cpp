#include "load/fleet.h"

#include <boost/asio/post.hpp>

namespace selvage::bench {

using async::Awaitable;

struct Fleet::Device {
    std::unique_ptr<device_client::TokenSource> tokens;
    std::unique_ptr<device_client::DeviceClient> client;
};

Fleet::Fleet(std::vector<codec::ConnectionString> devices, LoadSettings settings, Counters& counters)
    : settings_(std::move(settings)),
      counters_(counters),
      dialer_(net::make_dialer(time_)),
      stopping_(loop_.get_executor()),
      senders_(loop_.get_executor()) {
    message_.body = std::string(settings_.body_bytes, 'x');
    for (auto& identity : devices) {
        auto device = std::make_unique<Device>();
        device->tokens = device_client::token_source_from_key(identity.key);
        device_client::ClientSettings client;
        client.identity = {identity.device_id, identity.module_id};
        client.hub_host = identity.host_name;
        client.target = settings_.target;
        client.target.host = identity.gateway_host_name.empty() ? identity.host_name : identity.gateway_host_name;
        client.window = settings_.window;
        client.product_info = "selvage-load";
        device_client::Handlers handlers;
        handlers.on_state = [this, was = false](device_client::LinkState state, const Error*) mutable {
            const bool is = state == device_client::LinkState::connected;
            if (is != was) counters_.connected += is ? 1 : -1;
            was = is;
        };
        device->client = std::make_unique<device_client::DeviceClient>(loop_.get_executor(), time_, random_, *dialer_,
                                                                       *device->tokens, std::move(client), std::move(handlers));
        devices_.push_back(std::move(device));
    }
}

Fleet::~Fleet() = default;

void Fleet::start() {
    async::spawn_root(loop_.get_executor(), run(), [this] { loop_.stop(); });
    thread_ = std::thread([this] { loop_.run(); });
}

void Fleet::stop() {
    boost::asio::post(loop_, [this] { stopping_.set(); });
}

Awaitable<> Fleet::run() {
    for (const auto& device : devices_) {
        device->client->start();
        senders_.spawn("sender", settings_.messages_per_second > 0 ? send_at_rate(device.get()) : send_in_closed_loop(device.get()));
    }
    co_await stopping_.wait();
    co_await senders_.stop();
    for (const auto& device : devices_) co_await device->client->stop();
}

bool Fleet::send(Device& device, TimePoint since) {
    return device.client->send(message_, [this, since](const Result<>& result) {
        if (!result) {
            ++counters_.lost;
            return;
        }
        ++counters_.acknowledged;
        if (counters_.measuring) latencies_.add(time_.now() - since);
    });
}

Awaitable<> Fleet::send_in_closed_loop(Device* device) {
    while (!senders_.stopping()) {
        const bool room = co_await device->client->room();
        if (!room) co_return;
        send(*device, time_.now());
    }
}

// A message's time runs from when it was due, whether or not the hub let it go then.
Awaitable<> Fleet::send_at_rate(Device* device) {
    const auto interval = std::chrono::duration_cast<Duration>(std::chrono::duration<double>(1 / settings_.messages_per_second));
    const bool online = co_await device->client->connected();
    if (!online) co_return;
    // Devices do not beat together.
    auto due = time_.now() + std::chrono::duration_cast<Duration>(interval * random_.fraction());
    while (!senders_.stopping()) {
        const auto slept = co_await time_.sleep_until(due);
        if (!slept) co_return;
        const bool room = co_await device->client->room();
        if (!room) co_return;
        if (send(*device, due)) due += interval;
    }
}

}  // namespace selvage::bench
