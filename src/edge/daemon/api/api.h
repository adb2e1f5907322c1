// The rules that the management and workload APIs share: versions, routes, bodies, errors.
//
// Both are HTTP over Unix sockets. The version is checked before the route, a known path with another method is 400, a body
// that does not parse is 422, and every error has the body {"message": …}. Runs on: one loop.
// Wire: docs/wire/management-api.md#common-rules.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "async/awaitable.h"
#include "base/json.h"
#include "net/http.h"

namespace selvage::edge::daemon {

using async::Awaitable;

// One request, taken apart.
struct ApiCall {
    std::vector<std::string> arguments{};      // what stood where the route has "*"
    net::HttpTarget target{};
    std::optional<Json> body{};
    int caller_pid = -1;
    int caller_uid = -1;
};

using ApiHandler = std::function<Awaitable<net::HttpResponse>(ApiCall call)>;
// Whether the caller may use this socket at all; asked once a request.
using ApiGate = std::function<Awaitable<bool>(int pid, int uid)>;

class Api {
public:
    // `pattern` is a path such as /modules/*/logs; `since` the first version that has it.
    void add(std::string_view method, std::string_view pattern, std::string_view since, ApiHandler handler);
    void set_gate(ApiGate gate) { gate_ = std::move(gate); }

    Awaitable<net::HttpResponse> answer(net::HttpRequest request) const;

private:
    struct Route {
        std::string method;
        std::vector<std::string> pattern;
        std::string since;
        ApiHandler handler;
    };
    std::vector<Route> routes_;
    ApiGate gate_;
};

inline constexpr std::string_view kFirstVersion = "2018-06-28";

net::HttpResponse json_response(int status, const JsonObject& body);
net::HttpResponse empty_response(int status);
net::HttpResponse error_response(int status, std::string_view message);

// Who an error is about decides its status: error_map.cpp has the one table.
enum class ErrorSource { request, engine, identities };
int status_of(Errc code, ErrorSource source);
// `context` is what failed ("start module \"x\""); the cause follows on a line of its own.
net::HttpResponse error_response(const Error& error, ErrorSource source, std::string_view context);

}  // namespace selvage::edge::daemon
