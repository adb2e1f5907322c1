#include "edge/hub/scope/service_scope_api.h"

#include "async/deadline.h"
#include "base/encoding.h"

namespace selvage::edge::hub {
namespace {

using namespace std::chrono_literals;

constexpr std::string_view kApiVersion = "2020-06-30-preview";
constexpr int kPageSize = 100;
constexpr auto kTokenLife = 1h;

Error error_of(const net::HttpResponse& response) {
    const auto text = "the hub answered " + std::to_string(response.status);
    switch (response.status) {
        case 400:
        case 404: return {Errc::not_found, text};
        case 401: return {Errc::unauthorized, text};
        case 403: return {Errc::forbidden, text};
        case 429: return {Errc::throttled, text};
        default: return {Errc::unavailable, text};
    }
}

Result<ScopePage> read_page(const std::string& body) {
    SELVAGE_TRY(const auto object, parse_json_object(body));
    ScopePage page;
    for (const auto* list : {find_array(object, "devices"), find_array(object, "modules")}) {
        if (list == nullptr) continue;
        for (const auto& element : *list) {
            if (!element.is_object()) return fail(Errc::malformed, "a scope answer lists something that is no identity");
            SELVAGE_TRY(auto identity, scope_identity_from_service(element.as_object()));
            page.identities.push_back(std::move(identity));
        }
    }
    page.continuation = find_text(object, "continuationLink");
    return page;
}

}  // namespace

ServiceScopeApi::ServiceScopeApi(net::Dialer& dialer, async::TimeSource& time, device_client::TokenSource& tokens,
                                 Settings settings)
    : time_(time), tokens_(tokens), settings_(std::move(settings)), http_(dialer, time, settings_.target) {}

async::Awaitable<Result<net::HttpResponse>> ServiceScopeApi::post(std::string operation, JsonObject body) {
    auto call = post_without_deadline(std::move(operation), to_text(body));
    co_return co_await async::with_deadline(time_, settings_.deadline, std::move(call));
}

async::Awaitable<Result<net::HttpResponse>> ServiceScopeApi::post_without_deadline(std::string operation, std::string body) {
    const auto edge = percent_encode(settings_.edge_device);
    const auto resource = settings_.hub_host + "/devices/" + edge + "/modules/%24edgeHub";
    auto token = co_await tokens_.token(resource, time_.utc_now() + kTokenLife);
    if (!token) co_return fail(token.error().in("token for the scope API"));
    net::HttpRequest request;
    request.method = "POST";
    request.target = "/devices/" + edge + "/modules/%24edgeHub/" + operation + "?api-version=" + std::string(kApiVersion);
    request.headers.set("Host", settings_.hub_host);
    request.headers.set("Authorization", *token);
    request.headers.set("Content-Type", "application/json; charset=utf-8");
    request.body = std::move(body);
    co_return co_await http_.send(std::move(request));
}

async::Awaitable<Result<ScopePage>> ServiceScopeApi::list(std::string continuation) {
    JsonObject body;
    body["pageSize"] = kPageSize;
    if (!continuation.empty()) body["continuationLink"] = continuation;
    body["authChain"] = settings_.edge_device;
    SELVAGE_CO_TRY(const auto response, co_await post("devicesAndModulesInTargetDeviceScope", std::move(body)));
    if (response.status != 200) co_return fail(error_of(response).in("listing the scope"));
    co_return read_page(response.body);
}

async::Awaitable<Result<ScopeIdentity>> ServiceScopeApi::get(domain::Identity identity) {
    JsonObject body;
    body["targetDeviceId"] = identity.device;
    if (identity.is_module()) body["targetModuleId"] = identity.module;
    body["authChain"] = settings_.edge_device;
    SELVAGE_CO_TRY(const auto response, co_await post("getDeviceAndModuleOnBehalfOf", std::move(body)));
    if (response.status != 200) {
        auto error = error_of(response).in("identity '" + domain::to_text(identity) + "'");
        // 401 and 403 to this call say that the identity is not in scope (our own token is good, or listing would fail too).
        if (error.code == Errc::unauthorized || error.code == Errc::forbidden) error.code = Errc::not_found;
        co_return fail(std::move(error));
    }
    SELVAGE_CO_TRY(auto page, read_page(response.body));
    for (auto& found : page.identities)
        if (found.identity == identity) co_return std::move(found);
    co_return fail(Errc::not_found, "the hub's answer does not hold identity '" + domain::to_text(identity) + "'");
}

}  // namespace selvage::edge::hub
