#include <boost/asio/post.hpp>

#include "heads/amqp/tests/harness.h"

namespace selvage::heads::amqp {
namespace {

using namespace testing;

class AmqpTelemetry : public AmqpTest {};

TEST_F(AmqpTelemetry, IsAcceptedOnceItIsDurable) {
    hub.hold_telemetry = true;
    Client& client = connected("/devices/d1");
    const auto link = client.sender("/devices/d1/messages/events", {{"com.microsoft:client-version", "sdk/1"}, {"com.microsoft:model-id", "dtmi:x;1"}});
    EXPECT_EQ(hub.info.product_info, "sdk/1");
    EXPECT_EQ(hub.info.model_id, "dtmi:x;1");
    EXPECT_EQ(hub.info.protocol, "amqp");
    EXPECT_EQ(client.attached[link].message_bytes_max, 1u << 20);
    EXPECT_EQ(client.attached[link].target, "/devices/d1/messages/events");
    wire::Message message = message_of("hello");
    message.application_properties = {{"k", std::string("v")}};
    message.properties.message_id = std::string("m");
    const auto first = client.send(link, message);
    const auto second = client.send(link, message_of("more"));
    EXPECT_EQ(client.outcome(first), "none");
    ASSERT_EQ(hub.telemetry.size(), 2u);
    EXPECT_EQ(hub.telemetry[0].body, "hello");
    EXPECT_EQ(hub.telemetry[0].properties, (std::vector<domain::Property>{{"k", "v"}}));
    EXPECT_EQ(hub.telemetry[0].get(domain::SystemProperty::message_id), "m");
    hub.finish(1);
    client.exchange();
    EXPECT_EQ(client.outcome(first), "accepted");
    EXPECT_EQ(client.outcome(second), "none");
    hub.finish(1);
    client.exchange();
    EXPECT_EQ(client.outcome(second), "accepted");
}

TEST_F(AmqpTelemetry, OfModulesNamesItsOutput) {
    Client& client = connected("/devices/d1/modules/m1");
    const auto link = client.sender("amqps://h.net/devices/d1/modules/m1/messages/events");
    wire::Message message = message_of("x");
    message.application_properties = {{"iothub-outputname", std::string("out1")}};
    EXPECT_EQ(client.outcome(client.send(link, message)), "accepted");
    EXPECT_EQ(hub.telemetry.at(0).get(domain::SystemProperty::output_name), "out1");
}

TEST_F(AmqpTelemetry, IsRejectedWithTheReason) {
    Client& client = connected("/devices/d1");
    const auto link = client.sender("/devices/d1/messages/events");
    const std::pair<Errc, const char*> rows[] = {{Errc::message_too_large, "amqp:link:message-size-exceeded"},
                                                 {Errc::quota_exceeded, "com.microsoft:device-container-throttled"},
                                                 {Errc::throttled, "com.microsoft:device-container-throttled"},
                                                 {Errc::unavailable, "amqp:internal-error"}};
    for (const auto& [code, condition] : rows) {
        hub.telemetry_refusal = Error{code, "because"};
        EXPECT_EQ(client.outcome(client.send(link, message_of("x"))), condition) << name(code);
    }
    hub.telemetry_refusal.reset();
    EXPECT_EQ(client.outcome(client.send_raw(link, "no message")), "com.microsoft:argument-error");
    EXPECT_EQ(client.outcome(client.send(link, message_of("x"))), "accepted") << "the link lives";
}

// proton's engine writes no message format, so these bytes are a client's own: transfer of handle 0 and delivery 0.
std::string batch_transfer(const std::string& payload, std::uint32_t handle) {
    std::string fields = "\x52" + std::string(1, static_cast<char>(handle)) + "\x43\xa0\1b\x70\x80\1\x37";
    fields += std::string(1, '\0') + "\x42";
    std::string body = std::string("\0\x53\x14\xc0", 4) + static_cast<char>(fields.size() + 1) + "\5" + fields + payload;
    std::string frame = std::string("\0\0\0\0\2\0\0\0", 8) + body;
    frame[2] = static_cast<char>(frame.size() >> 8);
    frame[3] = static_cast<char>(frame.size());
    return frame;
}

TEST_F(AmqpTelemetry, ComesInBatchesThatAreOneDelivery) {
    hub.hold_telemetry = true;
    // A policy's token needs no transfer before the batch, whose delivery id is then 0.
    Client& client = connected("/devices/d1");
    const auto second = client.engine.begin();
    client.session = second;
    client.exchange();
    client.sender("/devices/d1/messages/events");
    const std::string parts[] = {wire::encode_message(message_of("one")), wire::encode_message(message_of("two")), wire::encode_message(message_of("three"))};
    wire::Message batch;
    for (const std::string& part : parts) batch.data.push_back(part);
    std::string frame = batch_transfer(wire::encode_message(batch), 0);
    frame[7] = 1;   // channel
    client.engine_reads = false;
    client.raw.clear();
    client.send_bytes(frame);
    ASSERT_EQ(hub.telemetry.size(), 3u);
    EXPECT_EQ(hub.telemetry[0].body, "one");
    EXPECT_EQ(hub.telemetry[2].body, "three");
    hub.finish(2);
    settle_down();
    EXPECT_EQ(client.raw, "");
    hub.finish(1);
    settle_down();
    const std::string disposition("\0\x53\x15", 3);
    EXPECT_NE(client.raw.find(disposition), std::string::npos);
    EXPECT_NE(client.raw.find(std::string("\0\x53\x24", 3)), std::string::npos) << "accepted";
}

TEST_F(AmqpTelemetry, OfABatchIsRejectedWholeWhenOneIsRefused) {
    hub.hold_telemetry = true;
    Client& client = connected("/devices/d1");
    client.session = client.engine.begin();
    client.exchange();
    client.sender("/devices/d1/messages/events");
    const std::string part = wire::encode_message(message_of("one"));
    wire::Message batch;
    batch.data = {part, part};
    std::string frame = batch_transfer(wire::encode_message(batch), 0);
    frame[7] = 1;
    client.engine_reads = false;
    client.raw.clear();
    client.send_bytes(frame);
    hub.finish(1, fail(Errc::message_too_large, "too large"));
    hub.finish(1);
    settle_down();
    EXPECT_NE(client.raw.find("amqp:link:message-size-exceeded"), std::string::npos);
}

TEST_F(AmqpTelemetry, ThatIsSettledGetsNoAnswer) {
    Client& client = connected("/devices/d1");
    const auto link = client.sender("/devices/d1/messages/events");
    const auto delivery = client.send(link, message_of("x"), true);
    EXPECT_EQ(hub.telemetry.size(), 1u);
    EXPECT_EQ(client.outcome(delivery), "none");
}

TEST_F(AmqpTelemetry, GetsCreditAgainAndAgain) {
    Client& client = connected("/devices/d1", {.credit = 10});
    const auto link = client.sender("/devices/d1/messages/events");
    EXPECT_EQ(client.engine.credit(link), 10u);
    for (int i = 0; i < 100; ++i) {
        ASSERT_GT(client.engine.credit(link), 0u);
        EXPECT_EQ(client.outcome(client.send(link, message_of("x"))), "accepted");
    }
}

TEST_F(AmqpTelemetry, PausesReadingWhileTooMuchIsUnacknowledged) {
    hub.hold_telemetry = true;
    Client& client = connected("/devices/d1", {.inbound_unacked_max = 3});
    const auto link = client.sender("/devices/d1/messages/events");
    // In writes of their own: what one read brings is taken whole.
    for (int i = 0; i < 10; ++i) client.send(link, message_of("x"));
    EXPECT_EQ(hub.telemetry.size(), 3u);
    hub.finish(1);
    client.exchange();
    EXPECT_EQ(hub.telemetry.size(), 10u) << "and the rest in one read";
    hub.finish(20);
    client.exchange();
    EXPECT_EQ(client.outcomes.size(), 11u) << "with that of the token";
    Client& large = connected("/devices/d2", {.inbound_unacked_bytes_max = 50'000});
    const auto other = large.sender("/devices/d2/messages/events");
    hub.telemetry.clear();
    for (int i = 0; i < 5; ++i) large.send(other, message_of(std::string(60'000, 'x')));
    EXPECT_EQ(hub.telemetry.size(), 1u);
    hub.finish(1);
    large.exchange();
    EXPECT_EQ(hub.telemetry.size(), 2u);
}

TEST_F(AmqpTelemetry, ThatBecomesDurableTogetherIsAcceptedInOneFrame) {
    hub.hold_telemetry = true;
    Client& client = connected("/devices/d1");
    const auto link = client.sender("/devices/d1/messages/events");
    for (int i = 0; i < 100; ++i) client.send(link, message_of("x"));
    client.engine_reads = false;
    boost::asio::post(loop, [this] { hub.finish(100); });
    settle_down();
    // One frame, and it is a disposition: performative 0x15.
    ASSERT_GT(client.raw.size(), 11u);
    EXPECT_EQ(static_cast<std::size_t>(static_cast<unsigned char>(client.raw[3])), client.raw.size());
    EXPECT_EQ(client.raw[10], 0x15);
    client.engine_reads = true;
    client.exchange();
    EXPECT_EQ(client.outcomes.size(), 101u) << "with that of the token";
}

TEST_F(AmqpTelemetry, OverTheLinksLimitEndsTheLink) {
    Client& client = connected("/devices/d1", {.message_bytes_max = 100'000});
    const auto link = client.sender("/devices/d1/messages/events");
    client.send(link, message_of(std::string(120'000, 'x')));
    EXPECT_EQ(client.end_of(link), "amqp:link:message-size-exceeded");
    EXPECT_TRUE(hub.telemetry.empty());
    EXPECT_EQ(hub.closed_sessions, 1);
    const auto again = client.sender("/devices/d1/messages/events");
    EXPECT_EQ(client.outcome(client.send(again, message_of("x"))), "accepted");
}

TEST_F(AmqpTelemetry, FinishesAfterItsLinkIsGone) {
    hub.hold_telemetry = true;
    Client& client = connected("/devices/d1");
    const auto link = client.sender("/devices/d1/messages/events");
    client.send(link, message_of("x"));
    client.engine.detach(link, {});
    client.exchange();
    EXPECT_EQ(hub.closed_sessions, 1);
    hub.finish(1);
    client.exchange();
    EXPECT_FALSE(client.connection_end);
    const auto late = client.sender("/devices/d1/messages/events");
    client.send(late, message_of("y"));
    client.close_stream();
    hub.finish(1);
}

}  // namespace
}  // namespace selvage::heads::amqp
