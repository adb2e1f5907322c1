// The MQTT head: serves MQTT 3.1.1 connections for whichever hub is behind it.
//
// Runs on: the hub's loop. Bounded per connection: unacknowledged publishes in either direction, queued output bytes, one
// packet of input. Before CONNACK a connection holds one packet and what came in one read with it, and CONNECT must come in
// time. An idle connection owns no buffers: the read buffer is one for all connections of a thread.
#pragma once

#include <chrono>
#include <memory>
#include <string>
#include <string_view>

#include "async/time_source.h"
#include "base/random.h"
#include "hub_api/hub.h"
#include "net/stream.h"

namespace selvage::heads::mqtt {

struct MqttSettings {
    std::string protocol = "mqtt";                       // what the connection is called: "mqtt", "mqtt-ws"
    std::chrono::seconds connect_timeout{60};
    std::chrono::seconds keep_alive_max{1767};           // 29.45 minutes; the edge hub has 600
    std::size_t packet_bytes_max = 270'000;
    std::size_t inbound_unacked_max = 1024;              // publishes taken and not yet acknowledged: reading pauses there
    std::size_t inbound_unacked_bytes_max = 4 << 20;
    std::size_t outbound_window = 64;                    // deliveries sent and not yet acknowledged, per feed
    std::size_t outbound_bytes_max = 1 << 20;            // queued output: a reader this slow is dropped
    std::size_t filters_max = 16;
};

// Whether a connection's first bytes are a whole packet, or can never become one: then it is time to serve it.
bool is_opening(std::string_view first);

// Serves one connection until it ends. The stream is past its TLS handshake. The settings are one object for all connections:
// an idle one is not to pay for a copy.
async::Awaitable<> serve_mqtt(std::shared_ptr<net::Stream> stream, hub_api::Hub& hub, async::TimeSource& time,
                              Random& random, std::shared_ptr<const MqttSettings> settings);

}  // namespace selvage::heads::mqtt
