#include "heads/amqp/tests/harness.h"

namespace selvage::heads::amqp {
namespace {

using namespace testing;

class AmqpLinks : public AmqpTest {
public:
    static std::vector<std::pair<std::string, std::string>> pair(std::string id) { return {{"com.microsoft:channel-correlation-id", std::move(id)}}; }
};

TEST_F(AmqpLinks, ShareOneSessionOfTheirIdentity) {
    Client& client = connected("/devices/d1");
    const auto telemetry = client.sender("/devices/d1/messages/events");
    const auto twin = client.sender("/devices/d1/twin");
    client.receiver("/devices/d1/twin");
    client.receiver("/devices/d1/messages/devicebound", 0);
    EXPECT_EQ(hub.sessions, 1);
    EXPECT_EQ(hub.take_calls(), (Calls{"authenticate d1", "open d1", "d1 c2d on"}));
    client.engine.detach(telemetry, {});
    client.engine.detach(twin, {});
    client.exchange();
    EXPECT_EQ(hub.closed_sessions, 0);
    client.close_stream();
    EXPECT_EQ(hub.closed_sessions, 1);
}

// As gateways do it: one connection, an AMQP session and links for each device.
TEST_F(AmqpLinks, OfAHundredDevicesShareAConnection) {
    constexpr int kDevices = 100;
    Client& client = dial().open();
    std::vector<wire::LinkId> senders, receivers;
    const auto name = [](int i) { return "d" + std::to_string(i); };
    for (int i = 0; i < kDevices; ++i) {
        const std::string path = "/devices/" + name(i);
        ASSERT_EQ(client.put_token(token_for(path)), 200);
        client.session = client.engine.begin();
        senders.push_back(client.sender(path + "/messages/events"));
        receivers.push_back(client.receiver(path + "/messages/devicebound", 5));
    }
    EXPECT_EQ(hub.sessions, kDevices);
    std::vector<wire::DeliveryId> sent;
    for (int i = 0; i < kDevices; ++i) {
        sent.push_back(client.send(senders[static_cast<std::size_t>(i)], message_of(name(i))));
        domain::Message message;
        message.body = "for " + name(i);
        hub.deliver(name(i), hub_api::Feed::c2d, 1, message);
    }
    client.exchange();
    EXPECT_EQ(hub.telemetry.size(), std::size_t{kDevices});
    for (int i = 0; i < kDevices; ++i) {
        EXPECT_EQ(client.outcome(sent[static_cast<std::size_t>(i)]), "accepted") << i;
        const auto received = client.take(receivers[static_cast<std::size_t>(i)]);
        ASSERT_EQ(received.size(), 1u) << i;
        EXPECT_EQ(wire::decode_message(received[0].bytes)->body(), "for " + name(i));
    }
    // One that goes takes nobody along.
    hub.sinks.at("d7").lock()->close(hub_api::CloseReason::identity_removed);
    client.exchange();
    EXPECT_EQ(client.end_of(senders[7]), "amqp:not-found");
    for (const std::size_t other : {0u, 6u, 8u, 99u}) {
        EXPECT_EQ(client.end_of(senders[other]), "");
        EXPECT_EQ(client.outcome(client.send(senders[other], message_of("still here"))), "accepted");
    }
    EXPECT_EQ(hub.closed_sessions, 1);
}

TEST_F(AmqpLinks, EndTheSessionWithTheLastAndOpenItAgain) {
    Client& client = connected("/devices/d1");
    const auto link = client.sender("/devices/d1/messages/events");
    client.engine.detach(link, {});
    client.exchange();
    EXPECT_EQ(hub.closed_sessions, 1);
    EXPECT_FALSE(client.closed) << "others may share the connection";
    EXPECT_EQ(client.end_of(client.sender("/devices/d1/messages/events")), "");
    EXPECT_EQ(hub.sessions, 2);
}

TEST_F(AmqpLinks, AreRefusedAtUnknownAddresses) {
    Client& client = connected("/devices/d1");
    for (const char* address : {"/devices/d1/nowhere", "", "/", "/devices/d1/messages/devicebound", "$management"})
        EXPECT_EQ(client.end_of(client.sender(address)), "amqp:not-found") << address;
    for (const char* address : {"/devices/d1/messages/events", "/devices/d1", "/servicebound/feedback"})
        EXPECT_EQ(client.end_of(client.receiver(address)), "amqp:not-found") << address;
    EXPECT_EQ(hub.sessions, 0);
    EXPECT_FALSE(client.connection_end);
}

TEST_F(AmqpLinks, AreRefusedForOthers) {
    Client& client = connected("/devices/d1");
    for (const char* address : {"/devices/d2/messages/events", "/devices/d1/modules/m1/messages/events", "/devices/d2/twin"})
        EXPECT_EQ(client.end_of(client.sender(address)), "amqp:unauthorized-access") << address;
}

TEST_F(AmqpLinks, AreRefusedAsTheHubSays) {
    Client& client = connected("/devices/d1");
    hub.open_refusal = Error{Errc::quota_exceeded, "too many clients"};
    EXPECT_EQ(client.end_of(client.sender("/devices/d1/messages/events")), "amqp:resource-limit-exceeded");
    hub.open_refusal.reset();
    hub.subscribe_error = Error{Errc::unavailable, ""};
    EXPECT_EQ(client.end_of(client.receiver("/devices/d1/messages/devicebound")), "amqp:link:detach-forced");
    EXPECT_EQ(hub.closed_sessions, 1) << "it had no other link";
    hub.refusal = Error{Errc::device_disabled, ""};
    EXPECT_EQ(client.end_of(client.sender("/devices/d1/messages/events")), "amqp:unauthorized-access");
}

TEST_F(AmqpLinks, AreReplacedByNewerOnesOfTheirKind) {
    Client& client = connected("/devices/d1");
    const auto first = client.sender("/devices/d1/messages/events");
    const auto second = client.sender("/devices/d1/messages/events");
    EXPECT_EQ(client.end_of(first), "amqp:link:stolen");
    EXPECT_EQ(client.end_of(second), "");
    EXPECT_EQ(client.outcome(client.send(second, message_of("x"))), "accepted");
    const auto c2d = client.receiver("/devices/d1/messages/devicebound", 1);
    hub.take_calls();
    const auto newer = client.receiver("/devices/d1/messages/devicebound", 1);
    EXPECT_EQ(client.end_of(c2d), "amqp:link:stolen");
    hub.deliver("d1", hub_api::Feed::c2d, 5, {});
    client.exchange();
    EXPECT_EQ(client.take(newer).size(), 1u);
    EXPECT_EQ(hub.sessions, 1);
}

TEST_F(AmqpLinks, OfTwinsGoTogetherByTheirId) {
    Client& client = connected("/devices/d1");
    const auto out = client.sender("/devices/d1/twin", pair("twin:a"));
    const auto in = client.receiver("/devices/d1/twin", 1, pair("twin:a"));
    EXPECT_EQ(client.end_of(out), "");
    const auto other = client.receiver("/devices/d1/twin", 1, pair("twin:b"));
    EXPECT_EQ(client.end_of(in), "amqp:link:stolen");
    EXPECT_EQ(client.end_of(out), "amqp:link:stolen") << "it belongs to another pair";
    EXPECT_EQ(client.end_of(other), "");
    const auto methods_out = client.sender("/devices/d1/methods/devicebound", pair("d1"));
    const auto methods_in = client.receiver("/devices/d1/methods/devicebound", 1, pair("other text without a colon"));
    EXPECT_EQ(client.end_of(methods_out), "") << "no colon, no id";
    EXPECT_EQ(client.end_of(methods_in), "");
}

TEST_F(AmqpLinks, OfSeveralSessionsMayHaveTheSameName) {
    Client& client = connected("/devices/d1");
    client.authenticated("/devices/d2");
    const auto first = client.engine.attach(client.session, {.name = "TelemetrySenderLink", .direction = wire::Direction::outgoing, .source = "d1", .target = "/devices/d1/messages/events"});
    const auto session = client.engine.begin();
    const auto second = client.engine.attach(session, {.name = "TelemetrySenderLink", .direction = wire::Direction::outgoing, .source = "d2", .target = "/devices/d2/messages/events"});
    client.exchange();
    EXPECT_EQ(client.outcome(client.send(first, message_of("1"))), "accepted");
    EXPECT_EQ(client.outcome(client.send(second, message_of("2"))), "accepted");
}

TEST_F(AmqpLinks, EndWhenAnotherConnectionTakesOver) {
    Client& older = connected("/devices/d1");
    const auto link = older.sender("/devices/d1/messages/events");
    older.authenticated("/devices/d2");
    const auto other = older.sender("/devices/d2/messages/events");
    Client& newer = connected("/devices/d1");
    const auto taken = newer.sender("/devices/d1/messages/events");
    older.exchange();
    EXPECT_EQ(older.end_of(link), "amqp:link:stolen");
    EXPECT_EQ(older.end_of(other), "");
    EXPECT_EQ(newer.outcome(newer.send(taken, message_of("x"))), "accepted");
    EXPECT_EQ(hub.closed_sessions, 1);
}

TEST_F(AmqpLinks, EndWhenTheHubSaysSo) {
    const std::pair<hub_api::CloseReason, const char*> rows[] = {{hub_api::CloseReason::identity_removed, "amqp:not-found"},
                                                                 {hub_api::CloseReason::identity_disabled, "amqp:unauthorized-access"},
                                                                 {hub_api::CloseReason::shutting_down, "amqp:link:detach-forced"}};
    for (const auto& [reason, condition] : rows) {
        Client& client = connected("/devices/d1");
        const auto out = client.sender("/devices/d1/messages/events");
        const auto in = client.receiver("/devices/d1/messages/devicebound");
        hub.sinks["d1"].lock()->close(reason);
        client.exchange();
        EXPECT_EQ(client.end_of(out), condition);
        EXPECT_EQ(client.end_of(in), condition);
        const bool revoked = reason != hub_api::CloseReason::shutting_down;
        EXPECT_EQ(client.end_of(client.sender("/devices/d1/messages/events")), revoked ? "amqp:unauthorized-access" : "") << "its token went with it";
        client.close_stream();
    }
}

TEST_F(AmqpLinks, ThatGoWhileTheHubThinksLeaveNothingBehind) {
    Client& client = connected("/devices/d1");
    hub.gate.reset();
    const auto link = client.sender("/devices/d1/messages/events");
    client.engine.detach(link, {});
    client.exchange();
    hub.gate.set();
    client.exchange();
    EXPECT_EQ(hub.sessions, hub.closed_sessions);
    EXPECT_FALSE(client.connection_end);
}

TEST_F(AmqpLinks, AreBoundedUntilSomebodyIsKnown) {
    Client& client = dial({.strange_links_max = 4, .links_max = 8}).open();
    for (int i = 0; i < 4; ++i) client.engine.attach(client.session, {.name = std::to_string(i), .direction = wire::Direction::outgoing, .source = "x", .target = "$cbs"});
    client.exchange();
    EXPECT_FALSE(client.connection_end);
    client.sender("$cbs");
    EXPECT_EQ(client.connection_end->name, "amqp:resource-limit-exceeded");
    Client& known = dial({.strange_links_max = 4, .links_max = 8}).open().authenticated("/devices/d1");
    for (int i = 0; i < 6; ++i) known.sender("$cbs");
    EXPECT_FALSE(known.connection_end);
    known.sender("$cbs");
    EXPECT_EQ(known.connection_end->name, "amqp:resource-limit-exceeded");
}

TEST_F(AmqpLinks, EndWithTheirAmqpSession) {
    Client& client = connected("/devices/d1");
    client.session = client.engine.begin();
    client.sender("/devices/d1/messages/events");
    // An end by hand: the engine has no call for it.
    client.send_bytes(std::string("\0\0\0\x0c\2\0\0\1\0\x53\x17\x45", 12));
    EXPECT_EQ(hub.closed_sessions, 1);
}

}  // namespace
}  // namespace selvage::heads::amqp
