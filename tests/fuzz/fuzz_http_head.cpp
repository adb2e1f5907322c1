// A connection to the HTTPS device API: raw HTTP requests through the server into the head, behind which a hub has C2D messages
// waiting; and the method API of edge devices beside it. First byte: in which pieces the bytes come, and what the hub refuses.
#include <cstdint>
#include <string>

#include "base/encoding.h"
#include "heads/http/tests/fake_hub.h"
#include "heads/http_edge/method_api.h"
#include "rig/input.h"
#include "rig/world.h"

namespace {

using namespace selvage;
using async::Awaitable;
using heads::http::testing::FakeHub;

class Uploads final : public hub_api::FileUploads {
    Awaitable<Result<hub_api::UploadPlace>> begin_upload(std::string device, std::string name) override {
        SELVAGE_ASSERT(!device.empty() && !name.empty());
        co_return hub_api::UploadPlace{.correlation_id = "1", .host_name = "h.net", .container = "uploads", .blob = device + "/" + name, .signature = "?sig=x"};
    }
    Awaitable<Result<>> end_upload(std::string, hub_api::UploadOutcome outcome) override {
        if (outcome.correlation_id != "1") co_return fail(Errc::not_found, "no such upload");
        co_return Result<>{};
    }
};

Awaitable<> write_pieces(std::shared_ptr<net::Stream> stream, std::string_view bytes, std::size_t step) {
    for (; !bytes.empty(); bytes.remove_prefix(std::min(step, bytes.size()))) {
        const auto written = co_await stream->write(bytes.substr(0, step));
        if (!written) co_return;
    }
    stream->end_writing();
}

Awaitable<> read_all(std::shared_ptr<net::Stream> stream, std::string& answer) {
    std::array<std::byte, 4096> buffer{};
    for (;;) {
        const auto count = co_await stream->read_some(buffer);
        if (!count || *count == 0) co_return;
        answer += as_text(std::span(buffer).first(*count));
    }
}

Awaitable<> talk(fuzz::World& world, FakeHub& hub, std::string_view bytes, std::size_t step) {
    {
        const heads::http::HttpHeadSettings settings{.locks_max = 3};
        Uploads uploads;
        heads::http::HttpHead head(world.loop.get_executor(), hub, world.time, world.random, settings, &uploads);
        heads::http_edge::MethodApi method_api(hub, world.time, {.edge_device = "e1"});
        auto ends = net::make_stream_pair(world.loop.get_executor(), 1 << 20);
        const std::shared_ptr<net::Stream> client = std::move(ends.first);
        const auto handler = [&](net::HttpRequest request) -> Awaitable<net::HttpResponse> {
            if (heads::http::HttpHead::takes(request.target)) return head.handle(std::move(request));
            return method_api.handle(std::move(request));
        };
        async::TaskGroup tasks(world.loop.get_executor());
        std::string answer;
        tasks.spawn("client writes", write_pieces(client, bytes, step));
        tasks.spawn("client reads", read_all(client, answer));
        const net::HttpServerSettings http{.head_bytes_max = 8192, .body_bytes_max = 300'000};
        co_await net::serve_http(std::move(ends.second), world.time, http, handler);
        SELVAGE_ASSERT(bytes.empty() || answer.empty() || answer.starts_with("HTTP/1.1 "));
        client->close();
        co_await tasks.stop();
        // Locks lapse, and with them the sessions that keep them.
        ignore(co_await world.time.sleep_for(std::chrono::seconds(65)), "nobody cancels this");
    }
    SELVAGE_ASSERT(hub.closed_sessions == hub.sessions);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size == 0) return 0;
    fuzz::World world;
    FakeHub hub;
    domain::Message message;
    message.body = "hello";
    message.set(domain::SystemProperty::message_id, "m-1");
    message.properties.emplace_back("a", "b");
    for (int i = 0; i < 3; ++i) hub.mailbox.push_back(message);
    if ((data[0] & 1) != 0) hub.refusal = Error{Errc::unauthorized, "no"};
    if ((data[0] & 2) != 0) hub.refused_telemetry.emplace(0, Error{Errc::quota_exceeded, "full"});
    const std::size_t step = 1 + (data[0] >> 2) * std::size_t{9};
    world.run(talk(world, hub, fuzz::text_of(data + 1, size - 1), step));
    return 0;
}
