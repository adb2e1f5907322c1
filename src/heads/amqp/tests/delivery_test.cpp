#include "heads/amqp/tests/harness.h"

namespace selvage::heads::amqp {
namespace {

using namespace testing;
using hub_api::Feed;

domain::Message text(std::string body) {
    domain::Message message;
    message.body = std::move(body);
    return message;
}

class AmqpDelivery : public AmqpTest {
public:
    void deliver(Feed feed, hub_api::LockToken token, std::string body = "x") {
        hub.deliver(feed == Feed::inputs ? "d1/m1" : "d1", feed, token, text(std::move(body)));
        clients.back()->exchange();
    }
};

TEST_F(AmqpDelivery, BringsC2dWithA16ByteTagAndItsLock) {
    Client& client = connected("/devices/d1");
    const auto link = client.receiver("/devices/d1/messages/devicebound", 5);
    EXPECT_EQ(hub.take_calls(), (Calls{"authenticate d1", "open d1", "d1 c2d on", "window c2d 5"}));
    domain::Message message = text("hello");
    message.set(domain::SystemProperty::lock_token, "00112233-4455-6677-8899-aabbccddeeff");
    hub.deliver("d1", Feed::c2d, 7, message);
    client.exchange();
    const auto received = client.take(link);
    ASSERT_EQ(received.size(), 1u);
    EXPECT_FALSE(received[0].settled);
    const auto decoded = wire::decode_message(received[0].bytes);
    EXPECT_EQ(decoded->body(), "hello");
    EXPECT_EQ(*wire::find(decoded->message_annotations, "x-opt-lock-token"), wire::Value(std::string("00112233-4455-6677-8899-aabbccddeeff")));
    EXPECT_EQ(*wire::find(decoded->message_annotations, "iothub-deliverycount"), wire::Value(std::uint8_t{1}));
    EXPECT_EQ(decoded->properties.to, "/devices/d1/messages/devicebound");
    EXPECT_EQ(hub.take_calls().front(), "settle 7 completed");
}

TEST_F(AmqpDelivery, PutsTheLockIntoTheTag) {
    Client& client = connected("/devices/d1");
    client.receiver("/devices/d1/messages/devicebound", 5);
    domain::Message message = text("hello");
    message.set(domain::SystemProperty::lock_token, "00112233-4455-6677-8899-aabbccddeeff");
    client.engine_reads = false;
    hub.deliver("d1", Feed::c2d, 7, message);
    settle_down();
    EXPECT_NE(client.raw.find(std::string("\xa0\x10\x33\x22\x11\x00\x55\x44\x77\x66\x88\x99\xaa\xbb\xcc\xdd\xee\xff", 18)), std::string::npos);
    client.raw.clear();
    hub.deliver("d1", Feed::c2d, 8, text("no lock of the hub's"));
    settle_down();
    EXPECT_NE(client.raw.find("\xa0\x10"), std::string::npos);
}

TEST_F(AmqpDelivery, TellsTheHubEachOutcome) {
    Client& client = connected("/devices/d1");
    const auto link = client.receiver("/devices/d1/messages/devicebound", 10);
    const std::pair<wire::Outcome, const char*> rows[] = {{wire::Outcome::accepted, "completed"},
                                                          {wire::Outcome::rejected, "rejected"},
                                                          {wire::Outcome::released, "abandoned"},
                                                          {wire::Outcome::modified, "abandoned"},
                                                          {wire::Outcome::undeliverable, "rejected"},
                                                          {wire::Outcome::none, "abandoned"}};
    hub_api::LockToken token = 0;
    for (const auto& [outcome, name] : rows) {
        deliver(Feed::c2d, ++token);
        const auto received = client.take(link, true);
        ASSERT_EQ(received.size(), 1u);
        hub.take_calls();
        client.engine.settle(received[0].delivery, outcome);
        client.exchange();
        const auto calls = hub.take_calls();
        ASSERT_FALSE(calls.empty());
        EXPECT_EQ(calls[0], "settle " + std::to_string(token) + " " + name);
    }
}

TEST_F(AmqpDelivery, AnswersReceiversThatSettleSecond) {
    Client& client = connected("/devices/d1");
    const auto link = client.receiver("/devices/d1/messages/devicebound", 10, {}, wire::ReceiverSettles::second);
    EXPECT_EQ(client.attached[link].receiver_settles, wire::ReceiverSettles::second);
    hub.lost_locks = {2};
    for (hub_api::LockToken token = 1; token <= 2; ++token) {
        deliver(Feed::c2d, token);
        const auto received = client.take(link, true);
        ASSERT_EQ(received.size(), 1u);
        hub.take_calls();
        client.engine_reads = false;
        client.raw.clear();
        client.engine.propose(received[0].delivery, wire::Outcome::accepted);
        client.exchange();
        const std::string answer = client.raw;
        EXPECT_NE(answer.find(std::string("\0\x53\x15", 3)), std::string::npos) << "a disposition";
        EXPECT_EQ(answer.find("com.microsoft:message-lock-lost") != std::string::npos, token == 2);
        EXPECT_EQ(hub.take_calls().at(0), "settle " + std::to_string(token) + " completed");
        client.engine_reads = true;
        client.exchange();
    }
}

TEST_F(AmqpDelivery, BringsInputsOnTheAddressOfTelemetry) {
    Client& client = connected("/devices/d1/modules/m1");
    client.sender("/devices/d1/modules/m1/messages/events");
    const auto link = client.receiver("/devices/d1/modules/m1/messages/events", 5);
    EXPECT_EQ(hub.take_calls(), (Calls{"authenticate d1/m1", "open d1/m1", "d1/m1 inputs on", "window inputs 5"}));
    domain::Message message = text("in");
    message.set(domain::SystemProperty::input_name, "in1");
    hub.deliver("d1/m1", Feed::inputs, 3, message);
    client.exchange();
    const auto received = client.take(link);
    ASSERT_EQ(received.size(), 1u);
    const auto decoded = wire::decode_message(received[0].bytes);
    EXPECT_EQ(*wire::find(decoded->message_annotations, "x-opt-input-name"), wire::Value(std::string("in1")));
    EXPECT_EQ(hub.take_calls().front(), "settle 3 completed");
}

TEST_F(AmqpDelivery, BringsInputsWhereTheCSdkWaitsForThem) {
    Client& client = connected("/devices/d1/modules/m1");
    const auto link = client.receiver("/devices/d1/modules/m1/messages/devicebound", 5);
    hub.deliver("d1/m1", Feed::inputs, 3, text("in"));
    client.exchange();
    EXPECT_EQ(client.take(link).size(), 1u);
}

TEST_F(AmqpDelivery, NeverExceedsTheCredit) {
    Client& client = connected("/devices/d1");
    const auto link = client.receiver("/devices/d1/messages/devicebound", 2);
    for (hub_api::LockToken token = 1; token <= 4; ++token) deliver(Feed::c2d, token);
    EXPECT_EQ(client.take(link, true).size(), 2u);
    hub.take_calls();
    client.engine.add_credit(link, 1);
    client.exchange();
    EXPECT_EQ(client.take(link, true).size(), 1u);
    EXPECT_EQ(hub.take_calls(), (Calls{"window c2d 3"}));
    client.engine.add_credit(link, 1000);
    client.exchange();
    EXPECT_EQ(client.take(link, true).size(), 1u);
    EXPECT_EQ(hub.take_calls(), (Calls{"window c2d 64"})) << "the settings' bound";
}

TEST_F(AmqpDelivery, GivesTheWindowBackAsItSettles) {
    Client& client = connected("/devices/d1");
    const auto link = client.receiver("/devices/d1/messages/devicebound", 2);
    deliver(Feed::c2d, 1);
    hub.take_calls();
    client.take(link);
    EXPECT_EQ(hub.take_calls(), (Calls{"settle 1 completed", "window c2d 1"}));
}

TEST_F(AmqpDelivery, GoesBackWhenTheLinkGoesAndTheSessionStays) {
    Client& client = connected("/devices/d1");
    client.sender("/devices/d1/messages/events");
    const auto link = client.receiver("/devices/d1/messages/devicebound", 1);
    deliver(Feed::c2d, 1);
    deliver(Feed::c2d, 2);
    hub.take_calls();
    client.engine.detach(link, {});
    client.exchange();
    auto calls = hub.take_calls();
    std::sort(calls.begin(), calls.end());
    EXPECT_EQ(calls, (Calls{"d1 c2d off", "settle 1 abandoned", "settle 2 abandoned", "window c2d 0"}));
    deliver(Feed::c2d, 3);
    EXPECT_EQ(hub.take_calls(), (Calls{"settle 3 abandoned"})) << "it was on its way";
    client.receiver("/devices/d1/messages/devicebound", 1);
    EXPECT_EQ(hub.take_calls(), (Calls{"d1 c2d on", "window c2d 1"}));
}

TEST_F(AmqpDelivery, IsHeldBackByASlowReaderAndNotDropped) {
    Client& client = connected("/devices/d1");
    client.receiver("/devices/d1/messages/devicebound", 60);
    client.engine_reads = false;
    client.reading = false;
    for (hub_api::LockToken token = 1; token <= 60; ++token) hub.deliver("d1", Feed::c2d, token, text(std::string(60'000, 'x')));
    settle_down();
    EXPECT_FALSE(client.served);
    advance(120s, 10s);
    EXPECT_TRUE(client.served) << "but a reader that never reads on is";
}

}  // namespace
}  // namespace selvage::heads::amqp
