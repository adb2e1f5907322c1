#include "base/json.h"
#include "heads/amqp/tests/harness.h"

namespace selvage::heads::amqp {
namespace {

using namespace testing;

class AmqpTwin : public AmqpTest {
public:
    wire::LinkId out{}, in{};

    Client& twin_client(std::uint32_t credit = 10) {
        Client& client = connected("/devices/d1");
        out = client.sender("/devices/d1/twin", {{"com.microsoft:channel-correlation-id", "twin:1"}});
        in = client.receiver("/devices/d1/twin", credit, {{"com.microsoft:channel-correlation-id", "twin:1"}});
        hub.take_calls();
        return client;
    }
    static wire::Message request(const char* operation, const char* resource = nullptr, std::string_view body = " ") {
        wire::Message message = message_of(body);
        message.properties.correlation_id = std::string("Get1");
        message.message_annotations = {{"operation", std::string(operation)}};
        if (resource != nullptr) message.message_annotations.push_back({"resource", std::string(resource)});
        return message;
    }
    struct Answer {
        std::int32_t status = 0;
        std::optional<std::int64_t> version;
        std::string body;
        wire::MessageId id;
    };
    Answer ask(Client& client, const wire::Message& message) {
        EXPECT_EQ(client.outcome(client.send(out, message)), "accepted");
        const auto answers = client.take(in);
        EXPECT_EQ(answers.size(), 1u);
        if (answers.empty()) return {};
        EXPECT_TRUE(answers[0].settled);
        const auto decoded = wire::decode_message(answers[0].bytes);
        Answer answer;
        answer.status = std::get<std::int32_t>(*wire::find(decoded->message_annotations, "status"));
        if (const auto* version = wire::find(decoded->message_annotations, "version")) answer.version = std::get<std::int64_t>(*version);
        EXPECT_EQ(decoded->data.size(), 1u);
        answer.body = decoded->body();
        answer.id = decoded->properties.correlation_id;
        return answer;
    }
};

TEST_F(AmqpTwin, IsRead) {
    Client& client = twin_client();
    const Answer answer = ask(client, request("GET"));
    EXPECT_EQ(answer.status, 200);
    EXPECT_EQ(answer.body, hub.twin);
    EXPECT_EQ(answer.id, wire::MessageId(std::string("Get1")));
    EXPECT_EQ(hub.take_calls(), (Calls{"get twin"}));
}

TEST_F(AmqpTwin, EchoesIdsOfEveryType) {
    Client& client = twin_client();
    const wire::MessageId ids[] = {std::uint64_t{7}, *wire::parse_uuid("6ba7b810-9dad-11d1-80b4-00c04fd430c8"), wire::Binary{"x"}, std::string("Patch1")};
    for (const wire::MessageId& id : ids) {
        wire::Message message = request("GET");
        message.properties.correlation_id = id;
        EXPECT_EQ(ask(client, message).id, id);
    }
}

TEST_F(AmqpTwin, IsReported) {
    Client& client = twin_client();
    const Answer answer = ask(client, request("PATCH", "/properties/reported", R"({"a":1})"));
    EXPECT_EQ(answer.status, 204);
    EXPECT_EQ(answer.version, 2);
    EXPECT_EQ(answer.body, "");
    wire::Message conditional = request("PATCH", "/properties/reported", "{}");
    conditional.message_annotations.push_back({"version", std::int64_t{2}});
    EXPECT_EQ(ask(client, conditional).version, 3);
    EXPECT_EQ(hub.take_calls(), (Calls{R"(patch {"a":1})", "patch {} if 2"}));
}

TEST_F(AmqpTwin, AppliesPatchesInTheirOrder) {
    Client& client = twin_client();
    for (int i = 0; i < 5; ++i) client.engine.send(out, "t", wire::encode_message(request("PATCH", "/properties/reported", std::to_string(i))), true);
    client.exchange();
    EXPECT_EQ(hub.take_calls(), (Calls{"patch 0", "patch 1", "patch 2", "patch 3", "patch 4"}));
    EXPECT_EQ(client.take(in).size(), 5u);
}

TEST_F(AmqpTwin, AnswersErrorsWithAJsonBody) {
    Client& client = twin_client();
    const std::pair<Errc, int> rows[] = {{Errc::invalid_argument, 400}, {Errc::precondition_failed, 412}, {Errc::quota_exceeded, 403}, {Errc::unavailable, 503}};
    for (const auto& [code, status] : rows) {
        hub.twin_error = Error{code, "/a: too long"};
        for (const auto& message : {request("PATCH", "/properties/reported", "{}"), request("GET")}) {
            const Answer answer = ask(client, message);
            EXPECT_EQ(answer.status, status);
            const auto body = parse_json_object(answer.body);
            ASSERT_TRUE(body);
            EXPECT_EQ(find_integer(*body, "errorCode") / 1000, status);
            EXPECT_EQ(find_text(*body, "message"), status < 500 ? "/a: too long" : "unavailable");
        }
    }
    EXPECT_EQ(ask(client, request("POST")).status, 400);
    EXPECT_EQ(ask(client, request("PATCH", "/properties/desired")).status, 400);
}

TEST_F(AmqpTwin, TellsOfDesiredChangesOnRequest) {
    Client& client = twin_client();
    EXPECT_EQ(ask(client, request("PUT", "/notifications/twin/properties/desired")).status, 200);
    EXPECT_EQ(hub.take_calls(), (Calls{"d1 desired on"}));
    hub.sinks["d1"].lock()->desired_changed(3, R"({"a":1,"$version":3})");
    client.exchange();
    const auto received = client.take(in);
    ASSERT_EQ(received.size(), 1u);
    const auto decoded = wire::decode_message(received[0].bytes);
    EXPECT_EQ(decoded->body(), R"({"a":1,"$version":3})");
    EXPECT_EQ(decoded->properties, wire::Properties{});
    EXPECT_TRUE(decoded->message_annotations.empty());
    EXPECT_EQ(ask(client, request("DELETE", "/notifications/twin/properties/desired")).status, 200);
    EXPECT_EQ(hub.take_calls(), (Calls{"d1 desired off"}));
    hub.subscribe_error = Error{Errc::unavailable, ""};
    EXPECT_EQ(ask(client, request("PUT", "/notifications/twin/properties/desired")).status, 503);
}

TEST_F(AmqpTwin, StopsTellingWhenTheLinkGoes) {
    Client& client = twin_client();
    ask(client, request("PUT", "/notifications/twin/properties/desired"));
    hub.take_calls();
    client.engine.detach(in, {});
    client.exchange();
    EXPECT_EQ(hub.take_calls(), (Calls{"d1 desired off"}));
    EXPECT_EQ(client.end_of(out), "");
}

TEST_F(AmqpTwin, WaitsForCreditAndEndsALinkThatNeverGivesAny) {
    Client& client = twin_client(0);
    for (int i = 0; i < 64; ++i) client.send(out, request("GET"));
    EXPECT_EQ(client.take(in).size(), 0u);
    client.engine.add_credit(in, 3);
    client.exchange();
    EXPECT_EQ(client.take(in).size(), 3u);
    for (int i = 0; i < 4; ++i) client.send(out, request("GET"));
    EXPECT_EQ(client.end_of(in), "amqp:resource-limit-exceeded");
    EXPECT_EQ(client.end_of(out), "");
}

TEST_F(AmqpTwin, TakesRequestsWithoutALinkForTheAnswers) {
    Client& client = connected("/devices/d1");
    out = client.sender("/devices/d1/twin");
    hub.take_calls();
    client.send(out, request("PATCH", "/properties/reported", "{}"));
    client.send_raw(out, "no message");
    EXPECT_EQ(hub.take_calls(), (Calls{"patch {}"}));
    EXPECT_EQ(client.end_of(out), "");
}

}  // namespace
}  // namespace selvage::heads::amqp
