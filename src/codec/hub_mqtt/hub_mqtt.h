// What IoT Hub puts into MQTT's topics, user names and property bags; used by the server head and by the client.
//
// Wire: docs/wire/mqtt.md. Parsers accept every variant that the official SDKs send; formatters write the one form that
// all of them can read (their parsers go by position). All text in is UTF-8, which the packet decoder sees to.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>

#include "base/result.h"
#include "domain/identity.h"
#include "domain/message.h"

namespace selvage::codec::hub_mqtt {

// ---- CONNECT user name ----
struct UserName {
    std::string host;
    domain::Identity identity;
    std::string api_version;
    std::string product_info;     // DeviceClientType, decoded
    std::string model_id;
    std::string auth_chain;       // decoded
};
// `{host}/{d}/?…`, `{host}/{d}/{m}/?…`, the legacy forms without `?`, and the one literal six-segment form. A user name
// without any query is taken as a legacy one; a query without api-version is malformed. Errors: malformed.
Result<UserName> parse_user_name(std::string_view text);
std::string format_user_name(const UserName& name);

// ---- client → hub ----
struct Telemetry { domain::Identity identity; domain::Message message; };      // body is left empty
// `request_id`: as written, to be echoed as it is. Empty in a patch: no answer is wanted.
struct TwinGet { std::string request_id; };
struct TwinPatch { std::string request_id; std::optional<std::int64_t> if_version; };
struct MethodAnswer { std::string request_id; int status = 0; };
using ClientTopic = std::variant<Telemetry, TwinGet, TwinPatch, MethodAnswer>;
// Errors: malformed (unknown topic or bad bag; says which).
Result<ClientTopic> parse_client_topic(std::string_view topic);

// The property bag of `topic` when that is where `identity` publishes its telemetry; nothing for every other topic. What
// parse_client_topic() does for the topic that nearly all packets have, without its copies.
std::optional<std::string_view> own_telemetry_bag(std::string_view topic, const domain::Identity& identity);

std::string telemetry_topic(const domain::Identity& identity, const domain::Message& message);
std::string twin_get_topic(std::string_view request_id);
std::string twin_patch_topic(std::string_view request_id);
std::string method_answer_topic(std::string_view request_id, int status);

// ---- hub → client ----
struct C2dMessage { domain::Message message; };
struct InputMessage { std::string input; domain::Message message; };           // also sets input_name
struct TwinAnswer { std::string request_id; int status = 0; std::optional<std::int64_t> version; };
struct DesiredPatch { std::int64_t version = 0; };
struct MethodCall { std::string request_id; std::string method; };
using HubTopic = std::variant<C2dMessage, InputMessage, TwinAnswer, DesiredPatch, MethodCall>;
Result<HubTopic> parse_hub_topic(std::string_view topic);

// Always has at least %24.to in the bag (one SDK indexes the segment); `$` is written %24. The input's topic takes its
// name from the message's input_name.
std::string c2d_topic(const domain::Identity& identity, const domain::Message& message);
std::string input_topic(const domain::Identity& identity, const domain::Message& message);
std::string twin_answer_topic(int status, std::string_view request_id, std::optional<std::int64_t> version = {});
std::string desired_patch_topic(std::int64_t version);
std::string method_call_topic(std::string_view method, std::string_view request_id);

// ---- filters ----
enum class FilterKind { c2d, inputs, twin_answers, desired, methods, unknown };
// What a SUBSCRIBE filter asks for; filters of another identity, and everything not known, are `unknown`.
FilterKind classify_filter(std::string_view filter, const domain::Identity& identity);
std::string filter_for(FilterKind kind, const domain::Identity& identity);

// ---- property bag ----
// `k=v&k2`, percent-encoded; names `$.mid` and so on become system properties, unknown ones stay application properties.
// Names that only hubs set are dropped unless `from_hub`; acknowledgement requests (`iothub-ack`) are known only then. A
// trailing '/' is none of the bag's. Duplicates: the last wins. Numeric times become ISO 8601. Errors: malformed (a value
// without a name, over 1,024 properties).
Result<> parse_bag(std::string_view bag, domain::Message& message, bool from_hub);
// `to_client`: names that clients read, times in .NET's round-trip form or left out, every pair with '='. Otherwise names
// that hubs take, null values without '='.
std::string format_bag(const domain::Message& message, bool to_client);

}  // namespace selvage::codec::hub_mqtt
