#include <gtest/gtest.h>

#include "codec/hub_amqp/hub_amqp.h"

namespace selvage::codec::hub_amqp {
namespace {

amqp::Message token_request(const char* operation, const char* type) {
    amqp::Message message;
    message.properties.message_id = std::uint64_t{0};
    message.application_properties = {{"operation", std::string(operation)}, {"type", std::string(type)}, {"name", std::string("h/devices/d")}};
    message.value = std::string("SharedAccessSignature sr=x");
    return message;
}

TEST(Cbs, ReadsPutTokenOfEverySdk) {
    for (const char* type : {"servicebus.windows.net:sastoken", "azure-devices.net:sastoken", "Other:SasToken"}) {
        const auto request = read_put_token(token_request("PUT-token", type));
        ASSERT_TRUE(request) << type;
        EXPECT_TRUE(request->is_put);
        EXPECT_EQ(request->token, "SharedAccessSignature sr=x");
        EXPECT_EQ(request->message_id, amqp::MessageId(std::uint64_t{0}));
    }
    EXPECT_FALSE(read_put_token(token_request("delete-token", "x:sastoken"))->is_put);
    EXPECT_FALSE(read_put_token(token_request("put-token", "jwt")));
    EXPECT_FALSE(read_put_token(token_request("get-token", "x:sastoken")));
    amqp::Message empty = token_request("put-token", "x:sastoken");
    empty.value.reset();
    EXPECT_FALSE(read_put_token(empty));
}

TEST(Cbs, AnswersWithTheSameTypeOfIdAndAnInt) {
    const amqp::MessageId ids[] = {std::uint64_t{0}, std::string("7"), *amqp::parse_uuid("6ba7b810-9dad-11d1-80b4-00c04fd430c8")};
    for (const amqp::MessageId& id : ids) {
        const std::string bytes = write_cbs_answer(id, 200, "OK");
        const auto answer = amqp::decode_message(bytes);
        ASSERT_TRUE(answer);
        EXPECT_EQ(answer->properties.correlation_id, id);
        EXPECT_EQ(*amqp::find(answer->application_properties, "status-code"), amqp::Value(std::int32_t{200}));
        EXPECT_EQ(*amqp::find(answer->application_properties, "status-description"), amqp::Value(std::string("OK")));
    }
}

amqp::Message twin_request(const char* operation, const char* resource = nullptr) {
    amqp::Message message;
    message.message_annotations = {{"operation", std::string(operation)}};
    if (resource != nullptr) message.message_annotations.push_back({"resource", std::string(resource)});
    message.data = {"{\"a\":1}"};
    return message;
}

TEST(TwinRequest, IsReadByItsAnnotations) {
    EXPECT_EQ(read_twin_request(twin_request("GET"))->operation, TwinOperation::get);
    const auto patch = read_twin_request(twin_request("PATCH", "/properties/reported"));
    EXPECT_EQ(patch->operation, TwinOperation::patch);
    EXPECT_EQ(patch->patch, "{\"a\":1}");
    EXPECT_EQ(patch->if_version, std::nullopt);
    amqp::Message versioned = twin_request("PATCH", "/properties/reported");
    versioned.message_annotations.push_back({"version", std::int64_t{4}});
    EXPECT_EQ(read_twin_request(versioned)->if_version, 4);
    versioned.message_annotations.back().value = {};
    EXPECT_EQ(read_twin_request(versioned)->if_version, std::nullopt);
    EXPECT_EQ(read_twin_request(twin_request("PUT", "/notifications/twin/properties/desired"))->operation, TwinOperation::subscribe);
    EXPECT_EQ(read_twin_request(twin_request("DELETE", "/notifications/twin/properties/desired"))->operation, TwinOperation::unsubscribe);
    for (const auto& bad : {twin_request("POST"), twin_request("PATCH"), twin_request("PATCH", "/properties/desired"), twin_request("PUT", "/x"), amqp::Message{}})
        EXPECT_EQ(read_twin_request(bad).error().code, Errc::malformed);
}

TEST(TwinAnswer, HasTheTypesThatSdksCheck) {
    const std::string bytes = write_twin_answer(amqp::MessageId(std::string("Get1")), 200, 5, "{}");
    const auto answer = amqp::decode_message(bytes);
    ASSERT_TRUE(answer);
    EXPECT_EQ(answer->properties.correlation_id, amqp::MessageId(std::string("Get1")));
    EXPECT_EQ(answer->message_annotations, (amqp::Map{{"status", std::int32_t{200}}, {"version", std::int64_t{5}}}));
    EXPECT_EQ(answer->body(), "{}");
    const std::string patch_bytes = write_desired_patch("{\"$version\":2}");
    const auto patch = amqp::decode_message(patch_bytes);
    EXPECT_EQ(patch->properties, amqp::Properties{});
    EXPECT_TRUE(patch->message_annotations.empty());
    EXPECT_EQ(patch->body(), "{\"$version\":2}");
}

TEST(MethodCall, GoesByUuidAndComesBackInAnyForm) {
    const auto uuid = *amqp::parse_uuid("6ba7b810-9dad-11d1-80b4-00c04fd430c8");
    const std::string bytes = write_method_call(uuid, "reboot", "");
    const auto call = amqp::decode_message(bytes);
    ASSERT_TRUE(call);
    EXPECT_EQ(call->properties.correlation_id, amqp::MessageId(uuid));
    EXPECT_EQ(*amqp::find(call->application_properties, "IoThub-methodname"), amqp::Value(std::string("reboot")));
    EXPECT_EQ(call->data.size(), 1u);

    const amqp::MessageId ids[] = {uuid, std::string("6BA7B810-9DAD-11D1-80B4-00C04FD430C8"),
                                   amqp::Binary{std::string(reinterpret_cast<const char*>(uuid.bytes.data()), 16)}};
    for (const amqp::MessageId& id : ids) {
        amqp::Message answer;
        answer.properties.correlation_id = id;
        answer.application_properties = {{"IoThub-status", std::int32_t{207}}};
        answer.data = {"true"};
        const auto read = read_method_answer(answer);
        ASSERT_TRUE(read);
        EXPECT_EQ(read->request, "6ba7b810-9dad-11d1-80b4-00c04fd430c8");
        EXPECT_EQ(read->status, 207);
        EXPECT_EQ(read->payload, "true");
        answer.application_properties.clear();
        EXPECT_EQ(read_method_answer(answer)->status, 400000);
        EXPECT_EQ(read_method_answer(answer)->payload, "");
    }
    EXPECT_FALSE(read_method_answer({}));
}

}  // namespace
}  // namespace selvage::codec::hub_amqp
