// TLS over a connected socket. Private to net.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "net/socket.h"
#include "net/stream.h"
#include "net/tls.h"

namespace selvage::net {

// A server's end, which can also be waited on without a coroutine: for connections that have said nothing yet.
// Not while a read_some() is pending.
class ServerStream : public Stream {
public:
    class Waiter {
    public:
        virtual ~Waiter() = default;
        virtual void ready(bool closed) = 0;
    };
    // Calls `waiter` once: bytes may have come, or the stream was closed. Never inside this call.
    virtual void when_readable(std::shared_ptr<Waiter> waiter) = 0;
    // As read_some() does; nothing: it would have to wait.
    virtual std::optional<Result<std::size_t>> read_now(std::span<std::byte> into) = 0;
    // What the next read gives, before what the peer says then.
    virtual void put_back(std::string bytes) = 0;
};

// Waits until the client's first record is there, and leaves it to accept_tls(): before that a
// connection needs nothing of OpenSSL's. Errors: cancelled.
Awaitable<Result<>> await_client_hello(Socket& socket);

// Makes the server's half of the handshake. No deadline of its own. Errors: invalid TLS as
// `malformed`, connection_closed.
Awaitable<Result<std::unique_ptr<ServerStream>>> accept_tls(Socket socket,
                                                            std::shared_ptr<TlsServerContext> context);

// Makes the client's half and checks the certificate against `host`. Errors: unauthorized (the
// certificate is not acceptable; says why), unavailable (the server refuses or leaves).
Awaitable<Result<std::unique_ptr<Stream>>> connect_tls(Socket socket,
                                                       std::shared_ptr<TlsClientContext> context,
                                                       std::string host);

}  // namespace selvage::net
