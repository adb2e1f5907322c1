#include "heads/amqp/amqp_head.h"

#include <boost/asio/this_coro.hpp>

#include "base/encoding.h"
#include "base/log.h"
#include "heads/amqp/connection.h"

namespace selvage::heads::amqp {

async::Awaitable<> serve_amqp(std::shared_ptr<net::Stream> stream, hub_api::Hub& hub, async::TimeSource& time, Random& random,
                              AmqpSettings settings, std::string protocol) {
    const auto loop = co_await boost::asio::this_coro::executor;
    const TimePoint deadline = time.now() + settings.authenticate_timeout;
    std::string first;
    {
        // Until the peer says something, a connection is its stream and this frame.
        const net::ClosingTime closing(*stream, time, loop, deadline);
        const auto count = co_await stream->read_some(first_read());
        if (!count || *count == 0) {
            log::debug("amqp.open", "no connection peer={}: it said nothing", stream->peer());
            co_return stream->close();
        }
        first = as_text(first_read().first(*count));
    }
    const auto connection =
        std::make_shared<AmqpConnection>(loop, std::move(stream), hub, time, random, settings, std::move(protocol));
    co_await connection->run(std::move(first), deadline);
}

}  // namespace selvage::heads::amqp
