#include "heads/amqp/tests/harness.h"

namespace selvage::heads::amqp {
namespace {

using namespace testing;
using namespace std::string_literals;

class AmqpOpening : public AmqpTest {};

const std::string kSasl = "AMQP\3\1\0\0"s;
const std::string kPlain = "AMQP\0\1\0\0"s;

std::string sasl_init(std::string_view mechanism, std::string_view response) {
    std::string body = "\0\x53\x41\xc0"s;
    const std::string items = "\xa3"s + static_cast<char>(mechanism.size()) + std::string(mechanism) + "\xa0"s + static_cast<char>(response.size()) + std::string(response);
    body += static_cast<char>(items.size() + 1);
    body += '\2';
    body += items;
    std::string frame = "\0\0\0\0\2\1\0\0"s + body;
    frame[2] = static_cast<char>(frame.size() >> 8);
    frame[3] = static_cast<char>(frame.size());
    return frame;
}

TEST_F(AmqpOpening, TellsItsLimits) {
    Client& client = dial().open();
    EXPECT_FALSE(client.connection_end);
    EXPECT_FALSE(client.closed);
}

TEST_F(AmqpOpening, TakesTheMechanismOfTheCSdk) {
    for (const char* mechanism : {"MSSBCBS", "ANONYMOUS", "EXTERNAL"}) {
        Client& client = dial();
        client.engine_reads = false;
        client.send_bytes(kSasl);
        EXPECT_TRUE(client.raw.starts_with(kSasl));
        EXPECT_NE(client.raw.find(mechanism), std::string::npos);
        client.raw.clear();
        client.send_bytes(sasl_init(mechanism, ""));
        EXPECT_EQ(client.raw, "\0\0\0\x10\2\1\0\0\0\x53\x44\xc0\3\1\x50\0"s);
        client.raw.clear();
        client.engine_reads = true;
        client.open();
        EXPECT_FALSE(client.connection_end);
        EXPECT_EQ(client.end_of(client.sender("/devices/d1/messages/events")), "amqp:unauthorized-access") << "it names nobody";
    }
}

TEST_F(AmqpOpening, TakesATokenBySaslPlain) {
    Client& client = dial();
    client.engine_reads = false;
    client.send_bytes(kSasl + sasl_init("PLAIN", "\0d1@sas.h\0"s + token_for("/devices/d1")));
    EXPECT_EQ(hub.take_calls(), (Calls{"authenticate d1"}));
    EXPECT_EQ(hub.credentials.sas_token, token_for("/devices/d1"));
    client.raw.clear();
    client.engine_reads = true;
    client.open();
    EXPECT_EQ(client.end_of(client.sender("/devices/d1/messages/events")), "");
    EXPECT_EQ(client.end_of(client.sender("/devices/d2/messages/events")), "amqp:unauthorized-access");
}

TEST_F(AmqpOpening, TakesAPolicyBySaslPlainForAnyDevice) {
    Client& client = dial();
    client.engine_reads = false;
    client.send_bytes(kSasl + sasl_init("PLAIN", "\0device@sas.root.h\0"s + token_for("", "good", "device")));
    client.raw.clear();
    client.engine_reads = true;
    client.open();
    EXPECT_EQ(client.end_of(client.sender("/devices/d1/messages/events")), "");
    EXPECT_EQ(client.end_of(client.sender("/devices/d2/messages/events")), "");
    EXPECT_EQ(hub.credentials.identity, domain::Identity::of_device("d2"));
}

TEST_F(AmqpOpening, RefusesABadSaslPlain) {
    const std::string bad[] = {"\0d1@sas.h\0"s + token_for("/devices/d1", "bad"), "\0d1@sas.other\0"s + token_for("/devices/d1"),
                               "\0d1@sas.h\0not a token"s, "\0device@sas.root.h\0"s + token_for("", "good", "other")};
    for (const std::string& response : bad) {
        Client& client = dial();
        client.send_bytes(kSasl + sasl_init("PLAIN", response));
        EXPECT_TRUE(client.raw.ends_with("\0\x53\x44\xc0\3\1\x50\1"s));
        EXPECT_TRUE(client.closed);
        EXPECT_TRUE(client.served);
    }
}

TEST_F(AmqpOpening, AnswersOtherProtocolsWithItsHeader) {
    Client& client = dial();
    client.send_bytes("GET / HTTP/1.1\r\n\r\n");
    EXPECT_EQ(client.raw, kSasl);
    EXPECT_TRUE(client.closed);
    EXPECT_TRUE(client.served);
}

TEST_F(AmqpOpening, WorksByteByByte) {
    Client& client = dial();
    client.engine.open();
    client.session = client.engine.begin();
    for (int turn = 0; turn < 4; ++turn) {
        std::string out;
        client.engine.take_output(out);
        for (const char c : out) client.send_bytes(std::string(1, c));
        client.exchange();
    }
    EXPECT_EQ(client.put_token(token_for("/devices/d1")), 200);
}

TEST_F(AmqpOpening, HasADeadlineForEachOfItsSteps) {
    const std::string steps[] = {"", kSasl, kSasl + sasl_init("ANONYMOUS", ""), kPlain};
    for (const std::string& bytes : steps) {
        Client& client = dial({.authenticate_timeout = 20s});
        if (!bytes.empty()) client.send_bytes(bytes);
        advance(19s);
        EXPECT_FALSE(client.closed);
        advance(1s);
        EXPECT_TRUE(client.closed);
        EXPECT_TRUE(client.served);
    }
}

TEST_F(AmqpOpening, DropsThoseWhoNeverSayWhoTheyAre) {
    Client& client = dial({.authenticate_timeout = 20s}).open();
    client.sender("$cbs");
    live(19s, 1s);
    EXPECT_FALSE(client.closed);
    live(2s, 1s);
    EXPECT_TRUE(client.closed);
    EXPECT_EQ(client.connection_end->name, "amqp:unauthorized-access");
    EXPECT_TRUE(client.served);
}

TEST_F(AmqpOpening, RefusesAHastyIdleTimeOut) {
    Client& client = dial({}, {.container_id = "test", .idle_time_out = 4'999ms}).open();
    EXPECT_EQ(client.connection_end->name, "amqp:not-allowed");
    EXPECT_TRUE(client.closed);
    EXPECT_FALSE(dial({}, {.container_id = "test", .idle_time_out = 5'000ms}).open().connection_end);
}

// The engine then wants to be looked at in half of a millisecond, for ever: at once, as it counts.
TEST_F(AmqpOpening, NobodyStarvesForAnIdleTimeOutOfOneMillisecond) {
    Client& hasty = dial({}, {.container_id = "test", .idle_time_out = 1ms}).open();
    EXPECT_EQ(hasty.connection_end->name, "amqp:not-allowed");
    live(1s, 1s);
    EXPECT_TRUE(hasty.closed);
    EXPECT_FALSE(dial({}, {.container_id = "test"}).open().connection_end);
}

TEST_F(AmqpOpening, TakesACertificateAtTheAttach) {
    // Streams in memory show none.
    Client& client = dial().open();
    EXPECT_EQ(client.end_of(client.sender("/devices/d1/messages/events")), "amqp:unauthorized-access");
    EXPECT_EQ(hub.take_calls(), Calls{}) << "there is nothing to ask the hub about";
}

TEST_F(AmqpOpening, EndsWithAConditionForGarbage) {
    Client& client = dial().open();
    client.send_bytes("garbage that is no frame");
    client.exchange();
    EXPECT_EQ(client.connection_end->name, "amqp:connection:framing-error");
    EXPECT_TRUE(client.closed);
    EXPECT_TRUE(client.served);
}

}  // namespace
}  // namespace selvage::heads::amqp
