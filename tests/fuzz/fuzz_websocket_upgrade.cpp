// A whole connection to a WebSocket port: the HTTP request, the handshake, frames behind it. Never a crash, never bytes of a
// stranger's making in the answer's head, and what a head reads is no more than what was sent.
#include <boost/asio/io_context.hpp>

#include "async/task_group.h"
#include "async/time_source.h"
#include "base/encoding.h"
#include "base/log.h"
#include "net/http.h"
#include "net/websocket.h"

namespace {

using namespace selvage;
using async::Awaitable;

Awaitable<> read_all(std::shared_ptr<net::Stream> stream, std::size_t& total) {
    std::array<std::byte, 64> buffer{};
    for (;;) {
        const auto count = co_await stream->read_some(buffer);
        if (!count || *count == 0) co_return;
        total += *count;
        ignore(co_await stream->write(as_text(std::span(buffer).first(*count))), "the peer may have left");
    }
}

Awaitable<> send_and_drain(std::shared_ptr<net::Stream> stream, std::string bytes, std::string& answer) {
    ignore(co_await stream->write(bytes), "the server may have left");
    stream->end_writing();
    std::array<std::byte, 4096> buffer{};
    for (;;) {
        const auto count = co_await stream->read_some(buffer);
        if (!count || *count == 0) co_return;
        answer += as_text(std::span(buffer).first(*count));
    }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
    boost::asio::io_context loop;
    async::VirtualTime time(loop.get_executor(), UtcTime{});
    std::size_t heard = 0;
    bool ended = false;
    std::string answer;
    auto [near, far] = net::make_stream_pair(loop.get_executor(), 1 << 20);
    const std::shared_ptr<net::Stream> client = std::move(near);
    const auto upgrade = [&](net::HttpRequest request, std::shared_ptr<net::Stream> stream) -> Awaitable<> {
        auto accepted = co_await net::accept_websocket(std::move(request), std::move(stream), time, {"mqtt", "AMQPWSB10"});
        if (!accepted) co_return;
        co_await read_all(accepted->stream, heard);
        accepted->stream->close();
    };
    const auto handler = [](net::HttpRequest) -> Awaitable<net::HttpResponse> { co_return net::HttpResponse{}; };
    async::spawn_root(loop.get_executor(), net::serve_http(std::move(far), time, {}, handler, upgrade), [&] { ended = true; });
    async::spawn_root(loop.get_executor(),
                      send_and_drain(client, std::string(reinterpret_cast<const char*>(data), size), answer), [] {});
    // Whatever it waits for is over at some time.
    for (int round = 0; round < 10 && !ended; ++round) {
        loop.restart();
        loop.poll();
        time.advance(std::chrono::minutes(5));
    }
    loop.restart();
    loop.poll();
    SELVAGE_ASSERT(ended);
    SELVAGE_ASSERT(heard <= size);
    // The one thing that an answer repeats is the name of a sub-protocol.
    if (answer.starts_with("HTTP/1.1 101")) {
        const auto head = answer.substr(0, answer.find("\r\n\r\n"));
        SELVAGE_ASSERT(std::count(head.begin(), head.end(), '\n') == 4);
    }
    client->close();
    loop.restart();
    loop.poll();
    return 0;
}
