// Authentication first knows whom a path speaks for: `/devices/{id}/…` is the device's own,
// `/devices/{id}/modules/$edgeHub/…` with anything behind it the edge hub's. Both may come with those identities' own
// credentials.
#include "cloud/service_http/service.h"

#include <algorithm>

#include "base/encoding.h"
#include "base/log.h"
#include "cloud/service_http/answers.h"

namespace selvage::cloud::service_http {

using domain::Identity;
using net::HttpRequest;
using net::HttpResponse;

namespace {

bool is(const std::string& part, std::string_view literal) {
    return equals_ignoring_case(part, literal);
}

// YYYY-MM-DD, with an optional "-preview".
bool is_api_version(std::string_view text) {
    if (text.ends_with("-preview")) text.remove_suffix(8);
    if (text.size() != 10) return false;
    for (std::size_t i = 0; i < text.size(); ++i) {
        const bool hyphen = i == 4 || i == 7;
        if (hyphen ? text[i] != '-' : text[i] < '0' || text[i] > '9') return false;
    }
    return true;
}

std::string path_text(const net::HttpTarget& target) {
    std::string path;
    for (const auto& part : target.path)
        path += "/" + part;
    return path;
}

bool is_edge_call(const std::vector<std::string>& path) {
    return path.size() == 5 && is(path[0], "devices") && is(path[2], "modules") && path[3] == domain::kEdgeHubModule;
}

std::optional<Identity> identity_of_path(const std::vector<std::string>& path) {
    if (path.size() < 2 || !is(path[0], "devices")) return std::nullopt;
    if (is_edge_call(path)) return Identity::of_module(path[1], path[3]);
    return Identity::of_device(path[1]);
}

bool is_file_notification_call(const std::vector<std::string>& path) {
    return path.size() >= 3 && is(path[0], "messages") && is(path[1], "serviceBound") && is(path[2], "filenotifications");
}

bool is_c2d_call(const std::vector<std::string>& path) {
    return path.size() >= 3 && ((is(path[0], "messages") && is(path[1], "serviceBound") && is(path[2], "feedback")) ||
                                (path.size() == 5 && is(path[0], "selvage") && is(path[1], "devices") &&
                                 is(path[3], "messages") && is(path[4], "devicebound")));
}

Subject subject_of(const std::vector<std::string>& path) {
    if (path.size() == 3 && is(path[2], "applyConfigurationContent")) return Subject::configuration;
    if (is_c2d_call(path) || is_file_notification_call(path)) return Subject::c2d;
    if (is_edge_call(path)) return Subject::device;
    if (path.size() >= 3 && is(path[0], "twins") && is(path.back(), "methods")) return Subject::method;
    return path.size() >= 3 && is(path[2], "modules") ? Subject::module : Subject::device;
}

auth::RequestCredentials credentials_of(const HttpRequest& request, const net::HttpTarget& target) {
    return {.authorization = std::string(request.headers.get("Authorization")),
            .certificate_chain_pem =
                request.peer != nullptr ? request.peer->peer_certificates() : std::vector<std::string>{},
            .path = path_text(target),
            .path_identity = identity_of_path(target.path)};
}

}  // namespace

Awaitable<HttpResponse> Service::handle(HttpRequest request) {
    auto target = net::parse_target(request.target);
    if (!target) co_return error_response(target.error(), Subject::any, parts_.time, parts_.random);
    const auto* version = target->get("api-version");
    if (version == nullptr || !is_api_version(*version)) co_return bad_api_version(parts_.time, parts_.random);

    Call call{.method = std::move(request.method),
              .target = *std::move(target),
              .headers = {},
              .body = std::move(request.body),
              .if_match = registry::IfMatch::parse(request.headers.get("If-Match")),
              .caller = {}};
    call.subject = subject_of(call.target.path);
    const Subject subject = call.subject;
    const std::string what = call.method + " " + path_text(call.target);
    auto caller = co_await parts_.authenticator.authenticate_request(credentials_of(request, call.target));
    if (!caller) {
        log::info("service.auth", "refused {} reason={}: {}", what, name(caller.error().code), caller.error().detail);
        // An unknown device's credentials are bad credentials: what is registered is not for strangers to learn.
        const bool unknown =
            caller.error().code == Errc::device_not_found || caller.error().code == Errc::module_not_found;
        const Error why = unknown ? Error{Errc::unauthorized, "bad credentials"} : caller.error();
        co_return error_response(why, Subject::any, parts_.time, parts_.random);
    }
    call.caller = *std::move(caller);
    call.headers = std::move(request.headers);
    auto answer = co_await route(std::move(call));
    if (answer) co_return *std::move(answer);
    const auto failed = http_error(answer.error().code, subject);
    log::at(failed.status == 500 ? log::Level::error : log::Level::debug, "service.request", "{} failed: {}: {}", what,
            name(answer.error().code), answer.error().detail);
    co_return error_response(answer.error(), subject, parts_.time, parts_.random);
}

namespace {
Awaitable<Result<HttpResponse>> refused(Error why) {
    co_return fail(std::move(why));
}
}  // namespace

Service::Answer Service::route(Call call) {
    const auto& path = call.target.path;
    const auto size = path.size();
    const bool first = size >= 1;
    if (first && is(path[0], "devices")) {
        if (is_edge_call(path)) return edge(std::move(call));
        if (size == 2 && is(path[1], "query")) {
            return refused(
                {Errc::unsupported, "this hub does not answer queries yet; read identities and twins one by one"});
        }
        if (size <= 2) return devices(std::move(call));
        if (is(path[2], "modules") && size <= 4) return modules(std::move(call));
        if (is(path[2], "applyConfigurationContent") && size == 3) return configuration(std::move(call));
        if (is(path[2], "commands") && size == 3) return purge(std::move(call));
    }
    if (is_c2d_call(path)) return is(path[0], "messages") ? feedback(std::move(call)) : send_to_device(std::move(call));
    if (is_file_notification_call(path)) return file_notifications(std::move(call));
    if (size >= 2 && is(path[0], "selvage") && is(path[1], "files")) return files(std::move(call));
    if (first && is(path[0], "twins") && size >= 2) {
        const bool module = size >= 4 && is(path[2], "modules");
        if (is(path.back(), "methods") && size == (module ? 5u : 3u)) return methods(std::move(call));
        if (size == (module ? 4u : 2u)) return twins(std::move(call));
    }
    if (first && is(path[0], "statistics") && size == 2) return statistics(std::move(call));
    if (size >= 2 && is(path[0], "selvage") && is(path[1], "certificates")) return certificates(std::move(call));
    if (first && is(path[0], "selvage") && size >= 2 && is(path[1], "events")) return events(std::move(call));
    return refused({Errc::not_found, "this hub has no such resource: " + path_text(call.target)});
}

}  // namespace selvage::cloud::service_http
