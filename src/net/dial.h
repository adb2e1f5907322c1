// Makes connections. An interface, so that tests and simulation can put their own network behind it.
#pragma once

#include <chrono>
#include <memory>
#include <string>

#include "async/time_source.h"
#include "net/stream.h"
#include "net/tls.h"

namespace selvage::net {

struct Target {
    std::string host = {};            // name or address; for TLS also the name that is checked
    std::uint16_t port = 0;
    std::string unix_path = {};       // not empty: a Unix socket, the rest is ignored
    std::shared_ptr<TlsClientContext> tls = nullptr;  // null: plain
    std::string via = {};             // not empty: connect to this name or address; TLS still checks `host`
};

class Dialer {
public:
    virtual ~Dialer() = default;
    // Resolves, connects (all addresses in turn), makes the TLS handshake. Errors: unavailable (with host, port and the
    // system's words), unauthorized (the certificate is not acceptable: says why), timeout.
    virtual Awaitable<Result<std::unique_ptr<Stream>>> dial(Target target, std::chrono::milliseconds timeout) = 0;
};

// The machine's network. Names are resolved on a thread of its own. TCP_NODELAY is set; TCP_USER_TIMEOUT bounds how long a
// silent peer is believed. Dies before the loops that it was used on.
std::unique_ptr<Dialer> make_dialer(async::TimeSource& time);

}  // namespace selvage::net
