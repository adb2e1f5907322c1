#include "heads/amqp/amqp_head.h"

#include <boost/asio/this_coro.hpp>

#include "heads/amqp/connection.h"

namespace selvage::heads::amqp {

async::Awaitable<> serve_amqp(std::shared_ptr<net::Stream> stream, hub_api::Hub& hub, async::TimeSource& time, Random& random,
                              AmqpSettings settings, std::string protocol) {
    const auto connection = std::make_shared<AmqpConnection>(co_await boost::asio::this_coro::executor, std::move(stream), hub,
                                                             time, random, settings, std::move(protocol));
    co_await connection->run();
}

}  // namespace selvage::heads::amqp
