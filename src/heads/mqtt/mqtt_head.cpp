// The life of a connection: its CONNECT is read, then it is let in, served and ended.
#include "heads/mqtt/mqtt_head.h"

#include <boost/asio/this_coro.hpp>

#include "heads/mqtt/connection.h"
#include "heads/mqtt/opening.h"

namespace selvage::heads::mqtt {

async::Awaitable<> serve_mqtt(std::shared_ptr<net::Stream> stream, hub_api::Hub& hub, async::TimeSource& time, Random& random,
                              std::shared_ptr<const MqttSettings> settings) {
    auto opening = co_await read_opening(*stream, time, *settings);
    if (!opening) co_return stream->close();
    const auto connection =
        std::make_shared<MqttConnection>(co_await boost::asio::this_coro::executor, std::move(stream), hub, time, random,
                                         std::move(settings), std::move(opening->decoder));
    std::exception_ptr failure;
    try {
        if (co_await connection->connect(std::move(opening))) co_await connection->serve();
    } catch (...) {
        failure = std::current_exception();
    }
    // The end runs through, also when the owner has cancelled us.
    co_await boost::asio::this_coro::throw_if_cancelled(false);
    co_await connection->finish(std::move(failure));
}

}  // namespace selvage::heads::mqtt
