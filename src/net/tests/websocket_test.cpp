#include "net/websocket.h"

#include <fmt/format.h>

#include <boost/asio/post.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "async/task_group.h"
#include "base/random.h"
#include "codec/websocket/frame.h"
#include "net/tests/support.h"
#include "net/tls.h"
#include "net/websocket_stream.h"

namespace selvage::net::testing {
namespace {

using codec::websocket::close_payload;
using codec::websocket::Opcode;
using codec::websocket::Role;

constexpr const char* kKey = "dGhlIHNhbXBsZSBub25jZQ==";  // RFC 6455 section 1.3

std::string frame_of_client(Opcode opcode, std::string_view payload) {
    std::string out;
    codec::websocket::write_frame(opcode, payload, Role::client, {1, 2, 3, 4}, out);
    return out;
}
std::string frame_of_server(Opcode opcode, std::string_view payload) {
    std::string out;
    codec::websocket::write_frame(opcode, payload, Role::server, {}, out);
    return out;
}
std::string request_with(std::string fields, std::string method = "GET") {
    return method + " /x HTTP/1.1\r\nHost: h\r\nUpgrade: WebSocket\r\nConnection: keep-alive, Upgrade\r\n" + fields + "\r\n";
}
std::string key_and_version() { return fmt::format("Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {}\r\n", kKey); }

// A server that echoes over WebSocket, and what it saw.
class WebSocket : public NetTest {
protected:
    SeededRandom random{1};
    Result<std::string> protocol = fail(Errc::internal, "no upgrade came");

    Serve echo_server() {
        return [this](std::shared_ptr<Stream> stream) -> Awaitable<> {
            const auto upgrade = [this](HttpRequest request, std::shared_ptr<Stream> raw) -> Awaitable<> {
                auto accepted = co_await accept_websocket(std::move(request), std::move(raw), time, {"mqtt", "AMQPWSB10"});
                if (!accepted) {
                    protocol = fail(accepted.error());
                    co_return;
                }
                protocol = accepted->protocol;
                co_await echo(accepted->stream);
                accepted->stream->close();
            };
            co_await serve_http(std::move(stream), time, {}, nullptr, upgrade);
        };
    }
    // Sends `bytes`, ends, and gives all that comes back.
    std::string talk(std::string bytes) {
        std::string answer;
        const auto listener = listen(echo_server());
        run([&]() -> Awaitable<> {
            auto stream = *co_await connect(listener->port());
            EXPECT_TRUE(co_await stream->write(bytes));
            stream->end_writing();
            answer = co_await read_to_end(*stream);
            co_await listener->stop();
        }());
        return answer;
    }
};

TEST_F(WebSocket, AnswersTheHandshakeInTheClientsSpelling) {
    EXPECT_EQ(talk(request_with(key_and_version() + "Sec-WebSocket-Protocol: other, MQTT\r\n")),
              "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n"
              "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\nSec-WebSocket-Protocol: MQTT\r\n"
              "Connection: Upgrade\r\n\r\n" + frame_of_server(Opcode::close, close_payload(1000, {})));
    EXPECT_EQ(protocol, "mqtt");
}

TEST_F(WebSocket, TakesOffersFromSeveralFields) {
    talk(request_with(key_and_version() + "Sec-WebSocket-Protocol: x\r\nSec-WebSocket-Protocol: amqpwsb10\r\n"));
    EXPECT_EQ(protocol, "AMQPWSB10");
}

TEST_F(WebSocket, RefusesWhatIsNoHandshake) {
    const std::string offer = "Sec-WebSocket-Protocol: mqtt\r\n";
    struct Row {
        const char* name;
        std::string request;
        std::string status;
    };
    const Row rows[] = {
        {"no sub-protocol", request_with(key_and_version()), "400"},
        {"an unknown sub-protocol", request_with(key_and_version() + "Sec-WebSocket-Protocol: mqttv5,,x\r\n"), "400"},
        {"no version", request_with(fmt::format("Sec-WebSocket-Key: {}\r\n{}", kKey, offer)), "426"},
        {"an old version", request_with(fmt::format("Sec-WebSocket-Version: 8\r\nSec-WebSocket-Key: {}\r\n{}", kKey, offer)), "426"},
        {"no key", request_with("Sec-WebSocket-Version: 13\r\n" + offer), "400"},
        {"a short key", request_with("Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: YWJj\r\n" + offer), "400"},
        {"a key that is no base64", request_with("Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {}\r\n" + offer), "400"},
        {"a POST", request_with(key_and_version() + offer, "POST"), "400"},
    };
    for (const auto& row : rows) {
        const auto answer = talk(row.request);
        EXPECT_EQ(answer.substr(9, 3), row.status) << row.name;
        EXPECT_EQ(protocol.error().code, Errc::malformed) << row.name;
        EXPECT_EQ(answer.find("Sec-WebSocket-Version: 13\r\n") != answer.npos, row.status == "426") << row.name;
    }
}

TEST_F(WebSocket, FramesThatCameWithTheRequestAreNotLost) {
    const auto answer = talk(request_with(key_and_version() + "Sec-WebSocket-Protocol: mqtt\r\n") +
                             frame_of_client(Opcode::binary, "early") + frame_of_client(Opcode::close, close_payload(1001, {})));
    EXPECT_TRUE(answer.ends_with(frame_of_server(Opcode::binary, "early") + frame_of_server(Opcode::close, close_payload(1001, {}))))
        << to_hex(answer);
}

TEST_F(WebSocket, EchoesEverySizeOverTls) {
    const Certificate root = make_test_certificate({.common_name = "root", .authority = true});
    const auto leaf = make_test_certificate({.common_name = "hub", .names = {"DNS:localhost"}}, &root);
    const auto listener = listen(echo_server(), *TlsServerContext::make(leaf.pem, leaf.key_pem, false));
    run([&]() -> Awaitable<> {
        auto raw = co_await connect(listener->port(), *TlsClientContext::make(root.pem, false), "localhost");
        EXPECT_TRUE(raw) << raw.error().detail;
        auto stream = co_await connect_websocket(*std::move(raw), time, random, {"localhost", "/$iothub/websocket", "MQTT"}, 5s);
        EXPECT_TRUE(stream) << stream.error().detail;
        for (const std::size_t size : {1u, 125u, 126u, 65535u, 65536u, 300'000u}) {
            std::string text(size, 'a');
            for (std::size_t i = 0; i < size; ++i)
                text[i] = static_cast<char>(i * 31 % 251);
            async::TaskGroup writer(loop.get_executor());
            writer.spawn("writer", [](Stream& s, std::string sent) -> Awaitable<> {
                EXPECT_TRUE(co_await s.write(sent));
            }(**stream, text));
            const auto back = co_await read_text(**stream, size);
            EXPECT_TRUE(back == text) << size;
            co_await writer.stop();
        }
        (*stream)->close();
        co_await listener->stop();
    }());
    EXPECT_EQ(protocol, "mqtt");
}

TEST_F(WebSocket, TheClientNamesWhatItGotInstead) {
    const auto refused = [&](std::string answer, std::string offer) {
        Error error;
        const auto listener = listen([answer](std::shared_ptr<Stream> stream) -> Awaitable<> {
            const auto request = co_await read_text(*stream, 50);
            ignore(co_await stream->write(answer), "the test reads");
            co_await read_to_end(*stream);
        });
        run([&]() -> Awaitable<> {
            auto raw = *co_await connect(listener->port());
            const auto stream = co_await connect_websocket(std::move(raw), time, random, {"h", "/", offer}, 5s);
            EXPECT_FALSE(stream);
            error = stream.error();
            co_await listener->stop();
        }());
        return error.code;
    };
    EXPECT_EQ(refused("HTTP/1.1 403 No\r\nContent-Length: 0\r\n\r\n", "mqtt"), Errc::unavailable);
    EXPECT_EQ(refused("HTTP/1.1 101 Go\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: x\r\n\r\n", "mqtt"),
              Errc::malformed);
    EXPECT_EQ(refused("nonsense\r\n\r\n", "mqtt"), Errc::malformed);
}

// The server's end over a pair in memory; the test plays the client with raw frames.
class WebSocketFrames : public NetTest {
public:
    std::unique_ptr<Stream> far;
    std::unique_ptr<Stream> near;

    void open(std::size_t buffer_bytes = 65536) {
        auto ends = make_stream_pair(loop.get_executor(), buffer_bytes);
        far = std::move(ends.first);
        near = make_websocket_server(loop.get_executor(), std::move(ends.second), {});
    }
    // Lets everything go on that waits for nothing but other coroutines.
    Awaitable<> settle_down() {
        for (int turn = 0; turn < 50; ++turn)
            co_await boost::asio::post(loop.get_executor(), boost::asio::use_awaitable);
    }
    std::array<std::byte, 1000> buffer{};
    std::string seen;
    Awaitable<> see() { seen = co_await read(); }
    Result<> written = fail(Errc::internal, "not yet");
    Awaitable<> write(std::string text) { written = co_await near->write(text); }
    Awaitable<> write_far(std::string text) { EXPECT_TRUE(co_await far->write(text)); }
    Awaitable<std::string> read() {
        const auto count = co_await near->read_some(buffer);
        if (!count) co_return std::string(name(count.error().code));
        co_return std::string(as_text(std::span(buffer).first(*count)));
    }
};

TEST_F(WebSocketFrames, AnswersAPingAndHandsOnTheDataAroundIt) {
    open();
    run([&]() -> Awaitable<> {
        EXPECT_TRUE(co_await far->write(frame_of_client(Opcode::binary, "one") + frame_of_client(Opcode::ping, "p1") +
                                        frame_of_client(Opcode::ping, "p2") + frame_of_client(Opcode::binary, "two")));
        EXPECT_EQ(co_await read(), "onetwo");
        EXPECT_TRUE(co_await near->write("out"));
        const auto expected = frame_of_server(Opcode::binary, "out") + frame_of_server(Opcode::pong, "p2");
        EXPECT_EQ(co_await read_text(*far, expected.size()), expected);
        // Alone, it is answered while the reader waits on.
        EXPECT_TRUE(co_await far->write(frame_of_client(Opcode::ping, "p3")));
        async::TaskGroup reader(loop.get_executor());
        reader.spawn("reader", see());
        EXPECT_EQ(co_await read_text(*far, 4), frame_of_server(Opcode::pong, "p3"));
        EXPECT_TRUE(co_await far->write(frame_of_client(Opcode::binary, "three")));
        co_await settle_down();
        EXPECT_EQ(seen, "three");
        co_await reader.stop();
    }());
}

TEST_F(WebSocketFrames, DataIsNotHeldBackByAPongThatCannotBeSent) {
    open(64);
    run([&]() -> Awaitable<> {
        async::TaskGroup writer(loop.get_executor());
        writer.spawn("writer", write(std::string(200, 'x')));
        co_await settle_down();
        EXPECT_FALSE(written);
        EXPECT_TRUE(co_await far->write(frame_of_client(Opcode::ping, "p") + frame_of_client(Opcode::binary, "data")));
        EXPECT_EQ(co_await read(), "data");
        const auto expected = frame_of_server(Opcode::binary, std::string(200, 'x')) + frame_of_server(Opcode::pong, "p");
        EXPECT_EQ(co_await read_text(*far, expected.size()), expected);
        co_await settle_down();
        co_await writer.stop();
        EXPECT_TRUE(written) << written.error().detail;
    }());
}

TEST_F(WebSocketFrames, AWriteWaitsForThePongBeforeIt) {
    open(8);
    run([&]() -> Awaitable<> {
        EXPECT_TRUE(co_await near->write("abc"));  // 5 bytes of 8
        async::TaskGroup tasks(loop.get_executor());
        tasks.spawn("ping", write_far(frame_of_client(Opcode::ping, "pong")));
        tasks.spawn("reader", see());
        co_await settle_down();
        tasks.spawn("writer", write("def"));
        co_await settle_down();
        EXPECT_FALSE(written);
        const auto expected = frame_of_server(Opcode::binary, "abc") + frame_of_server(Opcode::pong, "pong") +
                              frame_of_server(Opcode::binary, "def");
        EXPECT_EQ(co_await read_text(*far, expected.size()), expected);
        EXPECT_TRUE(co_await far->write(frame_of_client(Opcode::binary, "z")));
        co_await settle_down();
        EXPECT_TRUE(written) << written.error().detail;
        EXPECT_EQ(seen, "z");
        co_await tasks.stop();
    }());
}

TEST_F(WebSocketFrames, AClientThatDoesNotMaskIsToldAndDropped) {
    open();
    run([&]() -> Awaitable<> {
        EXPECT_TRUE(co_await far->write(frame_of_server(Opcode::binary, "x")));
        EXPECT_EQ(co_await read(), "malformed");
        EXPECT_EQ(co_await read(), "connection_closed");
        EXPECT_EQ((co_await near->write("x")).error().code, Errc::connection_closed);
        near->close();
        EXPECT_EQ(co_await read_to_end(*far), frame_of_server(Opcode::close, close_payload(1002, {})));
    }());
}

TEST_F(WebSocketFrames, ACloseOfThePeerIsAnsweredAndEndsReading) {
    open();
    run([&]() -> Awaitable<> {
        EXPECT_TRUE(co_await far->write(frame_of_client(Opcode::binary, "last") +
                                        frame_of_client(Opcode::close, close_payload(1001, "bye"))));
        EXPECT_EQ(co_await read(), "last");
        EXPECT_TRUE(co_await near->write("answer"));
        EXPECT_EQ(co_await read(), "");
        EXPECT_EQ(co_await read(), "");
        EXPECT_FALSE(co_await near->write("too late"));
        near->close();
        EXPECT_EQ(co_await read_to_end(*far),
                  frame_of_server(Opcode::binary, "answer") + frame_of_server(Opcode::close, close_payload(1001, {})));
    }());
}

TEST_F(WebSocketFrames, EndingOurSideLeavesThePeersOpen) {
    open();
    run([&]() -> Awaitable<> {
        EXPECT_TRUE(co_await near->write("x"));
        near->end_writing();
        near->end_writing();
        EXPECT_FALSE(co_await near->write("y"));
        EXPECT_TRUE(co_await far->write(frame_of_client(Opcode::binary, "still")));
        EXPECT_EQ(co_await read(), "still");
        EXPECT_TRUE(co_await far->write(frame_of_client(Opcode::close, {})));
        EXPECT_EQ(co_await read(), "");
        near->close();
        EXPECT_EQ(co_await read_to_end(*far),
                  frame_of_server(Opcode::binary, "x") + frame_of_server(Opcode::close, close_payload(1000, {})));
    }());
}

TEST_F(WebSocketFrames, FramesSplitAtEveryByteArriveWhole) {
    open();
    run([&]() -> Awaitable<> {
        std::string text;
        for (const char byte : frame_of_client(Opcode::binary, "ab") + frame_of_client(Opcode::ping, "p") +
                                   frame_of_client(Opcode::binary, std::string(300, 'c'))) {
            EXPECT_TRUE(co_await far->write(std::string(1, byte)));
        }
        while (text.size() < 302) {
            const auto count = co_await near->read_some(std::span(buffer).first(1));
            EXPECT_TRUE(count);
            text += as_text(std::span(buffer).first(*count));
        }
        EXPECT_EQ(text, "ab" + std::string(300, 'c'));
    }());
}

}  // namespace
}  // namespace selvage::net::testing
