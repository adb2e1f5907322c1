// The AMQP head: serves AMQP 1.0 connections for whichever hub is behind it, many identities on each.
//
// Runs on: the hub's loop. Bounded per connection: sessions, links, tokens, unacknowledged messages in either direction,
// requests under way, output that the peer does not take. Before its first token is proven a connection has smaller bounds
// and a deadline.
#pragma once

#include <chrono>
#include <memory>
#include <string>

#include "async/time_source.h"
#include "base/random.h"
#include "hub_api/hub.h"
#include "net/stream.h"

namespace selvage::heads::amqp {

struct AmqpSettings {
    std::chrono::seconds authenticate_timeout{60};             // also after the last of its tokens has expired
    std::chrono::milliseconds idle_time_out{240'000};          // told to clients; a silent one is dropped after twice that
    std::chrono::milliseconds client_idle_time_out_min{5'000}; // clients that ask for less are refused
    std::size_t message_bytes_max = 1 << 20;                   // of one transfer; batches hold many messages
    std::uint32_t credit = 500;                                // transfers that a client may send ahead, per link
    std::size_t inbound_unacked_max = 1024;                    // transfers taken and not yet settled: reading pauses there
    std::size_t inbound_unacked_bytes_max = 4 << 20;
    std::size_t requests_max = 256;                            // tokens, attaches and twin requests under way: likewise
    std::uint32_t outbound_window = 64;                        // deliveries sent and not yet settled, per feed
    std::size_t outbound_bytes_max = 1 << 20;                  // answers that the peer does not take: it is dropped
    std::size_t tokens_max = 1000;                             // identities that one connection may speak for
    std::size_t strange_sessions_max = 8;                      // before the first token is proven
    std::size_t strange_links_max = 16;
    std::size_t strange_requests_max = 8;
    std::size_t sessions_max = 1024;                           // from then on
    std::size_t links_max = 8192;
};

// Serves one connection until it ends. The stream is past its TLS handshake.
async::Awaitable<> serve_amqp(std::shared_ptr<net::Stream> stream, hub_api::Hub& hub, async::TimeSource& time,
                              Random& random, AmqpSettings settings, std::string protocol);

}  // namespace selvage::heads::amqp
