#include "heads/amqp/tests/harness.h"

namespace selvage::heads::amqp {
namespace {

using namespace testing;

class AmqpTokens : public AmqpTest {};

TEST_F(AmqpTokens, AreProvenWhenTheyArePut) {
    Client& client = dial().open();
    EXPECT_EQ(client.put_token(token_for("/devices/d1")), 200);
    EXPECT_EQ(client.last_cbs_description, "OK");
    EXPECT_EQ(hub.credentials.identity, domain::Identity::of_device("d1"));
    EXPECT_EQ(hub.credentials.sas_token, token_for("/devices/d1"));
    EXPECT_EQ(client.put_token(token_for("/devices/d1/modules/m1")), 200);
    EXPECT_EQ(hub.credentials.identity, domain::Identity::of_module("d1", "m1"));
    EXPECT_EQ(client.put_token(token_for("/devices/d2", "bad")), 401);
    EXPECT_EQ(client.last_cbs_description, "unauthorized") << "the reason is for the operator";
    EXPECT_EQ(client.put_token("no token"), 401);
    EXPECT_EQ(client.put_token(token_for("/elsewhere/d1")), 401);
    EXPECT_EQ(client.put_token(token_for("/devices")), 401) << "not without a policy";
    EXPECT_EQ(client.put_token(token_for("/devices", "good", "device")), 200);
}

TEST_F(AmqpTokens, SayWhatIsWrongWithTheIdentity) {
    Client& client = dial().open();
    const std::pair<Errc, int> rows[] = {{Errc::device_not_found, 404}, {Errc::module_not_found, 404}, {Errc::device_disabled, 403}, {Errc::unavailable, 503}};
    for (const auto& [code, status] : rows) {
        hub.refusal = Error{code, ""};
        EXPECT_EQ(client.put_token(token_for("/devices/d1")), status) << name(code);
    }
}

TEST_F(AmqpTokens, AreAnsweredWithAnIdOfTheSameType) {
    Client& client = dial().open();
    const wire::MessageId ids[] = {std::uint64_t{0}, std::string("7"), *wire::parse_uuid("6ba7b810-9dad-11d1-80b4-00c04fd430c8"), wire::Binary{"7"}};
    for (const wire::MessageId& id : ids) {
        EXPECT_EQ(client.put_token(token_for("/devices/d1"), id), 200);
        EXPECT_EQ(client.last_cbs_id, id);
    }
}

TEST_F(AmqpTokens, ThatAreNoneAreAnsweredToo) {
    Client& client = dial().open();
    client.put_token(token_for("/devices/d1"));
    wire::Message message;
    message.properties.message_id = std::string("x");
    client.send(*client.cbs_out, message);
    const auto answers = client.take(*client.cbs_in);
    ASSERT_EQ(answers.size(), 1u);
    const auto answer = wire::decode_message(answers[0].bytes);
    EXPECT_EQ(*wire::find(answer->application_properties, "status-code"), wire::Value(std::int32_t{400}));
    EXPECT_EQ(answer->properties.correlation_id, wire::MessageId(std::string("x")));
    client.send_raw(*client.cbs_out, "not a message");
    EXPECT_EQ(client.take(*client.cbs_in).size(), 1u);
}

TEST_F(AmqpTokens, OfManyIdentitiesShareAConnection) {
    Client& client = dial().open();
    for (int i = 0; i < 20; ++i) {
        const std::string path = "/devices/d" + std::to_string(i);
        EXPECT_EQ(client.put_token(token_for(path)), 200);
        EXPECT_EQ(client.end_of(client.sender(path + "/messages/events")), "");
    }
    EXPECT_EQ(hub.sessions, 20);
    EXPECT_EQ(client.end_of(client.sender("/devices/d20/messages/events")), "amqp:unauthorized-access");
}

TEST_F(AmqpTokens, AreBounded) {
    Client& client = dial({.tokens_max = 3}).open();
    for (int i = 0; i < 3; ++i) EXPECT_EQ(client.put_token(token_for("/devices/d" + std::to_string(i))), 200);
    EXPECT_EQ(client.put_token(token_for("/devices/d3")), 403);
    EXPECT_EQ(client.put_token(token_for("/devices/d1")), 200) << "a renewal takes no room";
}

TEST_F(AmqpTokens, CoverTheirIdentityInAnyCase) {
    Client& client = dial().open();
    EXPECT_EQ(client.put_token(token_for("/devices/dev1")), 200);
    EXPECT_EQ(client.end_of(client.sender("/devices/Dev1/messages/events")), "");
    EXPECT_EQ(hub.credentials.identity, domain::Identity::of_device("Dev1")) << "whose it is, the link says exactly";
}

TEST_F(AmqpTokens, DoNotHoldEachOtherUp) {
    Client& client = dial().open();
    client.put_token(token_for("/devices/d0"));
    hub.gate.reset();
    EXPECT_EQ(client.put_token(token_for("/devices/d1")), 0);
    EXPECT_EQ(client.put_token(token_for("/devices/d2")), 0);
    EXPECT_EQ(hub.take_calls(), (Calls{"authenticate d0", "authenticate d1", "authenticate d2"}));
    const auto link = client.sender("/devices/d1/messages/events");
    EXPECT_FALSE(client.attached.contains(link)) << "an attach waits for the token before it";
    hub.gate.set();
    client.exchange();
    EXPECT_EQ(client.take(*client.cbs_in).size(), 2u);
    EXPECT_EQ(client.end_of(link), "");
    EXPECT_TRUE(client.attached.contains(link));
}

TEST_F(AmqpTokens, EndTheirLinksWhenTheyExpire) {
    hub.expires = time.utc_now() + 100s;
    Client& client = connected("/devices/d1");
    const auto link = client.sender("/devices/d1/messages/events");
    hub.expires.reset();
    client.authenticated("/devices/d2");
    const auto other = client.sender("/devices/d2/messages/events");
    live(390s, 30s);
    EXPECT_EQ(client.end_of(link), "") << "five minutes are for clocks that differ";
    live(90s, 30s);
    EXPECT_EQ(client.end_of(link), "amqp:unauthorized-access");
    EXPECT_EQ(client.end_of(other), "");
    EXPECT_EQ(hub.closed_sessions, 1);
    EXPECT_EQ(client.end_of(client.sender("/devices/d1/messages/events")), "amqp:unauthorized-access");
}

TEST_F(AmqpTokens, ThatAreNearlyOverEndOnTime) {
    Client& client = dial({}).open();
    advance(2s);
    hub.expires = time.utc_now() + 5s - 300s;
    client.authenticated("/devices/d1");
    const auto link = client.sender("/devices/d1/messages/events");
    live(4s, 1s);
    EXPECT_EQ(client.end_of(link), "");
    live(2s, 1s);
    EXPECT_EQ(client.end_of(link), "amqp:unauthorized-access");
}

TEST_F(AmqpTokens, LiveOnWhenTheyAreRenewed) {
    hub.expires = time.utc_now() + 100s;
    Client& client = connected("/devices/d1");
    const auto link = client.sender("/devices/d1/messages/events");
    live(300s, 30s);
    hub.expires = time.utc_now() + 3600s;
    EXPECT_EQ(client.put_token(token_for("/devices/d1")), 200);
    EXPECT_EQ(client.put_token(token_for("/devices/d1", "bad")), 401) << "and a bad one takes nothing away";
    live(1200s, 60s);
    EXPECT_EQ(client.end_of(link), "");
    EXPECT_EQ(hub.sessions, 1);
}

TEST_F(AmqpTokens, EndTheConnectionWhenTheLastHasExpired) {
    hub.expires = time.utc_now() + 100s;
    Client& client = connected("/devices/d1", {.authenticate_timeout = 60s});
    live(600s, 10s);
    EXPECT_TRUE(client.closed);
}

TEST_F(AmqpTokens, MayBeTakenBack) {
    Client& client = connected("/devices/d1");
    const auto link = client.sender("/devices/d1/messages/events");
    wire::Message message;
    message.application_properties = {{"operation", std::string("delete-token")}, {"type", std::string("x:sastoken")}, {"name", std::string("h.net/devices/d1")}};
    client.send(*client.cbs_out, message);
    EXPECT_EQ(client.take(*client.cbs_in).size(), 1u);
    EXPECT_EQ(client.end_of(link), "amqp:unauthorized-access");
}

TEST_F(AmqpTokens, WaitForTheCreditOfTheirReader) {
    Client& client = dial().open();
    client.cbs_out = client.sender("$cbs");
    client.cbs_in = client.receiver("$cbs", 0);
    for (int i = 0; i < 64; ++i) EXPECT_EQ(client.put_token(token_for("/devices/d1")), 0);
    client.engine.add_credit(*client.cbs_in, 64);
    client.exchange();
    EXPECT_EQ(client.take(*client.cbs_in).size(), 64u);
    for (int i = 0; i < 64; ++i) client.put_token(token_for("/devices/d1"));
    EXPECT_FALSE(client.connection_end);
    client.send(*client.cbs_out, {});
    EXPECT_EQ(client.connection_end->name, "amqp:resource-limit-exceeded");
}

TEST_F(AmqpTokens, OfAnActorServeThoseBehindIt) {
    Client& client = dial().open().authenticated("/devices/edge/modules/%24edgeHub");
    EXPECT_EQ(client.end_of(client.sender("/devices/leaf/messages/events", {{"com.microsoft:auth-chain", "leaf;edge"}})), "");
    EXPECT_EQ(hub.credentials.identity, domain::Identity::of_device("leaf"));
    EXPECT_EQ(hub.credentials.auth_chain, "leaf;edge");
    EXPECT_EQ(hub.credentials.sas_token, token_for("/devices/edge/modules/%24edgeHub"));
}

}  // namespace
}  // namespace selvage::heads::amqp
