// TLS over a connected socket. Private to net.
#pragma once

#include <memory>
#include <string>

#include "net/socket.h"
#include "net/stream.h"
#include "net/tls.h"

namespace selvage::net {

// Waits until the client's first record is there, and leaves it to accept_tls(): before that a
// connection needs nothing of OpenSSL's. Errors: cancelled.
Awaitable<Result<>> await_client_hello(Socket& socket);

// Makes the server's half of the handshake. No deadline of its own. Errors: invalid TLS as
// `malformed`, connection_closed.
Awaitable<Result<std::unique_ptr<Stream>>> accept_tls(Socket socket,
                                                      std::shared_ptr<TlsServerContext> context);

// Makes the client's half and checks the certificate against `host`. Errors: unauthorized (the
// certificate is not acceptable; says why), unavailable (the server refuses or leaves).
Awaitable<Result<std::unique_ptr<Stream>>> connect_tls(Socket socket,
                                                       std::shared_ptr<TlsClientContext> context,
                                                       std::string host);

}  // namespace selvage::net
