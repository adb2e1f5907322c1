#include "edge/daemon/api/workload_api.h"

#include <arpa/inet.h>
#include <fmt/core.h>

#include "base/encoding.h"
#include "base/time_text.h"

namespace selvage::edge::daemon {
namespace {

using net::HttpResponse;

constexpr std::chrono::hours kUsualLifetime{24 * 30};
constexpr std::chrono::hours kLeastLifetime{1};

template <class T>
using OrResponse = std::expected<T, HttpResponse>;

OrResponse<JsonObject> object_of(const ApiCall& call) {
    if (!call.body) return std::unexpected(error_response(400, "missing parameter: request body"));
    if (!call.body->is_object()) return std::unexpected(error_response(422, "the body must be a JSON object"));
    return call.body->as_object();
}

// A required member of base64, decoded.
OrResponse<std::string> bytes_member(const JsonObject& body, std::string_view name) {
    const Json* value = body.if_contains(name);
    if (value == nullptr || !value->is_string()) return std::unexpected(error_response(422, fmt::format("missing field `{}`", name)));
    auto bytes = from_base64(value->as_string());
    if (!bytes) return std::unexpected(error_response(400, fmt::format("invalid parameter: {} is no base64", name)));
    return std::move(*bytes);
}

Awaitable<HttpResponse> list_modules(WorkloadParts& parts) {
    auto modules = co_await parts.runtime.list();
    if (!modules) co_return error_response(500, modules.error().detail);
    JsonArray list;
    for (const auto& details : *modules) list.push_back(management::to_json(details));
    co_return json_response(200, JsonObject{{"modules", std::move(list)}});
}

Awaitable<HttpResponse> sign(WorkloadParts& parts, ApiCall call) {
    auto body = object_of(call);
    if (!body) co_return std::move(body.error());
    auto data = bytes_member(*body, "data");
    if (!data) co_return std::move(data.error());
    auto digest = co_await parts.identities.sign(call.arguments[0], call.arguments[1], std::move(*data));
    if (!digest)
        co_return error_response(500, fmt::format("failed to get module identity for {}: {}", call.arguments[0], digest.error().detail));
    co_return json_response(200, JsonObject{{"digest", to_base64(*digest)}});
}

// Both directions bind the text to the module and its generation.
HttpResponse crypt(WorkloadParts& parts, const ApiCall& call, bool encrypt) {
    auto body = object_of(call);
    if (!body) return std::move(body.error());
    auto text = bytes_member(*body, encrypt ? "plaintext" : "ciphertext");
    if (!text) return std::move(text.error());
    auto iv = bytes_member(*body, "initializationVector");
    if (!iv) return std::move(iv.error());
    const std::string aad = call.arguments[0] + call.arguments[1];
    const auto result = encrypt ? parts.keys.seal(identity::kEncryptionMaster, *iv, aad, *text)
                                : parts.keys.unseal(identity::kEncryptionMaster, *iv, aad, *text);
    if (!result) return error_response(500, fmt::format("failed to {}: {}", encrypt ? "encrypt" : "decrypt", result.error().detail));
    return json_response(200, JsonObject{{encrypt ? "ciphertext" : "plaintext", to_base64(*result)}});
}

HttpResponse certificate_response(const Result<security::KeyPairPem>& pair) {
    if (!pair) return error_response(500, fmt::format("failed to create cert: {}", pair.error().detail));
    const auto facts = security::read_certificate(pair->certificate_pem);
    if (!facts) return error_response(500, fmt::format("failed to create cert: {}", facts.error().detail));
    std::string expiration = management::to_rfc3339(std::chrono::floor<std::chrono::seconds>(facts->not_after));
    expiration.replace(expiration.size() - 1, 1, "+00:00");
    return json_response(201, JsonObject{{"privateKey", JsonObject{{"type", "key"}, {"bytes", pair->key_pem}}},
                                         {"certificate", pair->certificate_pem},
                                         {"expiration", expiration}});
}

std::string without_dollar(std::string_view module_id) {
    return std::string(module_id.substr(std::min(module_id.find_first_not_of('$'), module_id.size())));
}

bool is_ip_address(const std::string& text) {
    std::array<unsigned char, 16> address{};
    return ::inet_pton(AF_INET, text.c_str(), address.data()) == 1 || ::inet_pton(AF_INET6, text.c_str(), address.data()) == 1;
}

HttpResponse server_certificate(WorkloadParts& parts, const ApiCall& call) {
    auto body = object_of(call);
    if (!body) return std::move(body.error());
    const std::string common_name(find_text(*body, "commonName"));
    if (common_name.empty()) return error_response(422, "missing field `commonName`");
    security::CertificateRequest request;
    request.common_name = common_name;
    (is_ip_address(common_name) ? request.ip_addresses : request.dns_names).push_back(common_name);
    request.dns_names.push_back(without_dollar(call.arguments[0]));
    request.server_auth = true;
    request.lifetime = kUsualLifetime;
    if (const auto text = find_text(*body, "expiration"); !text.empty()) {
        const auto expires = from_iso8601(text);
        if (!expires) return error_response(400, "invalid parameter: expiration is no time such as 2026-01-02T03:04:05Z");
        request.lifetime = std::max(kLeastLifetime, std::chrono::floor<std::chrono::hours>(*expires - parts.time.utc_now()));
    }
    return certificate_response(parts.edge_ca.issue(request));
}

HttpResponse identity_certificate(WorkloadParts& parts, const ApiCall& call) {
    security::CertificateRequest request;
    request.common_name = call.arguments[0];
    // A URI in a name of the DNS kind, as Azure's daemon writes it.
    request.dns_texts.push_back(
        fmt::format("URI: azureiot://{}/devices/{}/modules/{}", parts.hub_host, parts.device_id, call.arguments[0]));
    request.client_auth = true;
    request.lifetime = kUsualLifetime;
    return certificate_response(parts.edge_ca.issue(request));
}

HttpResponse trust_bundle(const WorkloadParts& parts) {
    return json_response(200, JsonObject{{"certificate", parts.edge_ca.bundle() + parts.user_trust_bundle}});
}

// A route of the module itself: `handler` runs when the caller is a process of the module that the path names.
template <class Handler>
ApiHandler of_module(WorkloadParts& parts, Handler handler) {
    return [&parts, handler](ApiCall call) -> Awaitable<HttpResponse> {
        const bool allowed = co_await parts.callers.is_module(call.caller_pid, call.arguments[0]);
        if (!allowed) co_return error_response(403, "forbidden");
        co_return co_await handler(parts, std::move(call));
    };
}

}  // namespace

void add_workload_routes(Api& api, WorkloadParts& parts) {
    const auto at_once = [](auto make) {
        return [make](WorkloadParts& given, ApiCall call) -> Awaitable<HttpResponse> { co_return make(given, call); };
    };
    api.add("GET", "/modules", kFirstVersion, [&parts](ApiCall) { return list_modules(parts); });
    api.add("POST", "/modules/*/genid/*/sign", kFirstVersion, of_module(parts, sign));
    api.add("POST", "/modules/*/genid/*/encrypt", kFirstVersion, of_module(parts, at_once([](WorkloadParts& given, const ApiCall& call) { return crypt(given, call, true); })));
    api.add("POST", "/modules/*/genid/*/decrypt", kFirstVersion, of_module(parts, at_once([](WorkloadParts& given, const ApiCall& call) { return crypt(given, call, false); })));
    api.add("POST", "/modules/*/genid/*/certificate/server", kFirstVersion, of_module(parts, at_once(server_certificate)));
    api.add("POST", "/modules/*/certificate/identity", kFirstVersion, of_module(parts, at_once(identity_certificate)));
    api.add("GET", "/trust-bundle", kFirstVersion, [&parts](ApiCall) -> Awaitable<HttpResponse> { co_return trust_bundle(parts); });
    api.add("GET", "/manifest-trust-bundle", kFirstVersion,
            [](ApiCall) -> Awaitable<HttpResponse> { co_return json_response(200, JsonObject{{"certificate", ""}}); });
}

}  // namespace selvage::edge::daemon
