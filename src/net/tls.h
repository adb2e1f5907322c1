// TLS settings for both sides, behind which OpenSSL hides.
//
// TLS 1.2 and 1.3. Memory is the point: no read buffers while a connection is idle (SSL_MODE_RELEASE_BUFFERS), no session
// tickets on the server, one write a turn.
#pragma once

#include <memory>
#include <string>

#include "base/result.h"

namespace selvage::net {

// The server's certificate, which may be swapped while connections live: new handshakes get the new one, sessions go on.
class TlsServerContext {
public:
    // `chain_pem` leaf first. With `request_client_certificate` any certificate the client shows is accepted at this
    // level (the hub's identity layer decides). Errors: malformed, invalid_argument (key does not match).
    static Result<std::shared_ptr<TlsServerContext>> make(const std::string& chain_pem, const std::string& key_pem,
                                                          bool request_client_certificate);
    virtual ~TlsServerContext() = default;
    virtual Result<> replace_certificate(const std::string& chain_pem, const std::string& key_pem) = 0;
};

// What a client trusts. The peer's name is always checked.
class TlsClientContext {
public:
    // Roots: the certificates in `trusted_pem` and, with `system_roots`, those of the machine (none found is no error).
    // Errors: malformed; invalid_argument when nothing at all would be trusted.
    static Result<std::shared_ptr<TlsClientContext>> make(const std::string& trusted_pem, bool system_roots);
    virtual ~TlsClientContext() = default;
};

}  // namespace selvage::net
