// Requests to a Docker engine: one connection each, answers as JSON, refusals as errors with the engine's words.
//
// Runs on: the caller's loop. Wire: docs/wire/docker-engine.md.
#pragma once

#include <functional>
#include <string>

#include "async/time_source.h"
#include "base/json.h"
#include "net/dial.h"
#include "net/http.h"

namespace selvage::edge::runtime {

using async::Awaitable;

struct EngineRequest {
    std::string method = "GET";
    std::string target;                          // path and query, encoded
    std::string body;                            // JSON; empty: none
    std::string registry_auth;                   // X-Registry-Auth; secret
    std::chrono::milliseconds timeout{60'000};   // to the head of the answer
};

class EngineClient {
public:
    EngineClient(net::Dialer& dialer, async::TimeSource& time, std::string socket_path)
        : dialer_(dialer), time_(time), socket_path_(std::move(socket_path)) {}

    // The body's JSON, null when it has none. 304 (nothing to do) counts as success.
    Awaitable<Result<Json>> call(EngineRequest request);
    // The body part by part.
    Awaitable<Result<>> stream(EngineRequest request, std::function<Awaitable<bool>(std::string_view part)> on_part);

private:
    net::HttpRequest http_request(EngineRequest request) const;
    net::HttpClientSettings settings(std::chrono::milliseconds timeout) const;
    net::Target target() const;
    Error unreachable(const Error& error) const;

    net::Dialer& dialer_;
    async::TimeSource& time_;
    std::string socket_path_;
};

}  // namespace selvage::edge::runtime
