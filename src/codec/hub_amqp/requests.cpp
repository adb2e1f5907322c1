// Requests and answers: tokens, twins, methods.
#include <algorithm>
#include <limits>

#include "base/encoding.h"
#include "codec/hub_amqp/hub_amqp.h"

namespace selvage::codec::hub_amqp {
namespace {

constexpr int kNoStatus = 400000;   // docs/wire/amqp.md#methods

std::string_view text_entry(const amqp::Map& map, std::string_view key) {
    const amqp::Value* value = amqp::find(map, key);
    const std::string* text = value == nullptr ? nullptr : amqp::as_text(*value);
    return text == nullptr ? std::string_view{} : std::string_view(*text);
}

}  // namespace

Result<PutToken> read_put_token(const amqp::Message& message) {
    PutToken request;
    request.message_id = message.properties.message_id;
    const auto operation = text_entry(message.application_properties, "operation");
    const auto type = text_entry(message.application_properties, "type");
    request.is_put = equals_ignoring_case(operation, "put-token");
    if (!request.is_put && !equals_ignoring_case(operation, "delete-token"))
        return fail(Errc::malformed, "the operation is neither put-token nor delete-token");
    if (!to_lower(type).ends_with(":sastoken")) return fail(Errc::malformed, "the token is of a type other than sastoken");
    request.token = message.body();
    if (request.is_put && request.token.empty()) return fail(Errc::malformed, "the body holds no token");
    if (!request.is_put) request.token = text_entry(message.application_properties, "name");
    return request;
}

std::string write_cbs_answer(const amqp::MessageId& request, int status, std::string_view description) {
    amqp::Message out;
    out.properties.correlation_id = request;
    out.application_properties = {{"status-code", std::int32_t{status}}, {"status-description", std::string(description)}};
    out.value = amqp::Value{};
    return amqp::encode_message(out);
}

Result<TwinRequest> read_twin_request(const amqp::Message& message) {
    const auto operation = text_entry(message.message_annotations, "operation");
    TwinRequest request;
    if (equals_ignoring_case(operation, "GET")) return request;
    if (equals_ignoring_case(operation, "PUT")) request.operation = TwinOperation::subscribe;
    else if (equals_ignoring_case(operation, "DELETE")) request.operation = TwinOperation::unsubscribe;
    else if (equals_ignoring_case(operation, "PATCH")) request.operation = TwinOperation::patch;
    else return fail(Errc::malformed, "the annotation 'operation' is none of GET, PATCH, PUT, DELETE");

    const auto resource = text_entry(message.message_annotations, "resource");
    const std::string_view known = request.operation == TwinOperation::patch ? "/properties/reported" : "/notifications/twin/properties/desired";
    if (!equals_ignoring_case(resource, known)) return fail(Errc::malformed, "the annotation 'resource' is not " + std::string(known));
    if (request.operation != TwinOperation::patch) return request;
    request.patch = message.body();
    if (const amqp::Value* version = amqp::find(message.message_annotations, "version")) request.if_version = amqp::as_integer(*version);
    return request;
}

std::string write_twin_answer(const amqp::MessageId& request, int status, std::optional<std::int64_t> version, std::string_view body) {
    amqp::Message out;
    out.properties.correlation_id = request;
    out.message_annotations = {{"status", std::int32_t{status}}};
    if (version) out.message_annotations.push_back({"version", *version});
    out.data = {body};
    return amqp::encode_message(out);
}

std::string write_desired_patch(std::string_view patch) {
    amqp::Message out;
    out.data = {patch};
    return amqp::encode_message(out);
}

Result<MethodAnswer> read_method_answer(const amqp::Message& message) {
    MethodAnswer answer;
    amqp::MessageId id = message.properties.correlation_id;
    amqp::Uuid uuid;
    // What one SDK makes of the UUID that it got.
    if (const auto* bytes = std::get_if<amqp::Binary>(&id); bytes != nullptr && bytes->bytes.size() == uuid.bytes.size()) {
        std::copy(bytes->bytes.begin(), bytes->bytes.end(), uuid.bytes.begin());
        id = uuid;
    }
    answer.request = to_text(id);
    if (answer.request.empty()) return fail(Errc::malformed, "a method answer without a correlation id");
    answer.request = to_lower(answer.request);
    const amqp::Value* status = amqp::find(message.application_properties, "IoThub-status");
    const auto number = status == nullptr ? std::nullopt : amqp::as_integer(*status);
    if (!number || *number < std::numeric_limits<int>::min() || *number > std::numeric_limits<int>::max()) {
        answer.status = kNoStatus;
        return answer;
    }
    answer.status = static_cast<int>(*number);
    answer.payload = message.body();
    return answer;
}

std::string write_method_call(const amqp::Uuid& request, std::string_view method, std::string_view payload) {
    amqp::Message out;
    out.properties.correlation_id = request;
    out.application_properties = {{"IoThub-methodname", std::string(method)}};
    out.data = {payload};
    return amqp::encode_message(out);
}

}  // namespace selvage::codec::hub_amqp
