#include "heads/amqp/tests/harness.h"

namespace selvage::heads::amqp {
namespace {

using namespace testing;

class AmqpLifetime : public AmqpTest {
public:
    // Five tokens, one after the other, to a hub that thinks.
    void send_tokens(Client& client) {
        hub.gate.reset();
        for (int i = 0; i < 5; ++i) {
            wire::Message message;
            message.properties.message_id = std::uint64_t{1};
            message.application_properties = {{"operation", std::string("put-token")}, {"type", std::string("x:sastoken")}};
            message.value = token_for("/devices/d" + std::to_string(i));
            client.send(*client.cbs_out, message);
        }
    }
};

TEST_F(AmqpLifetime, EndsInOrderWhenTheClientCloses) {
    Client& client = connected("/devices/d1");
    client.sender("/devices/d1/messages/events");
    client.engine.close({});
    client.exchange();
    EXPECT_TRUE(client.connection_end);
    EXPECT_TRUE(client.closed);
    EXPECT_TRUE(client.served);
    EXPECT_EQ(hub.closed_sessions, 1);
}

TEST_F(AmqpLifetime, KeepsAnIdleClientAliveAndDropsASilentOne) {
    Client& client = dial({}, {.container_id = "test", .idle_time_out = 20s}).open().authenticated("/devices/d1");
    client.raw.clear();
    client.engine_reads = false;
    advance(11s);
    EXPECT_EQ(client.raw, std::string("\0\0\0\x08\2\0\0\0", 8)) << "an empty frame in time";
    advance(100s);
    EXPECT_EQ(client.raw.size(), 8u * 11u);
    EXPECT_FALSE(client.closed);
    advance(480s, 10s);
    EXPECT_TRUE(client.closed) << "nothing was heard for twice 240 seconds";
}

TEST_F(AmqpLifetime, LetsAQuietClientLiveThatSendsEmptyFrames) {
    Client& client = connected("/devices/d1");
    const auto link = client.sender("/devices/d1/messages/events");
    live(3600s, 60s);
    EXPECT_FALSE(client.closed);
    EXPECT_EQ(client.outcome(client.send(link, message_of("x"))), "accepted");
}

TEST_F(AmqpLifetime, EndsForAClientThatDoesNotReadItsAnswers) {
    hub.twin = std::string(60'000, 'x');
    Client& client = connected("/devices/d1", {.outbound_bytes_max = 200'000});
    const auto out = client.sender("/devices/d1/twin");
    client.receiver("/devices/d1/twin", 1000);
    wire::Message get = message_of("");
    get.message_annotations = {{"operation", std::string("GET")}};
    client.reading = false;
    client.engine_reads = false;
    for (int i = 0; i < 200; ++i) client.send(out, get, true);
    advance(120s, 10s);
    EXPECT_TRUE(client.served);
}

// The owner of connections cancels them when the server stops.
TEST_F(AmqpLifetime, EndsWhenItsOwnerStops) {
    async::TaskGroup owner(loop.get_executor());
    std::vector<std::shared_ptr<net::Stream>> streams;
    for (const std::string& bytes : {std::string(), std::string("AMQP\3\1\0\0", 8), std::string("AMQP\0\1\0\0\0\0\0\x11\2\0\0\0\0\x53\x10\xc0\4\1\xa1\1c", 25)}) {
        auto ends = net::make_stream_pair(loop.get_executor());
        owner.spawn("served", serve_amqp(std::move(ends.second), hub, time, random, {}, "amqp"));
        streams.push_back(std::move(ends.first));
        async::spawn_root(loop.get_executor(), write_all(streams.back(), bytes), [] {});
    }
    settle_down();
    bool stopped = false;
    async::spawn_root(loop.get_executor(), owner.stop(), [&] { stopped = true; });
    settle_down();
    EXPECT_TRUE(stopped);
}

TEST_F(AmqpLifetime, EndsWhileTheHubThinks) {
    Client& client = connected("/devices/d1");
    hub.gate.reset();
    client.sender("/devices/d1/messages/events");
    client.put_token(token_for("/devices/d2"));
    client.close_stream();
    settle_down();
    EXPECT_TRUE(client.served);
}

TEST_F(AmqpLifetime, GivesUpWaitingForTheHub) {
    Client& client = connected("/devices/d1");
    hub.gate.reset();
    EXPECT_EQ(client.put_token(token_for("/devices/d2")), 0);
    live(61s, 1s);
    EXPECT_EQ(client.take(*client.cbs_in).size(), 1u);
}

TEST_F(AmqpLifetime, PausesReadingWhileTooManyRequestsOfAStrangerWait) {
    Client& client = dial({.strange_requests_max = 2}).open();
    client.cbs_out = client.sender("$cbs");
    client.cbs_in = client.receiver("$cbs", 100);
    send_tokens(client);
    EXPECT_EQ(hub.take_calls().size(), 2u);
    hub.gate.set();
    client.exchange();
    EXPECT_EQ(client.take(*client.cbs_in).size(), 5u);
}

TEST_F(AmqpLifetime, PausesReadingWhileTooManyRequestsWait) {
    Client& client = connected("/devices/d1", {.requests_max = 2});
    send_tokens(client);
    EXPECT_EQ(hub.take_calls().size(), 2u);
    hub.gate.set();
    client.exchange();
    EXPECT_EQ(client.take(*client.cbs_in).size(), 5u);
}

}  // namespace
}  // namespace selvage::heads::amqp
