#include "cli/hubctl/service_client.h"

#include <fmt/core.h>

#include "base/encoding.h"
#include "security/sas_signer.h"

namespace selvage::cli::hubctl {

namespace {

constexpr std::chrono::minutes kTokenLifetime{60};
constexpr std::size_t kRefusalBytesMax = 64 * 1024;

Errc code_of(int status) {
    switch (status) {
        case 400:
            return Errc::invalid_argument;
        case 401:
            return Errc::unauthorized;
        case 404:
            return Errc::not_found;
        case 409:
            return Errc::already_exists;
        case 412:
            return Errc::precondition_failed;
        case 429:
            return Errc::throttled;
        case 504:
            return Errc::timeout;
        default:
            return status >= 500 ? Errc::unavailable : Errc::invalid_argument;
    }
}

// "ErrorCode:DeviceNotFound;d9" becomes "DeviceNotFound: d9".
std::string words_of(const net::HttpResponse& response) {
    const auto body = parse_json_object(response.body);
    std::string text(body ? find_text(*body, "Message") : std::string_view{});
    if (text.starts_with("ErrorCode:")) text.erase(0, 10);
    if (const auto cut = text.find(';'); cut != std::string::npos) text.replace(cut, 1, ": ");
    return text.empty() ? fmt::format("the hub answered with status {}", response.status) : text;
}

}  // namespace

ServiceClient::ServiceClient(async::TimeSource& time, net::Dialer& dialer, HubAccess access, net::Target target)
    : time_(time), dialer_(dialer), access_(std::move(access)), target_(std::move(target)) {}

Result<std::unique_ptr<ServiceClient>> ServiceClient::make(async::TimeSource& time, net::Dialer& dialer,
                                                           HubAccess access) {
    net::Target target;
    target.host = access.host_name;
    target.port = access.https_port;
    target.via = access.via;
    auto tls = net::TlsClientContext::make(access.ca_pem, true);
    if (!tls) return fail(tls.error().in("CA certificate"));
    target.tls = *std::move(tls);
    return std::unique_ptr<ServiceClient>(new ServiceClient(time, dialer, std::move(access), std::move(target)));
}

std::unique_ptr<ServiceClient> ServiceClient::another() const {
    return std::unique_ptr<ServiceClient>(new ServiceClient(time_, dialer_, access_, target_));
}

Awaitable<Result<Json>> ServiceClient::ask(Request request) {
    SELVAGE_CO_TRY(const auto response, co_await exchange(std::move(request)));
    if (response.body.empty()) co_return Json(nullptr);
    co_return parse_json(response.body);
}

Result<net::HttpRequest> ServiceClient::prepare(Request request) {
    if (!http_ || http_timeout_ != request.timeout) {
        net::HttpClientSettings settings;
        settings.response_timeout = request.timeout;
        http_ = std::make_unique<net::HttpClient>(dialer_, time_, target_, settings);
        http_timeout_ = request.timeout;
    }
    SELVAGE_TRY(const auto token, security::make_sas_token(access_.key, access_.host_name,
                                                           time_.utc_now() + kTokenLifetime, access_.policy));
    net::HttpRequest http;
    http.method = request.method;
    http.target = request.path + "?" + request.query + (request.query.empty() ? "" : "&") + "api-version=2021-04-12";
    http.headers.set("Authorization", token);
    http.headers.set("Host", access_.host_name);
    if (!request.if_match.empty()) http.headers.set("If-Match", request.if_match);
    if (!request.body.empty()) http.headers.set("Content-Type", request.content_type);
    http.body = std::move(request.body);
    return http;
}

Result<net::HttpResponse> ServiceClient::check(Result<net::HttpResponse> response) const {
    if (!response) {
        const auto& error = response.error();
        const bool absent = error.code == Errc::unavailable || error.code == Errc::timeout;
        return fail(error.code, absent ? error.detail + "; " + access_.remedy : error.detail);
    }
    if (response->status < 400) return response;
    std::string words = words_of(*response);
    if (response->status == 401)
        words += "; check that policy '" + access_.policy + "' has the right and that its key is this hub's";
    return fail(code_of(response->status), std::move(words));
}

Awaitable<Result<net::HttpResponse>> ServiceClient::exchange(Request request) {
    SELVAGE_CO_TRY(auto http, prepare(std::move(request)));
    co_return check(co_await http_->send(std::move(http)));
}

Awaitable<Result<>> ServiceClient::fetch(Request request, net::HttpPart on_part) {
    SELVAGE_CO_TRY(auto http, prepare(std::move(request)));
    bool refused = false;
    std::string words;  // of a refusal
    const auto on_head = [&refused](const net::HttpResponse& head) {
        refused = head.status >= 400;
        return true;
    };
    const auto take = [&](std::string_view part) -> Awaitable<bool> {
        if (!refused) co_return co_await on_part(part);
        words += part;
        co_return words.size() <= kRefusalBytesMax;
    };
    auto response = co_await http_->stream(std::move(http), take, on_head);
    if (response) response->body = std::move(words);
    SELVAGE_CO_CHECK(check(std::move(response)));
    co_return Result<>{};
}

std::string identity_path(std::string_view root, const std::string& device, const std::string& module) {
    std::string path = fmt::format("/{}/{}", root, percent_encode(device));
    if (!module.empty()) path += "/modules/" + percent_encode(module);
    return path;
}

}  // namespace selvage::cli::hubctl
