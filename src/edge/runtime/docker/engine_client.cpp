#include "edge/runtime/docker/engine_client.h"

#include <fmt/core.h>

#include "base/encoding.h"

namespace selvage::edge::runtime {
namespace {

constexpr std::size_t kErrorBytesMax = 16 * 1024;

Errc code_of(int status) {
    switch (status) {
        case 400: return Errc::invalid_argument;
        case 401: return Errc::forbidden;
        case 403: return Errc::forbidden;
        case 404: return Errc::not_found;
        case 409: return Errc::already_exists;
        default: return Errc::internal;
    }
}

Error refusal(int status, std::string_view body) {
    if (const auto object = parse_json_object(trim(body)))
        if (const auto message = find_text(*object, "message"); !message.empty()) return {code_of(status), std::string(message)};
    return {code_of(status), body.empty() ? fmt::format("the engine answered {}", status) : std::string(trim(body.substr(0, 1024)))};
}

}  // namespace

net::Target EngineClient::target() const {
    net::Target target;
    target.host = "docker";
    target.unix_path = socket_path_;
    return target;
}

net::HttpClientSettings EngineClient::settings(std::chrono::milliseconds timeout) const {
    net::HttpClientSettings settings;
    settings.response_timeout = timeout;
    return settings;
}

net::HttpRequest EngineClient::http_request(EngineRequest request) const {
    net::HttpRequest http;
    http.method = std::move(request.method);
    http.target = std::move(request.target);
    http.headers.set("Connection", "close");
    if (!request.registry_auth.empty()) http.headers.set("X-Registry-Auth", request.registry_auth);
    if (!request.body.empty()) http.headers.set("Content-Type", "application/json");
    http.body = std::move(request.body);
    return http;
}

Error EngineClient::unreachable(const Error& error) const {
    if (error.code == Errc::cancelled) return error;
    return {error.code, fmt::format("container engine at {}: {}", socket_path_, error.detail)};
}

Awaitable<Result<Json>> EngineClient::call(EngineRequest request) {
    net::HttpClient http(dialer_, time_, target(), settings(request.timeout));
    auto response = co_await http.send(http_request(std::move(request)));
    if (!response) co_return fail(unreachable(response.error()));
    if (response->status >= 400) co_return fail(refusal(response->status, response->body));
    if (trim(response->body).empty()) co_return Json(nullptr);
    auto json = parse_json(trim(response->body));
    if (!json) co_return fail(json.error().in("the engine's answer"));
    co_return std::move(*json);
}

Awaitable<Result<>> EngineClient::stream(EngineRequest request,
                                         std::function<Awaitable<bool>(std::string_view part)> on_part) {
    net::HttpClient http(dialer_, time_, target(), settings(request.timeout));
    struct State {
        bool refused = false;
        std::string error_body;
    };
    const auto state = std::make_shared<State>();
    const auto on_head = [state](const net::HttpResponse& head) {
        state->refused = head.status >= 400;
        return true;
    };
    const auto on_body = [state, on_part](std::string_view part) -> Awaitable<bool> {
        if (!state->refused) co_return co_await on_part(part);
        state->error_body.append(part.substr(0, kErrorBytesMax - state->error_body.size()));
        co_return state->error_body.size() < kErrorBytesMax;
    };
    auto response = co_await http.stream(http_request(std::move(request)), on_body, on_head);
    if (!response) co_return fail(unreachable(response.error()));
    if (state->refused) co_return fail(refusal(response->status, state->error_body));
    co_return Result<>();
}

}  // namespace selvage::edge::runtime
