#include "device_client/tests/fake_hub.h"

#include "base/encoding.h"

namespace selvage::device_client::testing {

using namespace codec;

Awaitable<Result<std::unique_ptr<net::Stream>>> FakeHub::dial(net::Target target, std::chrono::milliseconds) {
    targets.push_back(std::move(target));
    if (!reachable) co_return fail(Errc::unavailable, "nobody listens");
    auto pair = net::make_stream_pair(loop_.get_executor());
    auto end = std::make_shared<HubEnd>();
    end->stream = std::move(pair.second);
    ends.push_back(end);
    tasks_.spawn("fake hub", serve(end));
    co_return std::move(pair.first);
}

Awaitable<> FakeHub::serve(std::shared_ptr<HubEnd> end) {
    mqtt::Decoder decoder;
    std::vector<std::byte> buffer(65536);
    for (;;) {
        const auto count = co_await end->stream->read_some(buffer);
        if (!count || *count == 0) break;
        ++end->reads;
        decoder.feed(as_text(std::span(buffer).first(*count)));
        for (;;) {
            auto packet = decoder.next();
            EXPECT_TRUE(packet.has_value()) << packet.error().detail;
            if (!packet || !*packet) break;
            handle(*end, **packet);
        }
    }
    end->closed = true;
    end->stream->close();
}

void FakeHub::handle(HubEnd& end, const mqtt::Packet& packet) {
    if (const auto* connect = std::get_if<mqtt::Connect>(&packet)) {
        end.connect = *connect;
        send(end, mqtt::Connack{.code = connect_code});
    } else if (const auto* subscribe = std::get_if<mqtt::Subscribe>(&packet)) {
        end.filters = subscribe->filters;
        send(end, mqtt::Suback{subscribe->packet_id, std::vector<std::uint8_t>(subscribe->filters.size(), suback_code)});
    } else if (const auto* publish = std::get_if<mqtt::Publish>(&packet)) {
        const Published read{std::string(publish->topic), std::string(publish->payload), publish->packet_id, publish->qos};
        end.published.push_back(read);
        if (on_publish)
            on_publish(end, read);
        else if (read.qos == 1)
            send(end, mqtt::Puback{read.packet_id});
    } else if (const auto* puback = std::get_if<mqtt::Puback>(&packet)) {
        end.acknowledged.push_back(puback->packet_id);
    } else if (std::holds_alternative<mqtt::Pingreq>(packet)) {
        ++end.pings;
        if (answers_pings) send(end, mqtt::Pingresp{});
    } else if (std::holds_alternative<mqtt::Disconnect>(packet)) {
        end.said_goodbye = true;
    } else {
        ADD_FAILURE() << "a packet that clients do not send";
    }
}

void FakeHub::send(HubEnd& end, const mqtt::Packet& packet) {
    std::string bytes;
    ASSERT_TRUE(mqtt::encode(packet, bytes).has_value());
    tasks_.spawn("fake hub write", write(end.stream, std::move(bytes)));
}

Awaitable<> FakeHub::write(std::shared_ptr<net::Stream> stream, std::string bytes) {
    ignore(co_await stream->write(bytes), "the client may be gone");
}

Awaitable<> FakeHub::stop() { co_await tasks_.stop(); }

Awaitable<Result<std::string>> CountedTokens::token(std::string resource, UtcTime expires) {
    resources.push_back(std::move(resource));
    expiries.push_back(expires);
    if (broken) co_return fail(Errc::unavailable, "the signer is away");
    co_return "token " + std::to_string(resources.size());
}

World::World() : time(loop.get_executor(), UtcTime(std::chrono::seconds(1'700'000'000))), hub(loop) {
    settings.identity = domain::Identity::of_module("d1", "m1");
    settings.hub_host = "hub.example";
    settings.target.host = "gateway";
    settings.target.port = 8883;
}

World::~World() {
    const auto end = [this]() -> Awaitable<> {
        if (client) co_await client->stop();
        co_await hub.stop();
    };
    async::testing::run(loop, end());
    client.reset();
    settle();
}

void World::settle() {
    loop.restart();
    loop.poll();
}

void World::pass(Duration duration) {
    settle();
    const auto end = time.now() + duration;
    for (auto next = time.next_wake(); next && *next <= end; next = time.next_wake()) {
        time.advance(*next - time.now());
        settle();
    }
    time.advance(end - time.now());
    settle();
}

void World::start(Handlers handlers) {
    if (!handlers.on_state)
        handlers.on_state = [this](LinkState state, const Error* why) {
            states.push_back(state);
            if (why != nullptr) losses.push_back(*why);
        };
    client = std::make_unique<DeviceClient>(loop.get_executor(), time, random, hub, tokens, settings, std::move(handlers));
    client->start();
    settle();
}

domain::Message message(std::string body) {
    domain::Message made;
    made.body = std::move(body);
    return made;
}

}  // namespace selvage::device_client::testing
