// Direct methods invoked by modules of an edge device, over HTTPS: POST /twins/{d}/methods and
// /twins/{d}/modules/{m}/methods.
//
// Runs on: the hub's loop. Outlives its requests, and is outlived by the hub. Bounded: bodies by the HTTP server's settings,
// calls under way by the hub. Wire: docs/wire/edge-http.md.
#pragma once

#include <chrono>
#include <string>

#include "async/time_source.h"
#include "hub_api/hub.h"
#include "net/http.h"

namespace selvage::heads::http_edge {

using async::Awaitable;

struct MethodApiSettings {
    std::string edge_device;                          // only modules of this device may call
    std::chrono::seconds authenticate_timeout{120};   // a hub may have to ask above for an unknown module
};

class MethodApi {
public:
    MethodApi(hub_api::Hub& hub, async::TimeSource& time, MethodApiSettings settings)
        : hub_(hub), time_(time), settings_(std::move(settings)) {}

    // Anything else than those two paths is answered 404.
    Awaitable<net::HttpResponse> handle(net::HttpRequest request);

private:
    Awaitable<Result<std::string>> invoke(net::HttpRequest request);
    Awaitable<Result<>> authenticate(const net::HttpRequest& request);

    hub_api::Hub& hub_;
    async::TimeSource& time_;
    MethodApiSettings settings_;
};

}  // namespace selvage::heads::http_edge
