// Asks the hub's service API, as one policy.
//
// Runs on: one loop. Errors carry what the hub said, and what to do where that is known.
#pragma once

#include <chrono>
#include <memory>
#include <string>

#include "async/time_source.h"
#include "base/json.h"
#include "cli/hubctl/hub_access.h"
#include "net/dial.h"
#include "net/http.h"

namespace selvage::cli::hubctl {

using async::Awaitable;

class ServiceClient {
public:
    // Errors: malformed (CA).
    static Result<std::unique_ptr<ServiceClient>> make(async::TimeSource& time, net::Dialer& dialer, HubAccess access);

    struct Request {
        std::string method = "GET";
        std::string path{};   // encoded
        std::string query{};  // encoded, without api-version
        std::string body{};
        std::string if_match{};
        std::string content_type = "application/json; charset=utf-8";  // of the body
        std::chrono::milliseconds timeout{60'000};
    };
    // The body of a success (null when empty). Errors: the hub's own, by HTTP status; unavailable, timeout,
    // unauthorized.
    Awaitable<Result<Json>> ask(Request request);
    // The same, for what is not all in the body.
    Awaitable<Result<net::HttpResponse>> exchange(Request request);

    // A success' body goes to `on_part`, part by part; false from that ends it. Errors: as exchange(); connection_closed (the body is
    // not whole).
    Awaitable<Result<>> fetch(Request request, net::HttpPart on_part);

    UtcTime utc_now() const { return time_.utc_now(); }
    const HubAccess& access() const { return access_; }
    // Another client of the same hub, for requests at the same time.
    std::unique_ptr<ServiceClient> another() const;

private:
    ServiceClient(async::TimeSource& time, net::Dialer& dialer, HubAccess access, net::Target target);
    Result<net::HttpRequest> prepare(Request request);
    Result<net::HttpResponse> check(Result<net::HttpResponse> response) const;

    async::TimeSource& time_;
    net::Dialer& dialer_;
    HubAccess access_;
    net::Target target_;
    std::unique_ptr<net::HttpClient> http_;
    std::chrono::milliseconds http_timeout_{0};
};

// "/devices/d1/modules/m1", ids encoded; `root` is "devices" or "twins".
std::string identity_path(std::string_view root, const std::string& device, const std::string& module);

}  // namespace selvage::cli::hubctl
