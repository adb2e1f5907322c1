#include "heads/mqtt/mqtt_head.h"

#include <boost/asio/this_coro.hpp>

#include "heads/mqtt/connection.h"

namespace selvage::heads::mqtt {

async::Awaitable<> serve_mqtt(std::shared_ptr<net::Stream> stream, hub_api::Hub& hub, async::TimeSource& time, Random& random,
                              MqttSettings settings, std::string protocol) {
    const auto connection = std::make_shared<MqttConnection>(co_await boost::asio::this_coro::executor, std::move(stream), hub,
                                                             time, random, settings, std::move(protocol));
    co_await connection->run();
}

}  // namespace selvage::heads::mqtt
