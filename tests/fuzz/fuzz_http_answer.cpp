// Bytes of a server as our HTTP and WebSocket clients read them: whatever comes, a whole body and the same body in parts are
// the same, no body is larger than its bound, and nobody waits for ever. First byte: which client, and in which pieces.
#include <cstdint>
#include <string>

#include "base/encoding.h"
#include "net/http.h"
#include "net/websocket.h"
#include "rig/input.h"
#include "rig/world.h"

namespace {

using namespace selvage;
using async::Awaitable;

constexpr std::size_t kBodyMax = 4096;

Awaitable<> write_pieces(net::Stream& stream, std::string_view bytes, std::size_t step) {
    for (; !bytes.empty(); bytes.remove_prefix(std::min(step, bytes.size()))) {
        const auto written = co_await stream.write(bytes.substr(0, step));
        if (!written) co_return;
    }
}

Awaitable<std::size_t> read_all(net::Stream& stream) {
    std::array<std::byte, 512> buffer{};
    std::size_t total = 0;
    for (;;) {
        const auto count = co_await stream.read_some(buffer);
        if (!count || *count == 0) co_return total;
        total += *count;
    }
}

// The bytes as the answer of every connection.
class RawDialer final : public net::Dialer {
public:
    RawDialer(fuzz::World& world, std::string_view bytes, std::size_t step)
        : loop_(world.loop.get_executor()), bytes_(bytes), step_(step), connections_(loop_) {}
    Awaitable<Result<std::unique_ptr<net::Stream>>> dial(net::Target, std::chrono::milliseconds) override {
        auto [near, far] = net::make_stream_pair(loop_, 256);
        connections_.spawn("answer", talk(std::shared_ptr<net::Stream>(std::move(far))));
        co_return std::move(near);
    }
    Awaitable<> stop() { return connections_.stop(); }

private:
    Awaitable<> talk(std::shared_ptr<net::Stream> far) {
        std::array<std::byte, 4096> request{};
        const auto asked = co_await far->read_some(request);
        if (asked && *asked > 0) {
            co_await write_pieces(*far, bytes_, step_);
            far->end_writing();
            co_await read_all(*far);
        }
        far->close();
    }
    async::Executor loop_;
    std::string_view bytes_;
    std::size_t step_;
    async::TaskGroup connections_;
};

Awaitable<> ask(fuzz::World& world, std::string_view bytes, std::size_t step) {
    RawDialer dialer(world, bytes, step);
    {
        const net::HttpClientSettings settings{.body_bytes_max = kBodyMax};
        net::HttpClient whole(dialer, world.time, {.host = "h"}, settings);
        const auto first = co_await whole.send({});
        if (first) SELVAGE_ASSERT(first->body.size() <= kBodyMax);
        net::HttpClient in_parts(dialer, world.time, {.host = "h"}, settings);
        std::string body;
        const auto second = co_await in_parts.stream({}, [&body](std::string_view part) -> Awaitable<bool> {
            body += part;
            co_return true;
        });
        if (first) SELVAGE_ASSERT(second && second->status == first->status && body == first->body);
        // A kept connection may have bytes left over, that must not become the next answer's.
        ignore(co_await whole.send({.method = "HEAD"}), "only that it ends");
    }
    co_await dialer.stop();
}

Awaitable<> talk_raw(fuzz::World& world, std::shared_ptr<net::Stream> far, std::string_view bytes, std::size_t step, bool greeted) {
    if (greeted) {
        const auto upgrade = [&](net::HttpRequest request, std::shared_ptr<net::Stream> stream) -> Awaitable<> {
            auto accepted = co_await net::accept_websocket(std::move(request), stream, world.time, {"mqtt"});
            if (!accepted) co_return;
            co_await write_pieces(*stream, bytes, step);
            stream->end_writing();
            co_await read_all(*stream);
            accepted->stream->close();
        };
        const auto handler = [](net::HttpRequest) -> Awaitable<net::HttpResponse> { co_return net::HttpResponse{}; };
        co_await net::serve_http(far, world.time, {}, handler, upgrade);
        co_return;
    }
    std::array<std::byte, 4096> request{};
    ignore(co_await far->read_some(request), "the client may have left");
    co_await write_pieces(*far, bytes, step);
    far->end_writing();
    co_await read_all(*far);
    far->close();
}

Awaitable<> upgrade(fuzz::World& world, std::string_view bytes, std::size_t step, bool greeted) {
    auto [near, far] = net::make_stream_pair(world.loop.get_executor(), 256);
    async::TaskGroup server(world.loop.get_executor());
    server.spawn("server", talk_raw(world, std::shared_ptr<net::Stream>(std::move(far)), bytes, step, greeted));
    const net::WebSocketRequest request{.host = "h", .target = "/$iothub/websocket", .protocol = "mqtt"};
    auto made = co_await net::connect_websocket(std::move(near), world.time, world.random, request, std::chrono::seconds(10));
    SELVAGE_ASSERT(made || !greeted);
    if (made) {
        const auto total = co_await read_all(**made);
        SELVAGE_ASSERT(total <= bytes.size());
        (*made)->close();
        made->reset();
    }
    co_await server.stop();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size == 0) return 0;
    const auto bytes = fuzz::text_of(data + 1, size - 1);
    const std::size_t step = 1 + (data[0] >> 2) * std::size_t{5};
    fuzz::World world;
    switch (data[0] % 4) {
        case 0:
        case 1: world.run(ask(world, bytes, step)); break;
        case 2: world.run(upgrade(world, bytes, step, false)); break;
        default: world.run(upgrade(world, bytes, step, true)); break;
    }
    return 0;
}
