#include "heads/amqp/tests/harness.h"

namespace selvage::heads::amqp {
namespace {

using namespace testing;

class AmqpMethods : public AmqpTest {
public:
    wire::LinkId out{}, in{};

    Client& method_client(std::uint32_t credit = 10) {
        Client& client = connected("/devices/d1");
        out = client.sender("/devices/d1/methods/devicebound");
        in = client.receiver("/devices/d1/methods/deviceBound", credit);
        return client;
    }
    void call(Client& client, const std::string& request_id, std::string payload) {
        hub.sinks["d1"].lock()->invoke_method(request_id, {.name = "reboot", .payload = std::move(payload)});
        client.exchange();
    }
    static wire::Message answer(wire::MessageId id, std::string_view body, std::optional<std::int32_t> status) {
        wire::Message message = message_of(body);
        message.properties.correlation_id = std::move(id);
        if (status) message.application_properties = {{"IoThub-status", *status}};
        return message;
    }
};

TEST_F(AmqpMethods, GoByUuidAndComeBack) {
    Client& client = method_client();
    EXPECT_EQ(hub.take_calls(), (Calls{"authenticate d1", "open d1", "d1 methods on"}));
    call(client, "any form", R"({"in":1})");
    const auto received = client.take(in);
    ASSERT_EQ(received.size(), 1u);
    EXPECT_TRUE(received[0].settled);
    const auto request = wire::decode_message(received[0].bytes);
    EXPECT_EQ(*wire::find(request->application_properties, "IoThub-methodname"), wire::Value(std::string("reboot")));
    EXPECT_EQ(request->body(), R"({"in":1})");
    ASSERT_TRUE(std::holds_alternative<wire::Uuid>(request->properties.correlation_id));
    EXPECT_EQ(client.outcome(client.send(out, answer(request->properties.correlation_id, "true", 207))), "accepted");
    EXPECT_EQ(hub.take_calls(), (Calls{"answer any form 207 true"}));
    client.send(out, answer(request->properties.correlation_id, "true", 207));
    EXPECT_EQ(hub.take_calls(), Calls{}) << "once";
}

TEST_F(AmqpMethods, TakeAnswersOutOfOrderAndInEveryForm) {
    Client& client = method_client();
    hub.take_calls();
    call(client, "r1", "");
    call(client, "r2", "");
    call(client, "r3", "");
    const auto received = client.take(in);
    ASSERT_EQ(received.size(), 3u);
    std::vector<wire::Uuid> ids;
    for (const auto& one : received) {
        const auto request = wire::decode_message(one.bytes);
        EXPECT_EQ(request->data.size(), 1u) << "one SDK insists on a body";
        ids.push_back(std::get<wire::Uuid>(request->properties.correlation_id));
    }
    client.send(out, answer(wire::to_text(ids[2]), "3", 200));
    client.send(out, answer(wire::Binary{std::string(reinterpret_cast<const char*>(ids[1].bytes.data()), 16)}, "2", 200));
    client.send(out, answer(ids[0], "1", std::nullopt));
    EXPECT_EQ(hub.take_calls(), (Calls{"answer r3 200 3", "answer r2 200 2", "answer r1 400000 "}));
}

TEST_F(AmqpMethods, IgnoreAnswersToNothing) {
    Client& client = method_client();
    hub.take_calls();
    client.send(out, answer(std::string("unknown"), "", 200));
    client.send(out, message_of("no id"));
    client.send_raw(out, "no message");
    EXPECT_EQ(hub.take_calls(), Calls{});
    EXPECT_EQ(client.end_of(out), "");
}

TEST_F(AmqpMethods, AreOnlineWithTheLinkThatTakesCalls) {
    Client& client = method_client();
    hub.take_calls();
    client.engine.detach(in, {});
    client.exchange();
    EXPECT_EQ(hub.take_calls(), (Calls{"d1 methods off"}));
    call(client, "r", "");
    EXPECT_EQ(client.end_of(out), "");
}

TEST_F(AmqpMethods, WaitForCredit) {
    Client& client = method_client(0);
    for (int i = 0; i < 70; ++i) call(client, std::to_string(i), "");
    EXPECT_EQ(client.take(in).size(), 0u);
    client.engine.add_credit(in, 100);
    client.exchange();
    EXPECT_EQ(client.take(in).size(), 64u) << "the bound; callers of the others wait for their time-out";
}

}  // namespace
}  // namespace selvage::heads::amqp
