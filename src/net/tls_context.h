// What is behind the two contexts of tls.h. Private to net.
#pragma once

#include <openssl/ssl.h>

#include <memory>

#include "base/result.h"
#include "net/tls.h"

namespace selvage::net {

struct FreeSsl {
    void operator()(SSL* ssl) const { SSL_free(ssl); }
    void operator()(SSL_CTX* context) const { SSL_CTX_free(context); }
};
using SslHandle = std::unique_ptr<SSL, FreeSsl>;
using SslContextHandle = std::unique_ptr<SSL_CTX, FreeSsl>;

// A new connection's object, with the certificate that is current now. Errors: internal (out of
// memory).
Result<SslHandle> new_server_ssl(TlsServerContext& context);

// With the peer's name to be checked: `host` is a name (then also sent, SNI) or an address.
Result<SslHandle> new_client_ssl(TlsClientContext& context, const std::string& host);

// The newest entry of OpenSSL's error queue in words; clears the queue.
std::string openssl_words();

}  // namespace selvage::net
