// Upgrades to WebSocket on the device port, and hands each connection to the head of its sub-protocol.
//
// Runs on: the loop of the connection. Wire: docs/wire/websocket.md.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "async/time_source.h"
#include "net/http.h"
#include "net/stream.h"

namespace selvage::heads::websocket {

struct SubProtocol {
    std::string name;                 // "mqtt", "AMQPWSB10"
    // Serves one connection until it ends.
    std::function<async::Awaitable<>(std::shared_ptr<net::Stream> stream)> serve;
};

// Takes `/$iothub/websocket` with any query; answers 404 to other paths, 400 when no sub-protocol offered is in the table.
// `time` outlives the connections.
net::HttpUpgrade serve_websocket(async::TimeSource& time, std::vector<SubProtocol> table);

}  // namespace selvage::heads::websocket
