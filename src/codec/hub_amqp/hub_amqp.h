// What IoT Hub puts into AMQP's addresses, annotations and properties; for the server head.
//
// Wire: docs/wire/amqp.md.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "codec/amqp/message.h"
#include "codec/amqp/value.h"
#include "domain/identity.h"
#include "domain/message.h"

namespace selvage::codec::hub_amqp {

// ---- addresses ----
enum class Node { cbs, events, devicebound, twin, methods };
struct LinkAddress {
    Node node = Node::cbs;
    domain::Identity identity;      // empty for cbs
};
// `$cbs`, `/devices/…` or `amqps://host/devices/…`, in any case; ids are decoded. Errors: not_found.
Result<LinkAddress> parse_link_address(std::string_view address);
// `/devices/d/modules/m`, ids percent-encoded.
std::string path_of(const domain::Identity& identity);

// The user of SASL PLAIN.
struct SaslUser {
    domain::Identity identity;      // empty for a policy
    std::string policy;
};
// Errors: unauthorized: of another form, or of another hub than `host_name` (of which the first label counts).
Result<SaslUser> parse_sasl_user(std::string_view user, std::string_view host_name);

// ---- telemetry ----
inline constexpr std::size_t kBatchMessagesMax = 4096;
// The messages of one transfer: one, or as many as a batch holds. Errors: malformed; then none of them counts.
Result<std::vector<domain::Message>> read_telemetry(std::uint32_t message_format, std::string_view bytes);

// ---- C2D and input messages ----
struct DeliveryFacts {
    domain::Identity receiver;
    bool is_input = false;          // else C2D
    std::uint32_t delivery_count = 0;
    amqp::Uuid lock;
};
std::string write_delivery(const DeliveryFacts& facts, const domain::Message& message);
// 16 bytes, as .NET lays out a GUID: the first three groups little-endian.
std::string delivery_tag(const amqp::Uuid& lock);

// ---- $cbs ----
struct PutToken {
    amqp::MessageId message_id;     // set even when the rest is malformed, if it could be read
    bool is_put = false;            // false: delete-token
    std::string token;              // secret
};
// Errors: malformed: no such request.
Result<PutToken> read_put_token(const amqp::Message& message);
std::string write_cbs_answer(const amqp::MessageId& request, int status, std::string_view description);

// ---- twin ----
enum class TwinOperation { get, patch, subscribe, unsubscribe };
struct TwinRequest {
    TwinOperation operation = TwinOperation::get;
    std::optional<std::int64_t> if_version;
    std::string patch;
};
// Errors: malformed.
Result<TwinRequest> read_twin_request(const amqp::Message& message);
// `body` empty: an empty data section.
std::string write_twin_answer(const amqp::MessageId& request, int status, std::optional<std::int64_t> version, std::string_view body);
std::string write_desired_patch(std::string_view patch);

// ---- methods ----
struct MethodAnswer {
    std::string request;            // the correlation id as text
    int status = 0;
    std::string payload;
};
// Errors: malformed: no correlation id.
Result<MethodAnswer> read_method_answer(const amqp::Message& message);
std::string write_method_call(const amqp::Uuid& request, std::string_view method, std::string_view payload);

// An id of any type as text: UUIDs in lower case with hyphens, numbers as digits, bytes as they are if they are UTF-8 and in
// base64 if not. Empty: none.
std::string to_text(const amqp::MessageId& id);

}  // namespace selvage::codec::hub_amqp
