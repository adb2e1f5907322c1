// Client certificates that a CA signed: the chain from the leaf by way of what the client presented to a CA that is trusted.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/result.h"

namespace selvage::security {

// More certificates than that in one chain are not looked at.
inline constexpr std::size_t kChainCertificatesMax = 10;

// The CAs that clients' certificates may lead to. A trusted one need not be self-signed: an intermediate will do.
//
// Immutable, so safe from any thread.
class TrustedAuthorities {
public:
    // `pems`: the first certificate of each text counts. Errors: malformed.
    static Result<std::shared_ptr<const TrustedAuthorities>> make(const std::vector<std::string>& pems);
    virtual ~TrustedAuthorities() = default;

    // `chain_pem`: leaf first. The leaf must not be a CA, must be good for a TLS client where it says what it is good for, and
    // every certificate of the path must be valid at `now`. Errors: unauthorized (in OpenSSL's words), malformed.
    // Wire: docs/wire/x509.md.
    virtual Result<> check_client(const std::vector<std::string>& chain_pem, UtcTime now) const = 0;
};

// Is `pem` signed with the key of `authority_pem`, valid at `now`, and no CA? What it is for does not matter. Errors: as above.
Result<> check_signed_by(const std::string& pem, const std::string& authority_pem, UtcTime now);

}  // namespace selvage::security
