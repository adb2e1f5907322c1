#include "heads/websocket/websocket_head.h"

#include <algorithm>

#include "base/encoding.h"
#include "base/log.h"
#include "net/websocket.h"

namespace selvage::heads::websocket {

using async::Awaitable;

namespace {

// docs/wire/websocket.md
bool is_websocket_path(std::string_view target) {
    const auto parsed = net::parse_target(target);
    return parsed && parsed->path.size() == 2 && equals_ignoring_case(parsed->path[0], "$iothub") &&
           equals_ignoring_case(parsed->path[1], "websocket");
}

Awaitable<> serve_upgrade(async::TimeSource& time, std::shared_ptr<const std::vector<SubProtocol>> table,
                          net::HttpRequest request, std::shared_ptr<net::Stream> stream) {
    if (!is_websocket_path(request.target)) {
        log::debug("websocket.upgrade", "refused peer={}: not the path of WebSocket", stream->peer());
        co_return co_await net::refuse_websocket(std::move(stream), time,
                                                 {.status = 404, .body = "WebSocket is at /$iothub/websocket\n"});
    }
    std::vector<std::string> names;
    for (const auto& protocol : *table)
        names.push_back(protocol.name);
    const std::string peer = stream->peer();
    auto accepted = co_await net::accept_websocket(std::move(request), std::move(stream), time, std::move(names));
    if (!accepted) {
        log::debug("websocket.upgrade", "refused peer={}: {}", peer, accepted.error().detail);
        co_return;
    }
    const auto protocol = std::ranges::find(*table, accepted->protocol, &SubProtocol::name);
    co_await protocol->serve(accepted->stream);
    accepted->stream->close();
}

}  // namespace

net::HttpUpgrade serve_websocket(async::TimeSource& time, std::vector<SubProtocol> table) {
    return [&time, shared = std::make_shared<const std::vector<SubProtocol>>(std::move(table))](
               net::HttpRequest request, std::shared_ptr<net::Stream> stream) {
        return serve_upgrade(time, shared, std::move(request), std::move(stream));
    };
}

}  // namespace selvage::heads::websocket
