// Waits for connections: TCP (plain or TLS) and Unix sockets.
//
// Runs on: the loop given. Accepting pauses while `connections_max` are open.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "async/task_group.h"
#include "async/time_source.h"
#include "net/stream.h"
#include "net/tls.h"

namespace selvage::net {

// Serves one connection. Runs as a task of the listener's group; the connection ends when the last reference to the stream
// goes, at the latest with this task unless somebody keeps one. For TLS the handshake has been made.
using Serve = std::function<Awaitable<>(std::shared_ptr<Stream> stream)>;

// Whether a client's first bytes are enough to serve it, so that it is worth what that costs.
using SaidEnough = std::function<bool(std::string_view first)>;

struct ListenSettings {
    std::size_t connections_max = 100'000;
    // TLS: the handshake must be through by then (an unauthenticated connection costs memory).
    std::chrono::milliseconds handshake_timeout{30'000};
    // Handshakes under way, at 45 KiB each; the others wait for their turn at 3.5 KiB. One that takes longer than the patience
    // while others wait is dropped.
    std::size_t handshakes_max = 128;
    std::chrono::milliseconds handshake_patience{5'000};
    // TLS: null: any bytes are enough. A client that has not said enough in time is dropped.
    SaidEnough said_enough{};
    std::chrono::milliseconds first_words_timeout{60'000};
};

class Listener {
public:
    virtual ~Listener() = default;
    // The port that was bound (useful with port 0).
    virtual std::uint16_t port() const = 0;
    // Stops accepting, cancels and joins all connections.
    virtual Awaitable<> stop() = 0;
};

// Errors: io_error with address and reason ("listen on 0.0.0.0:8883: Address already in use"), invalid_argument (address).
// `tls` null: plain TCP. Otherwise its current certificate is used for each new handshake.
Result<std::unique_ptr<Listener>> listen_tcp(async::Executor loop, async::TimeSource& time, const std::string& address,
                                             std::uint16_t port, std::shared_ptr<TlsServerContext> tls,
                                             ListenSettings settings, Serve serve);

// Removes a stale socket file first. `mode` is set on the file. Errors: io_error; invalid_argument when the path is longer
// than the 107 bytes that the kernel takes.
Result<std::unique_ptr<Listener>> listen_unix(async::Executor loop, async::TimeSource& time, const std::string& path,
                                              unsigned mode, ListenSettings settings, Serve serve);

}  // namespace selvage::net
