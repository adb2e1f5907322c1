#include "heads/websocket/websocket_head.h"

#include <gtest/gtest.h>

#include <boost/asio/io_context.hpp>

#include "async/task_group.h"
#include "async/tests/run.h"
#include "base/encoding.h"
#include "base/random.h"
#include "net/websocket.h"

namespace selvage::heads::websocket::testing {
namespace {

using async::Awaitable;
using namespace std::chrono_literals;

Awaitable<std::string> read_to_end(net::Stream& stream) {
    std::string text;
    std::array<std::byte, 256> buffer{};
    for (;;) {
        const auto count = co_await stream.read_some(buffer);
        if (!count || *count == 0) co_return text;
        text += as_text(std::span(buffer).first(*count));
    }
}

class WebSocketHead : public ::testing::Test {
protected:
    boost::asio::io_context loop;
    async::SystemTime time;
    SeededRandom random{1};

    // A head that says its name, and ends.
    static SubProtocol names_itself(std::string name) {
        return {name, [name](std::shared_ptr<net::Stream> stream) -> Awaitable<> {
                    ignore(co_await stream->write("served by " + name), "the test reads");
                }};
    }
    // What a client hears that asks for `target` and `protocol`; what the handshake failed with.
    std::string dial(std::string target, std::string protocol) {
        std::string heard;
        async::testing::run(loop, [&]() -> Awaitable<> {
            auto ends = net::make_stream_pair(loop.get_executor());
            async::TaskGroup server(loop.get_executor());
            server.spawn("server", net::serve_http(std::move(ends.first), time, {}, nullptr,
                                                   serve_websocket(time, {names_itself("mqtt"), names_itself("AMQPWSB10")})));
            net::WebSocketRequest request{.host = "hub", .target = std::move(target), .protocol = std::move(protocol)};
            auto stream = co_await net::connect_websocket(std::move(ends.second), time, random, std::move(request), 5s);
            heard = stream ? co_await read_to_end(**stream) : stream.error().detail;
            co_await server.stop();
        }());
        return heard;
    }
};

TEST_F(WebSocketHead, TheSubProtocolChoosesTheHead) {
    EXPECT_EQ(dial("/$iothub/websocket", "mqtt"), "served by mqtt");
    EXPECT_EQ(dial("/$iothub/websocket", "MQTT"), "served by mqtt");
    EXPECT_EQ(dial("/$iothub/websocket", "AMQPWSB10"), "served by AMQPWSB10");
}

TEST_F(WebSocketHead, ThePathMayBeEncodedAndCarryAQuery) {
    EXPECT_EQ(dial("/%24iothub/websocket?iothub-no-client-cert=true", "mqtt"), "served by mqtt");
    EXPECT_EQ(dial("/$iothub/websocket/", "mqtt"), "served by mqtt");
}

TEST_F(WebSocketHead, RefusesOtherPathsAndUnknownSubProtocols) {
    EXPECT_NE(dial("/devices/d1", "mqtt").find("404"), std::string::npos);
    EXPECT_NE(dial("/$iothub", "mqtt").find("404"), std::string::npos);
    EXPECT_NE(dial("/$iothub/websocket", "mqttv5.0").find("400"), std::string::npos);
}

}  // namespace
}  // namespace selvage::heads::websocket::testing
