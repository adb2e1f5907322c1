// What a hub sends a device client: twins, patches, methods, C2D and input messages, and packets that nobody should send. First
// byte: whether the hub begins as it should; whether the rest is raw bytes, or publishes as texts (topic, then payload).
//
// Whatever comes, every message that the client took is answered once, every twin request ends, and the client stops.
#include <cstdint>
#include <string>

#include "codec/mqtt/packet.h"
#include "device_client/device_client.h"
#include "rig/input.h"
#include "rig/world.h"

namespace {

using namespace selvage;
using async::Awaitable;
namespace packets = codec::mqtt;

struct Script {
    bool polite = false;          // CONNACK and SUBACK first
    std::string bytes;
};

std::string publishes(std::string_view text) {
    std::string bytes;
    std::uint16_t packet_id = 0;
    for (std::string_view part : fuzz::parts_of(text)) {
        packets::Publish publish;
        const std::string topic(fuzz::take_until(part, '\n'));
        publish.topic = topic;
        publish.payload = part;
        publish.qos = static_cast<std::uint8_t>(part.size() % 2);
        publish.packet_id = publish.qos == 0 ? std::uint16_t{0} : ++packet_id;
        ignore(packets::encode(publish, bytes), "a text that no packet can carry");
    }
    return bytes;
}

// Only the first connection gets the script; later ones are refused.
class ScriptedHub final : public net::Dialer {
public:
    ScriptedHub(async::Executor loop, Script script) : loop_(loop), script_(std::move(script)), connections_(loop) {}
    Awaitable<Result<std::unique_ptr<net::Stream>>> dial(net::Target, std::chrono::milliseconds) override {
        if (std::exchange(dialled_, true)) co_return fail(Errc::unavailable, "nobody listens");
        auto [near, far] = net::make_stream_pair(loop_, 1 << 20);
        connections_.spawn("hub", talk(std::shared_ptr<net::Stream>(std::move(far))));
        co_return std::move(near);
    }
    Awaitable<> stop() { return connections_.stop(); }

private:
    Awaitable<> talk(std::shared_ptr<net::Stream> stream) {
        packets::Decoder decoder;
        std::array<std::byte, 4096> buffer{};
        bool told = false;
        for (;;) {
            const auto count = co_await stream->read_some(buffer);
            if (!count || *count == 0) break;
            decoder.feed({reinterpret_cast<const char*>(buffer.data()), *count});
            std::string answer;
            for (;;) {
                const auto packet = decoder.next();
                SELVAGE_ASSERT(packet);   // what the client writes is well formed
                if (!*packet) break;
                if (script_.polite && std::holds_alternative<packets::Connect>(**packet))
                    ignore(packets::encode(packets::Connack{}, answer), "a constant that encodes");
                if (const auto* subscribe = std::get_if<packets::Subscribe>(&**packet); subscribe != nullptr && script_.polite)
                    ignore(packets::encode(packets::Suback{subscribe->packet_id, std::vector<std::uint8_t>(subscribe->filters.size())}, answer), "");
                const bool ready = !script_.polite || std::holds_alternative<packets::Subscribe>(**packet);
                if (ready && !std::exchange(told, true)) answer += script_.bytes;
            }
            if (answer.empty()) continue;
            const auto written = co_await stream->write(answer);
            if (!written) break;
        }
        stream->close();
    }
    async::Executor loop_;
    Script script_;
    bool dialled_ = false;
    async::TaskGroup connections_;
};

class Tokens final : public device_client::TokenSource {
    Awaitable<Result<std::string>> token(std::string, UtcTime) override { co_return "SharedAccessSignature sr=h&sig=s&se=1"; }
};

struct Owed {
    int sends = 0;
    int requests = 0;
};

Awaitable<> get_twin(device_client::DeviceClient& client, Owed& owed) {
    ++owed.requests;
    ignore(co_await client.get_twin(), "only that it ends");
    ignore(co_await client.patch_reported("{\"a\":1}"), "only that it ends");
    --owed.requests;
}

Awaitable<> live(fuzz::World& world, Script script, domain::Identity identity) {
    ScriptedHub hub(world.loop.get_executor(), std::move(script));
    Tokens tokens;
    Owed owed;
    async::TaskGroup requests(world.loop.get_executor());
    device_client::ClientSettings settings;
    settings.identity = std::move(identity);
    settings.hub_host = "h";
    settings.window = 2;
    device_client::DeviceClient* made = nullptr;
    device_client::Handlers handlers;
    handlers.on_state = [&](device_client::LinkState state, const Error*) {
        if (state != device_client::LinkState::connected) return;
        requests.spawn("twin", get_twin(*made, owed));
        domain::Message message;
        message.body = "x";
        while (made->send(message, [&owed](const Result<>&) { --owed.sends; })) ++owed.sends;
    };
    handlers.on_desired = [](std::int64_t, std::string) {};
    handlers.on_method = [](domain::MethodRequest request) -> Awaitable<domain::MethodResponse> {
        co_return domain::MethodResponse{200, request.payload};
    };
    handlers.on_message = [](domain::Message, std::move_only_function<void()> acknowledge) { acknowledge(); };
    {
        device_client::DeviceClient client(world.loop.get_executor(), world.time, world.random, hub, tokens, settings, std::move(handlers));
        made = &client;
        client.start();
        ignore(co_await world.time.sleep_for(std::chrono::seconds(65)), "nobody cancels this");
        co_await client.stop();
        co_await requests.stop();
        SELVAGE_ASSERT(owed.sends == 0 && owed.requests == 0);
    }
    co_await hub.stop();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size == 0) return 0;
    const auto text = fuzz::text_of(data + 1, size - 1);
    fuzz::World world;
    Script script{.polite = (data[0] & 1) != 0, .bytes = (data[0] & 2) != 0 ? publishes(text) : std::string(text)};
    const auto identity = (data[0] & 4) != 0 ? domain::Identity::of_module("d", "m") : domain::Identity::of_device("d");
    world.run(live(world, std::move(script), identity));
    return 0;
}
