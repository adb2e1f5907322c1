#include "device_client/device_client.h"

#include <boost/asio/cancellation_state.hpp>
#include <boost/asio/this_coro.hpp>

#include "async/deadline.h"
#include "device_client/client_impl.h"

namespace selvage::device_client {

DeviceClient::Impl::Impl(async::Executor executor, async::TimeSource& time_source, Random& dice, net::Dialer& net_dialer,
                         TokenSource& token_source, ClientSettings client_settings, Handlers client_handlers)
    : loop(executor),
      time(time_source),
      random(dice),
      dialer(net_dialer),
      tokens(token_source),
      settings(std::move(client_settings)),
      handlers(std::move(client_handlers)),
      settled(executor),
      room(executor),
      tasks(executor) {}

DeviceClient::DeviceClient(async::Executor loop, async::TimeSource& time, Random& random, net::Dialer& dialer,
                           TokenSource& tokens, ClientSettings settings, Handlers handlers)
    : impl_(std::make_shared<Impl>(std::move(loop), time, random, dialer, tokens, std::move(settings), std::move(handlers))) {}

// All tasks have ended by then, so none is left that points into it.
DeviceClient::~DeviceClient() { SELVAGE_ASSERT(impl_->tasks.size() == 0); }

void DeviceClient::start() { impl_->tasks.spawn("mqtt client", impl_->run()); }

Awaitable<> DeviceClient::stop() {
    const auto impl = impl_;
    impl->stopping = true;
    impl->update_room();
    if (const auto connection = impl->connection; connection && impl->state == LinkState::connected)
        co_await connection->say_goodbye();
    co_await impl->tasks.stop();
    impl->set_state(LinkState::stopped, nullptr);
}

LinkState DeviceClient::state() const { return impl_->state; }

Awaitable<bool> DeviceClient::connected() {
    const auto impl = impl_;
    while (impl->state == LinkState::connecting) {
        co_await impl->settled.wait();
        const auto cancellation = co_await boost::asio::this_coro::cancellation_state;
        if (cancellation.cancelled() != boost::asio::cancellation_type::none) co_return false;
    }
    co_return impl->state == LinkState::connected;
}

Awaitable<bool> DeviceClient::room() {
    const auto impl = impl_;
    while (!impl->has_room() && impl->state != LinkState::stopped) {
        co_await impl->room.wait();
        const auto cancellation = co_await boost::asio::this_coro::cancellation_state;
        if (cancellation.cancelled() != boost::asio::cancellation_type::none) co_return false;
    }
    co_return impl->has_room();
}

bool DeviceClient::send(const domain::Message& message, SendDone done) {
    if (!impl_->has_room()) return false;
    if (message.counted_bytes() > domain::kMessageBytesMax) {
        done(fail(Errc::message_too_large, "the message has more than 262144 bytes"));
        return true;
    }
    const auto topic = codec::hub_mqtt::telemetry_topic(impl_->settings.identity, message);
    if (auto sent = impl_->connection->send(topic, message.body, done); !sent) {
        done(sent);
        return true;
    }
    impl_->update_room();
    return true;
}

Awaitable<Result<std::string>> DeviceClient::get_twin() {
    const auto impl = impl_;
    auto reply = co_await async::with_deadline(impl->time, kTwinTimeout, Impl::ask_twin(impl, false, {}));
    if (!reply) co_return fail(reply.error().in("get twin"));
    co_return std::move((*reply)->body);
}

Awaitable<Result<std::int64_t>> DeviceClient::patch_reported(std::string patch) {
    const auto impl = impl_;
    auto reply = co_await async::with_deadline(impl->time, kTwinTimeout, Impl::ask_twin(impl, true, std::move(patch)));
    if (!reply) co_return fail(reply.error().in("patch reported properties"));
    co_return (*reply)->answer->version.value_or(0);
}

}  // namespace selvage::device_client
