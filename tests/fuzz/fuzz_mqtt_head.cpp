// Bytes from outside into a whole connection, behind which a hub sends messages too. First byte: how much of a proper start
// comes before the input, and in which pieces it is written.
#include <boost/asio/io_context.hpp>

#include <cstdint>
#include <cstdlib>
#include <string>

#include "async/task_group.h"
#include "base/encoding.h"
#include "base/log.h"
#include "codec/mqtt/packet.h"
#include "heads/mqtt/mqtt_head.h"
#include "heads/mqtt/tests/fake_hub.h"

namespace {

using namespace selvage;
namespace packets = selvage::codec::mqtt;

std::string opening(bool subscribed) {
    packets::Connect connect;
    connect.clean_session = false;
    connect.client_id = "d/m";
    connect.username = "h/d/m/?api-version=2021-04-12";
    connect.will = packets::Will{"devices/d/modules/m/messages/events/", "w", 1};
    std::string bytes;
    ignore(packets::encode(connect, bytes), "a constant that encodes");
    packets::Subscribe subscribe{1, {{"devices/d/modules/m/#", 1}, {"$iothub/twin/res/#", 0}, {"$iothub/methods/POST/#", 0}}};
    if (subscribed) ignore(packets::encode(subscribe, bytes), "a constant that encodes");
    return bytes;
}

async::Awaitable<> write_pieces(std::shared_ptr<net::Stream> stream, std::string bytes, std::size_t step) {
    for (std::size_t at = 0; at < bytes.size(); at += step) {
        const auto part = bytes.substr(at, step);
        const auto written = co_await stream->write(part);
        if (!written) co_return;
    }
}

// A client's answers must themselves be packets.
async::Awaitable<> read_packets(std::shared_ptr<net::Stream> stream) {
    packets::Decoder decoder({.packet_bytes_max = 10'000'000});
    std::array<std::byte, 4096> buffer;
    for (;;) {
        const auto count = co_await stream->read_some(buffer);
        if (!count || *count == 0) co_return;
        decoder.feed(as_text(std::span<const std::byte>(buffer).first(*count)));
        for (;;) {
            const auto packet = decoder.next();
            if (!packet) std::abort();
            if (!*packet) break;
        }
    }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size == 0) return 0;
    log::start(log::Level::off);
    const std::uint8_t mode = data[0];
    std::string bytes = (mode & 1) != 0 ? opening((mode & 2) != 0) : std::string();
    bytes.append(reinterpret_cast<const char*>(data) + 1, size - 1);

    boost::asio::io_context loop;
    async::VirtualTime time(loop.get_executor(), UtcTime{});
    SeededRandom random(1);
    heads::mqtt::testing::FakeHub hub(loop.get_executor());
    hub.hold_telemetry = (mode & 4) != 0;
    const auto run = [&loop] {
        loop.restart();
        while (loop.poll() > 0) loop.restart();
    };
    auto ends = net::make_stream_pair(loop.get_executor());
    const std::shared_ptr<net::Stream> client = std::move(ends.first);
    bool served = false;
    const auto settings = std::make_shared<const heads::mqtt::MqttSettings>(heads::mqtt::MqttSettings{.packet_bytes_max = 20'000, .inbound_unacked_max = 4, .filters_max = 4});
    async::spawn_root(loop.get_executor(), heads::mqtt::serve_mqtt(std::move(ends.second), hub, time, random, settings),
                      [&] { served = true; });
    async::spawn_root(loop.get_executor(), read_packets(client), [] {});
    async::spawn_root(loop.get_executor(), write_pieces(client, std::move(bytes), 1 + (mode >> 3)), [] {});
    run();
    domain::Message message;
    message.body = "x";
    message.set(domain::SystemProperty::input_name, "in");
    for (hub_api::LockToken token = 1; token < 4; ++token) hub.deliver(hub_api::Feed::inputs, token, message);
    if (const auto sink = hub.sink.lock()) sink->invoke_method("r", {.name = "m", .payload = {}});
    run();
    hub.finish(2);
    run();
    time.advance(std::chrono::seconds(61));
    run();
    client->close();
    hub.finish(1000);
    run();
    hub.finish(1000);
    run();
    if (!served || hub.closed_sessions != hub.sessions) std::abort();
    return 0;
}
