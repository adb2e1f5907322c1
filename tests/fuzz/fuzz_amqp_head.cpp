// Bytes from outside into a whole connection, behind which a hub sends messages too. First byte: how much of a proper start
// comes before the input, and in which pieces it is written. The second: whether each four bytes of the rest are a frame's
// size (so that mutated frames stay frames), or all of it is raw.
#include <boost/asio/io_context.hpp>

#include <cstdint>
#include <cstdlib>
#include <string>

#include "async/task_group.h"
#include "base/encoding.h"
#include "base/log.h"
#include "codec/amqp/engine.h"
#include "codec/amqp/message.h"
#include "heads/amqp/amqp_head.h"
#include "heads/amqp/tests/fake_hub.h"

namespace {

using namespace selvage;
namespace wire = selvage::codec::amqp;
using heads::amqp::testing::FakeHub;

void check(bool holds) {
    if (!holds) std::abort();
}

struct World {
    boost::asio::io_context loop;
    async::VirtualTime time{loop.get_executor(), UtcTime{}};
    SeededRandom random{1};
    FakeHub hub{loop.get_executor()};
    std::shared_ptr<net::Stream> client;
    std::string received;
    bool served = false;

    void run() {
        loop.restart();
        while (loop.poll() > 0) loop.restart();
    }
};

async::Awaitable<> write_pieces(std::shared_ptr<net::Stream> stream, std::string bytes, std::size_t step) {
    for (std::size_t at = 0; at < bytes.size(); at += step) {
        const auto part = bytes.substr(at, step);
        const auto written = co_await stream->write(part);
        if (!written) co_return;
    }
}
async::Awaitable<> read_all(World& world, std::shared_ptr<net::Stream> stream) {
    std::array<std::byte, 4096> buffer;
    for (;;) {
        const auto count = co_await stream->read_some(buffer);
        if (!count || *count == 0) co_return;
        world.received += as_text(std::span<const std::byte>(buffer).first(*count));
    }
}

// A module with a token and every link, by an engine of the client's role.
void open(World& world, wire::Engine& engine) {
    const auto exchange = [&] {
        for (bool moved = true; moved;) {
            engine.receive(std::exchange(world.received, {}));
            while (engine.next_event()) {
            }
            std::string out;
            engine.take_output(out);
            moved = !out.empty();
            async::spawn_root(world.loop.get_executor(), write_pieces(world.client, std::move(out), 100'000), [] {});
            world.run();
        }
    };
    engine.open();
    const auto session = engine.begin();
    const auto cbs = engine.attach(session, {.name = "c", .direction = wire::Direction::outgoing, .source = "x", .target = "$cbs"});
    exchange();
    wire::Message token;
    token.application_properties = {{"operation", std::string("put-token")}, {"type", std::string("a:sastoken")}};
    token.value = std::string("SharedAccessSignature sr=h.net%2Fdevices%2Fd%2Fmodules%2Fm&sig=good&se=4102444800");
    engine.send(cbs, "t", wire::encode_message(token), true);
    const std::string base = "/devices/d/modules/m";
    for (const char* path : {"/messages/events", "/twin", "/methods/devicebound"}) {
        engine.attach(session, {.name = std::string("s") + path, .direction = wire::Direction::outgoing, .source = "x", .target = base + path});
        const auto link = engine.attach(session, {.name = std::string("r") + path, .direction = wire::Direction::incoming, .source = base + path, .target = "x"});
        engine.add_credit(link, 5);
    }
    exchange();
}

// Cuts the input into frames with right sizes: two bytes of size, then what follows.
std::string framed(std::string_view input) {
    std::string bytes;
    while (input.size() > 2) {
        const std::size_t said = static_cast<std::uint8_t>(input[0]) * std::size_t{256} + static_cast<std::uint8_t>(input[1]);
        const std::size_t size = std::min(said % 600, input.size() - 2);
        const std::size_t whole = size + 8;
        for (int shift = 24; shift >= 0; shift -= 8) bytes += static_cast<char>(whole >> shift);
        bytes += std::string("\2\0\0\0", 4);
        bytes += input.substr(2, size);
        input.remove_prefix(2 + size);
    }
    return bytes;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size < 2) return 0;
    log::start(log::Level::off);
    const std::uint8_t mode = data[0];
    const std::string_view input(reinterpret_cast<const char*>(data) + 2, size - 2);
    std::string bytes = (data[1] & 1) != 0 ? framed(input) : std::string(input);

    World world;
    world.hub.hold_telemetry = (mode & 4) != 0;
    auto ends = net::make_stream_pair(world.loop.get_executor());
    world.client = std::move(ends.first);
    const heads::amqp::AmqpSettings settings{.message_bytes_max = 20'000, .credit = 6, .inbound_unacked_max = 4, .requests_max = 4, .outbound_window = 3, .tokens_max = 3,
                                             .strange_sessions_max = 3, .strange_links_max = 10, .sessions_max = 4, .links_max = 14};
    async::spawn_root(world.loop.get_executor(), heads::amqp::serve_amqp(std::move(ends.second), world.hub, world.time, world.random, settings, "amqp"),
                      [&] { world.served = true; });
    async::spawn_root(world.loop.get_executor(), read_all(world, world.client), [] {});
    world.run();
    wire::Engine engine(wire::Role::client, {.container_id = "fuzz"});
    if ((mode & 1) != 0) open(world, engine);
    else if ((mode & 2) != 0) bytes.insert(0, std::string("AMQP\0\1\0\0\0\0\0\x11\2\0\0\0\0\x53\x10\xc0\4\1\xa1\1c", 25));
    async::spawn_root(world.loop.get_executor(), write_pieces(world.client, std::move(bytes), 1 + (mode >> 3) * std::size_t{7}), [] {});
    world.run();
    domain::Message message;
    message.body = "x";
    for (hub_api::LockToken token = 1; token < 4; ++token) world.hub.deliver("d/m", hub_api::Feed::inputs, token, message);
    if (const auto sink = world.hub.sinks["d/m"].lock()) {
        sink->invoke_method("r", {.name = "m", .payload = {}});
        sink->desired_changed(2, "{}");
    }
    world.run();
    world.hub.finish(2);
    world.run();
    world.time.advance(std::chrono::seconds(61));
    world.run();
    if ((mode & 2) != 0)
        if (const auto sink = world.hub.sinks["d/m"].lock()) sink->close(hub_api::CloseReason::replaced);
    world.run();
    world.client->close();
    world.hub.hold_telemetry = false;
    world.hub.finish(1000);
    world.run();
    world.hub.finish(1000);
    world.run();
    check(world.served && world.hub.closed_sessions == world.hub.sessions);
    return 0;
}
