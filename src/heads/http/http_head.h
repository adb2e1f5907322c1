// The HTTPS device API: telemetry one by one and in batches, C2D messages by polling, the handshake of file uploads.
//
// A request is no connection: it opens a transient session beside whatever the identity has open. A C2D message that was
// handed out keeps its session until it is settled or its lock is over.
//
// Runs on: the hub's loop. Outlives its requests, and is outlived by the hub. Bounded: `locks_max` messages handed out;
// request bodies by the HTTP server's settings and kBatchBytesMax.
// Wire: docs/wire/http-device.md.
#pragma once

#include <chrono>
#include <memory>
#include <string_view>

#include "async/time_source.h"
#include "base/random.h"
#include "hub_api/files.h"
#include "hub_api/hub.h"
#include "net/http.h"

namespace selvage::heads::http {

using async::Awaitable;

struct HttpHeadSettings {
    std::chrono::seconds hub_timeout{60};    // for one call of the hub
    std::chrono::seconds lock_time{60};      // docs/wire/http-device.md#c2d
    std::size_t locks_max = 10'000;
};

class HttpHead {
public:
    // Without `files` uploads are refused: no storage is configured.
    HttpHead(async::Executor loop, hub_api::Hub& hub, async::TimeSource& time, Random& random, HttpHeadSettings settings = {},
             hub_api::FileUploads* files = nullptr);
    ~HttpHead();

    // Whether a request is for this API: `/devices/{d}/messages/…`, `/devices/{d}/modules/{m}/messages/…`,
    // `/devices/{d}/files…`.
    static bool takes(std::string_view target);

    Awaitable<net::HttpResponse> handle(net::HttpRequest request);

private:
    struct Impl;
    std::unique_ptr<Impl> impl_;
};

}  // namespace selvage::heads::http
