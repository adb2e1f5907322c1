#include "edge/daemon/api/api.h"

#include <fmt/core.h>

#include <algorithm>
#include <array>

#include "base/encoding.h"
#include "base/log.h"

namespace selvage::edge::daemon {
namespace {

// docs/wire/management-api.md#versions
constexpr std::array<std::string_view, 7> kVersions = {"2018-06-28", "2019-01-30", "2019-10-22", "2019-11-05",
                                                       "2020-07-07", "2021-12-07", "2022-08-03"};

std::vector<std::string> split_path(std::string_view path) {
    std::vector<std::string> parts;
    while (!path.empty()) {
        path.remove_prefix(1);
        const auto end = std::min(path.find('/'), path.size());
        parts.emplace_back(path.substr(0, end));
        path.remove_prefix(end);
    }
    return parts;
}

bool matches(const std::vector<std::string>& pattern, const std::vector<std::string>& path) {
    return std::equal(pattern.begin(), pattern.end(), path.begin(), path.end(), [](const std::string& want, const std::string& part) {
        return want == "*" ? !part.empty() : equals_ignoring_case(want, part);
    });
}

// Parses the body as the method's rules want it; the response when it cannot be taken.
std::optional<net::HttpResponse> read_body(const net::HttpRequest& request, ApiCall& call) {
    if (request.method != "POST" && request.method != "PUT" && request.method != "DELETE") return std::nullopt;
    const std::string_view type = request.headers.get("Content-Type");
    const bool is_json = type.empty() || equals_ignoring_case(trim(type.substr(0, type.find(';'))), "application/json");
    if (request.method == "PUT" && !is_json) return error_response(415, "request body must be application/json");
    if (request.method != "PUT" && (!is_json || request.body.empty())) return std::nullopt;
    auto body = parse_json(request.body);
    if (!body) return error_response(422, body.error().detail);
    call.body = std::move(*body);
    return std::nullopt;
}

}  // namespace

void Api::add(std::string_view method, std::string_view pattern, std::string_view since, ApiHandler handler) {
    routes_.push_back({std::string(method), split_path(pattern), std::string(since), std::move(handler)});
}

Awaitable<net::HttpResponse> Api::answer(net::HttpRequest request) const {
    auto target = net::parse_target(request.target);
    if (!target) co_return error_response(404, "not found");
    const std::string* version = target->get("api-version");
    if (version == nullptr) co_return error_response(400, "api-version not specified");
    if (std::find(kVersions.begin(), kVersions.end(), *version) == kVersions.end())
        co_return error_response(400, fmt::format("invalid api-version \"{}\"", *version));

    const Route* found = nullptr;
    bool other_method = false;
    for (const Route& route : routes_) {
        // Versions are dates, so their order is that of their texts.
        if (route.since > *version || !matches(route.pattern, target->path)) continue;
        if (route.method != request.method) other_method = true;
        else if (found == nullptr) found = &route;
    }
    if (found == nullptr) co_return other_method ? error_response(400, "method not allowed") : error_response(404, "not found");

    ApiCall call;
    call.caller_pid = request.peer == nullptr ? -1 : request.peer->peer_pid();
    call.caller_uid = request.peer == nullptr ? -1 : request.peer->peer_uid();
    if (gate_) {
        const bool allowed = co_await gate_(call.caller_pid, call.caller_uid);
        if (!allowed) co_return error_response(403, "forbidden");
    }
    if (auto refusal = read_body(request, call)) co_return std::move(*refusal);
    for (std::size_t i = 0; i < found->pattern.size(); ++i)
        if (found->pattern[i] == "*") call.arguments.push_back(target->path[i]);
    call.target = std::move(*target);
    log::debug("daemon.api", "request method={} path={}", request.method, request.target.substr(0, request.target.find('?')));
    co_return co_await found->handler(std::move(call));
}

net::HttpResponse json_response(int status, const JsonObject& body) {
    net::HttpResponse response;
    response.status = status;
    response.headers.set("Content-Type", "application/json");
    response.body = to_text(body);
    return response;
}

net::HttpResponse empty_response(int status) {
    net::HttpResponse response;
    response.status = status;
    return response;
}

net::HttpResponse error_response(int status, std::string_view message) {
    return json_response(status, JsonObject{{"message", message}});
}

}  // namespace selvage::edge::daemon
