// Connections to the head over streams in memory, in virtual time, driven by engines of the client's role: every call runs
// the loop until nothing is left to do.
#pragma once

#include <boost/asio/io_context.hpp>
#include <gtest/gtest.h>

#include <algorithm>
#include <map>

#include "async/task_group.h"
#include "base/encoding.h"
#include "base/time_text.h"
#include "codec/amqp/engine.h"
#include "codec/amqp/message.h"
#include "codec/hub_amqp/hub_amqp.h"
#include "heads/amqp/amqp_head.h"
#include "heads/amqp/tests/fake_hub.h"

namespace selvage::heads::amqp::testing {

namespace wire = codec::amqp;
using namespace std::chrono_literals;
using Calls = std::vector<std::string>;

class AmqpTest;

inline std::string token_for(std::string_view path, std::string_view signature = "good", std::string_view policy = {}) {
    std::string token = "SharedAccessSignature sr=" + percent_encode("h.net" + std::string(path)) + "&sig=" + std::string(signature) + "&se=4102444800";
    if (!policy.empty()) token += "&skn=" + std::string(policy);
    return token;
}

// One client's end.
class Client {
public:
    Client(AmqpTest& test, AmqpSettings settings, wire::EngineSettings own = {.container_id = "test"});

    // Raw bytes, instead of the engine.
    void send_bytes(std::string bytes);
    // Lets both sides say all that they have to say.
    void exchange();
    // Opens the connection and a session.
    Client& open();
    // Attaches and gives the link; `refused` is set when the head said no.
    wire::LinkId sender(std::string address, std::vector<std::pair<std::string, std::string>> properties = {});
    wire::LinkId receiver(std::string address, std::uint32_t credit = 10, std::vector<std::pair<std::string, std::string>> properties = {},
                          wire::ReceiverSettles settles = wire::ReceiverSettles::first);
    // The condition with which a link was ended; empty while it lives.
    std::string end_of(wire::LinkId link) const { return ended.contains(link) ? ended.at(link).name : ""; }

    wire::DeliveryId send(wire::LinkId link, const wire::Message& message, bool settled = false);
    wire::DeliveryId send_raw(wire::LinkId link, std::string_view bytes);
    // "accepted", or the condition of a rejection; "none" so far.
    std::string outcome(wire::DeliveryId delivery) const;
    // Messages that came on a link since the last call; settled as accepted unless `keep`.
    struct Received {
        std::string bytes;
        wire::DeliveryId delivery;
        bool settled;
    };
    std::vector<Received> take(wire::LinkId link, bool keep = false);

    // Puts a token; the status of the answer, 0 if none came.
    int put_token(std::string token, wire::MessageId id = std::string("t"));
    // A device or module with a proven token.
    Client& authenticated(std::string_view path) {
        EXPECT_EQ(put_token(token_for(path)), 200);
        return *this;
    }
    void close_stream();

    AmqpTest& test;
    std::shared_ptr<net::Stream> stream;
    wire::Engine engine;
    wire::SessionId session{};
    std::string raw;                 // received and not given to the engine
    bool engine_reads = true;
    bool reading = true;
    bool closed = false;             // the head closed the stream
    bool served = false;             // serve_amqp has returned
    std::optional<wire::Condition> connection_end;
    std::map<wire::LinkId, wire::LinkSpec> attached;
    std::map<wire::LinkId, wire::Condition> ended;
    std::map<wire::DeliveryId, wire::OutcomeKnown> outcomes;
    std::map<wire::LinkId, std::vector<Received>> received;
    std::optional<wire::LinkId> cbs_out, cbs_in;
    wire::MessageId last_cbs_id;
    std::string last_cbs_description;
    int links = 0;

private:
    void take_events();
};

class AmqpTest : public ::testing::Test {
public:
    boost::asio::io_context loop;
    async::VirtualTime time{loop.get_executor(), from_iso8601("2026-01-01T00:00:00Z").value()};
    SeededRandom random{1};
    FakeHub hub{loop.get_executor()};
    std::vector<std::unique_ptr<Client>> clients;

    void settle_down() {
        loop.restart();
        while (loop.poll() > 0) loop.restart();
    }
    Client& dial(AmqpSettings settings = {}, wire::EngineSettings own = {.container_id = "test"}) {
        clients.push_back(std::make_unique<Client>(*this, settings, own));
        return *clients.back();
    }
    // A client of one identity, past its token.
    Client& connected(std::string_view path, AmqpSettings settings = {}) {
        Client& client = dial(settings).open().authenticated(path);
        hub.take_calls();
        return client;
    }
    void advance(std::chrono::seconds by, std::chrono::seconds step = 1s) {
        for (; by.count() > 0; by -= step) {
            time.advance(std::min(by, step));
            settle_down();
        }
    }
    // As above; each client answers in between.
    void live(std::chrono::seconds by, std::chrono::seconds step) {
        for (; by.count() > 0; by -= step) {
            advance(std::min(by, step), step);
            for (auto& client : clients) {
                client->engine.tick(time.now());
                client->exchange();
            }
        }
    }
    void TearDown() override {
        hub.gate.set();
        for (auto& client : clients) client->close_stream();
        hub.hold_telemetry = false;
        hub.finish(1000);
        settle_down();
        for (auto& client : clients) EXPECT_TRUE(client->served) << "a connection did not end with its stream";
        EXPECT_EQ(hub.closed_sessions, hub.sessions);
    }
};

inline Awaitable<> read_all(Client& client) {
    std::array<std::byte, 4096> buffer;
    while (client.reading) {
        const auto stream = client.stream;
        const auto count = co_await stream->read_some(buffer);
        if (!count || *count == 0) {
            client.closed = true;
            co_return;
        }
        client.raw += as_text(std::span<const std::byte>(buffer).first(*count));
    }
}
inline Awaitable<> write_all(std::shared_ptr<net::Stream> stream, std::string bytes) {
    ignore(co_await stream->write(bytes), "the head may have closed");
}

inline Client::Client(AmqpTest& t, AmqpSettings settings, wire::EngineSettings own) : test(t), engine(wire::Role::client, std::move(own)) {
    auto ends = net::make_stream_pair(test.loop.get_executor());
    stream = std::move(ends.first);
    async::spawn_root(test.loop.get_executor(),
                      serve_amqp(std::move(ends.second), test.hub, test.time, test.random, settings, "amqp"),
                      [this] { served = true; });
    async::spawn_root(test.loop.get_executor(), read_all(*this), [] {});
    test.settle_down();
}
inline void Client::send_bytes(std::string bytes) {
    async::spawn_root(test.loop.get_executor(), write_all(stream, std::move(bytes)), [] {});
    test.settle_down();
}
inline void Client::exchange() {
    for (;;) {
        test.settle_down();
        if (engine_reads) engine.receive(std::exchange(raw, {}));
        take_events();
        std::string out;
        engine.take_output(out);
        take_events();
        if (out.empty() && (raw.empty() || !engine_reads)) return;
        if (!out.empty()) send_bytes(std::move(out));
    }
}
inline void Client::take_events() {
    while (auto event = engine.next_event()) {
        if (auto* link = std::get_if<wire::LinkAttached>(&*event)) attached[link->link] = link->spec;
        else if (auto* gone = std::get_if<wire::LinkDetached>(&*event)) ended[gone->link] = gone->error;
        else if (auto* known = std::get_if<wire::OutcomeKnown>(&*event)) outcomes[known->delivery] = *known;
        else if (auto* arrived = std::get_if<wire::MessageArrived>(&*event)) received[arrived->link].push_back({arrived->bytes, arrived->delivery, arrived->settled});
        else if (auto* end = std::get_if<wire::ConnectionClosed>(&*event)) connection_end = end->error;
    }
}
inline Client& Client::open() {
    engine.open();
    session = engine.begin();
    exchange();
    return *this;
}
inline wire::LinkId Client::sender(std::string address, std::vector<std::pair<std::string, std::string>> properties) {
    const auto link = engine.attach(session, {.name = "s" + std::to_string(++links), .direction = wire::Direction::outgoing, .source = "me", .target = std::move(address), .properties = std::move(properties)});
    exchange();
    return link;
}
inline wire::LinkId Client::receiver(std::string address, std::uint32_t credit, std::vector<std::pair<std::string, std::string>> properties, wire::ReceiverSettles settles) {
    const auto link = engine.attach(session, {.name = "r" + std::to_string(++links), .direction = wire::Direction::incoming, .source = std::move(address), .target = "me", .receiver_settles = settles, .properties = std::move(properties)});
    engine.add_credit(link, credit);
    exchange();
    return link;
}
inline wire::DeliveryId Client::send_raw(wire::LinkId link, std::string_view bytes) {
    const auto delivery = engine.send(link, "tag", bytes, false);
    exchange();
    EXPECT_TRUE(delivery);
    return delivery.value_or(wire::DeliveryId{});
}
inline wire::DeliveryId Client::send(wire::LinkId link, const wire::Message& message, bool settled) {
    const auto delivery = engine.send(link, "tag", wire::encode_message(message), settled);
    exchange();
    return delivery.value_or(wire::DeliveryId{});
}
inline std::string Client::outcome(wire::DeliveryId delivery) const {
    const auto found = outcomes.find(delivery);
    if (found == outcomes.end()) return "none";
    constexpr const char* kNames[] = {"unknown", "accepted", "rejected", "released", "modified", "undeliverable"};
    if (found->second.outcome == wire::Outcome::rejected) return found->second.error.name;
    return kNames[static_cast<std::size_t>(found->second.outcome)];
}
inline std::vector<Client::Received> Client::take(wire::LinkId link, bool keep) {
    auto messages = std::exchange(received[link], {});
    for (const auto& one : messages)
        if (!keep && !one.settled) engine.settle(one.delivery, wire::Outcome::accepted);
    exchange();
    return messages;
}
inline int Client::put_token(std::string token, wire::MessageId id) {
    if (!cbs_out) cbs_out = sender("$cbs");
    if (!cbs_in) cbs_in = receiver("$cbs", 100);
    wire::Message message;
    message.properties.message_id = std::move(id);
    message.application_properties = {{"operation", std::string("put-token")}, {"type", std::string("servicebus.windows.net:sastoken")}, {"name", std::string("x")}};
    message.value = std::move(token);
    EXPECT_EQ(outcome(send(*cbs_out, message)), "accepted");
    const auto answers = take(*cbs_in);
    if (answers.empty()) return 0;
    const auto answer = wire::decode_message(answers.back().bytes);
    EXPECT_TRUE(answer);
    last_cbs_id = answer->properties.correlation_id;
    last_cbs_description = std::get<std::string>(*wire::find(answer->application_properties, "status-description"));
    return std::get<std::int32_t>(*wire::find(answer->application_properties, "status-code"));
}
inline void Client::close_stream() {
    stream->close();
    test.settle_down();
}

inline wire::Message message_of(std::string_view body) {
    wire::Message message;
    message.data = {body};
    return message;
}

}  // namespace selvage::heads::amqp::testing
