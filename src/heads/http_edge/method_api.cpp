#include "heads/http_edge/method_api.h"

#include <fmt/core.h>

#include "async/deadline.h"
#include "base/encoding.h"
#include "base/json.h"
#include "base/log.h"
#include "heads/http_edge/error_map.h"

namespace selvage::heads::http_edge {

using domain::Identity;
using domain::MethodRequest;
using net::HttpRequest;
using net::HttpResponse;

namespace {

using namespace std::chrono_literals;

// docs/wire/edge-http.md
constexpr std::string_view kCallerField = "x-ms-edge-moduleId";
constexpr std::chrono::seconds kResponseTimeoutMin = 5s;
constexpr std::chrono::seconds kTimeoutMax = 300s;
constexpr std::chrono::seconds kResponseTimeout = 30s;

std::optional<Identity> target_of(const std::vector<std::string>& path) {
    const auto is = [&](std::size_t i, std::string_view literal) { return equals_ignoring_case(path[i], literal); };
    if (path.size() == 3 && is(0, "twins") && is(2, "methods")) return Identity::of_device(path[1]);
    if (path.size() == 5 && is(0, "twins") && is(2, "modules") && is(4, "methods")) return Identity::of_module(path[1], path[3]);
    return std::nullopt;
}

bool is_file_upload(const std::vector<std::string>& path) {
    return path.size() >= 3 && equals_ignoring_case(path[0], "devices") && equals_ignoring_case(path[2], "files");
}

Result<std::chrono::seconds> read_timeout(const JsonObject& body, std::string_view name, std::chrono::seconds otherwise,
                                          std::chrono::seconds least) {
    const Json* value = find(body, name);
    if (value == nullptr) return otherwise;
    const bool whole = value->is_int64() && value->as_int64() >= least.count() && value->as_int64() <= kTimeoutMax.count();
    if (whole) return std::chrono::seconds(value->as_int64());
    return fail(Errc::invalid_argument,
                fmt::format("{}: give whole seconds from {} to {}", name, least.count(), kTimeoutMax.count()));
}

Result<MethodRequest> read_call(std::string_view text) {
    SELVAGE_TRY(const auto body, parse_json_object(text));
    MethodRequest request{.name = std::string(find_text(body, "methodName")), .payload = {}};
    if (const Json* payload = find(body, "payload")) request.payload = to_text(*payload);
    SELVAGE_TRY(request.response_timeout,
                read_timeout(body, "responseTimeoutInSeconds", kResponseTimeout, kResponseTimeoutMin));
    SELVAGE_TRY(request.connect_timeout, read_timeout(body, "connectTimeoutInSeconds", 0s, 0s));
    SELVAGE_CHECK(domain::check(request));
    return request;
}

// "device/module"
std::optional<Identity> caller_of(const HttpRequest& request) {
    const std::string text(trim(request.headers.get(kCallerField)));
    const auto slash = text.find('/');
    if (slash == text.npos || slash == 0 || slash + 1 == text.size()) return std::nullopt;
    return Identity::of_module(text.substr(0, slash), text.substr(slash + 1));
}

std::string answer_text(const domain::MethodResponse& response) {
    JsonObject answer;
    answer["status"] = response.status;
    // The hub has checked that it parses.
    auto payload = parse_json(response.payload);
    answer["payload"] = payload ? *std::move(payload) : Json(nullptr);
    return to_text(answer);
}

}  // namespace

Awaitable<HttpResponse> MethodApi::handle(HttpRequest request) {
    const std::string what = fmt::format("{} {} by {}", request.method, request.target.substr(0, 300),
                                         std::string(request.headers.get(kCallerField).substr(0, 300)));
    auto body = co_await invoke(std::move(request));
    HttpResponse response;
    if (body) {
        response.headers.set("Content-Type", "application/json; charset=utf-8");
        response.body = *std::move(body);
    } else {
        log::debug("http.method", "{} failed: {}: {}", what, name(body.error().code), body.error().detail);
        response = error_response(body.error());
    }
    response.headers.set("X-Content-Type-Options", "nosniff");
    co_return response;
}

Awaitable<Result<std::string>> MethodApi::invoke(HttpRequest request) {
    SELVAGE_CO_TRY(const auto target, net::parse_target(request.target));
    const auto callee = target_of(target.path);
    if (!callee && is_file_upload(target.path)) {
        co_return fail(Errc::not_found, "an edge hub takes no file uploads: ask the IoT hub itself, without a gateway");
    }
    if (!callee) co_return fail(Errc::not_found, "no such resource");
    if (request.method != "POST") co_return fail(Errc::unsupported, "this path takes POST");
    SELVAGE_CO_CHECK(co_await authenticate(request));
    SELVAGE_CO_TRY(auto call, read_call(request.body));
    SELVAGE_CO_TRY(const auto response, co_await hub_.invoke_method(*callee, std::move(call)));
    co_return answer_text(response);
}

Awaitable<Result<>> MethodApi::authenticate(const HttpRequest& request) {
    const auto caller = caller_of(request);
    if (!caller) co_return fail(Errc::invalid_argument, fmt::format("Invalid header value for {}", kCallerField));
    if (caller->device != settings_.edge_device) {
        co_return fail(Errc::unauthorized, "Only modules on the same device can invoke DirectMethods");
    }
    hub_api::Credentials credentials{.identity = *caller,
                                     .sas_token = std::string(request.headers.get("Authorization")),
                                     .certificate_chain_pem = {},
                                     .auth_chain = {}};
    if (credentials.sas_token.empty() && request.peer != nullptr)
        credentials.certificate_chain_pem = request.peer->peer_certificates();
    const auto grant =
        co_await async::with_deadline(time_, settings_.authenticate_timeout, hub_.authenticate(std::move(credentials)));
    if (grant) co_return Result<>{};
    log::info("http.method", "refused caller={} reason={}: {}", to_text(*caller), name(grant.error().code), grant.error().detail);
    const auto code = grant.error().code;
    if (code == Errc::unavailable || code == Errc::cancelled) co_return fail(code, "the caller cannot be authenticated now");
    co_return fail(Errc::unauthorized, fmt::format("Unable to authenticate device with Id {}", to_text(*caller)));
}

}  // namespace selvage::heads::http_edge
