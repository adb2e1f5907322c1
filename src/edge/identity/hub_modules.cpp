#include "edge/identity/hub_modules.h"

#include <fmt/core.h>

#include "base/encoding.h"
#include "base/json.h"
#include "base/log.h"
#include "net/http.h"

namespace selvage::edge::identity {
namespace {

constexpr std::string_view kApiVersion = "2017-11-08-preview";   // docs/wire/identity-rest.md
constexpr std::chrono::seconds kTokenLife{300};

Errc code_of(int status) {
    switch (status) {
        case 400: return Errc::invalid_argument;
        case 401: return Errc::unauthorized;
        case 403: return Errc::forbidden;
        case 404: return Errc::not_found;
        case 409: return Errc::already_exists;
        case 412: return Errc::precondition_failed;
        case 429: return Errc::throttled;
        default: return status >= 500 ? Errc::unavailable : Errc::internal;
    }
}

// The hub writes Message, a parent device errorMessage, and networkError when its own way up is broken.
Error refusal(int status, std::string_view body) {
    Errc code = code_of(status);
    std::string_view message;
    const auto object = parse_json_object(body);
    if (object) {
        message = find_text(*object, "Message");
        if (message.empty()) message = find_text(*object, "errorMessage");
        if (find_bool(*object, "networkError")) code = Errc::unavailable;
    }
    return {code, fmt::format("the hub answered {}{}{}", status, message.empty() ? "" : ": ", message)};
}

bool worth_a_retry(Errc code) {
    return code == Errc::unavailable || code == Errc::timeout || code == Errc::throttled || code == Errc::connection_closed;
}

Result<ModuleIdentity> read_identity(const Json& value) {
    if (!value.is_object()) return fail(Errc::internal, "the hub's module is no JSON object");
    ModuleIdentity identity;
    identity.module_id = find_text(value.as_object(), "moduleId");
    identity.generation_id = find_text(value.as_object(), "generationId");
    if (identity.module_id.empty()) return fail(Errc::internal, "the hub's module has no moduleId");
    return identity;
}

}  // namespace

HubModules::HubModules(net::Dialer& dialer, async::TimeSource& time, const KeyStore& keys, HubModulesSettings settings)
    : dialer_(dialer), time_(time), keys_(keys), settings_(std::move(settings)) {}

Result<std::string> HubModules::authorization() const {
    const std::string resource =
        percent_encode(fmt::format("{}/devices/{}", to_lower(settings_.hub_host), percent_encode(settings_.device_id)));
    const auto expires = std::chrono::floor<std::chrono::seconds>(time_.utc_now() + kTokenLife).time_since_epoch().count();
    SELVAGE_TRY(const std::string signature, keys_.hmac(kDeviceKey, fmt::format("{}\n{}", resource, expires)));
    return fmt::format("SharedAccessSignature sr={}&sig={}&se={}", resource, percent_encode(to_base64(signature)), expires);
}

Awaitable<Result<std::string>> HubModules::send(Call call) {
    for (unsigned attempt = 0;; ++attempt) {
        auto answer = co_await send_once(call);
        if (answer || attempt >= settings_.retries || !worth_a_retry(answer.error().code)) co_return answer;
        log::debug("identity.hub", "try again reason={}", answer.error().detail);
        auto slept = co_await time_.sleep_for(settings_.pause);
        if (!slept) co_return fail(slept.error());
    }
}

Awaitable<Result<std::string>> HubModules::send_once(Call call) {
    auto token = authorization();
    if (!token) co_return fail(token.error());
    net::HttpRequest request;
    request.method = call.method;
    request.target = fmt::format("/devices/{}/modules{}{}?api-version={}", percent_encode(settings_.device_id),
                                 call.module_id.empty() ? "" : "/", percent_encode(call.module_id), kApiVersion);
    request.headers.set("Authorization", *token);
    request.headers.set("Accept", "application/json");
    request.headers.set("Connection", "close");
    if (call.if_match_any) request.headers.set("If-Match", "*");
    if (!call.body.empty()) request.headers.set("Content-Type", "application/json");
    request.body = std::move(call.body);

    net::Target target;
    target.host = settings_.gateway_host;
    target.port = settings_.port;
    target.tls = settings_.tls;
    net::HttpClientSettings client;
    client.connect_timeout = settings_.timeout;
    client.response_timeout = settings_.timeout;
    net::HttpClient http(dialer_, time_, std::move(target), client);
    auto response = co_await http.send(std::move(request));
    if (!response) co_return fail(response.error().in(fmt::format("hub {}", settings_.gateway_host)));
    if (response->status != call.success) co_return fail(refusal(response->status, response->body));
    co_return std::move(response->body);
}

Awaitable<Result<ModuleIdentity>> HubModules::send_for_identity(Call call) {
    const std::string subject = fmt::format("module identity '{}'", call.module_id);
    auto body = co_await send(std::move(call));
    if (!body) co_return fail(body.error().in(subject));
    auto json = parse_json(*body);
    if (!json) co_return fail(Errc::internal, fmt::format("{}: the hub's answer is no JSON", subject));
    auto identity = read_identity(*json);
    if (!identity) co_return fail(identity.error().in(subject));
    co_return std::move(*identity);
}

Awaitable<Result<std::vector<ModuleIdentity>>> HubModules::list() {
    auto body = co_await send(Call{.method = "GET", .module_id = {}});
    if (!body) co_return fail(body.error().in("module identities"));
    auto json = parse_json(*body);
    if (!json || !json->is_array()) co_return fail(Errc::internal, "module identities: the hub's answer is no JSON array");
    std::vector<ModuleIdentity> identities;
    for (const Json& entry : json->as_array()) {
        auto identity = read_identity(entry);
        if (!identity) co_return fail(identity.error());
        identities.push_back(std::move(*identity));
    }
    co_return identities;
}

Awaitable<Result<ModuleIdentity>> HubModules::get(std::string module_id) {
    co_return co_await send_for_identity(Call{.method = "GET", .module_id = std::move(module_id)});
}

Awaitable<Result<ModuleIdentity>> HubModules::create(std::string module_id) {
    const JsonObject body{{"moduleId", module_id}, {"deviceId", settings_.device_id}};
    co_return co_await send_for_identity(Call{.method = "PUT", .module_id = std::move(module_id), .body = to_text(body)});
}

Awaitable<Result<ModuleIdentity>> HubModules::put_keys(std::string module_id, ModuleKeys keys) {
    const JsonObject body{
        {"moduleId", module_id},
        {"deviceId", settings_.device_id},
        {"authentication",
         JsonObject{{"symmetricKey", JsonObject{{"primaryKey", keys.primary}, {"secondaryKey", keys.secondary}}}, {"type", "sas"}}}};
    co_return co_await send_for_identity(
        Call{.method = "PUT", .module_id = std::move(module_id), .body = to_text(body), .if_match_any = true});
}

Awaitable<Result<>> HubModules::remove(std::string module_id) {
    const std::string subject = fmt::format("module identity '{}'", module_id);
    Call call{.method = "DELETE", .module_id = std::move(module_id), .if_match_any = true, .success = 204};
    auto body = co_await send(std::move(call));
    if (!body) co_return fail(body.error().in(subject));
    co_return Result<>();
}

}  // namespace selvage::edge::identity
