// X.509 certificates made and read: a hub's own CA and server certificate, a device's edge CA, module certificates.
#pragma once

#include <chrono>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/random.h"
#include "base/result.h"

namespace selvage::security {

struct KeyPairPem {
    std::string certificate_pem;   // leaf first, then its issuers below the root
    std::string key_pem;           // PKCS#8; secret
};

struct CertificateRequest {
    std::string common_name = {};               // 1 to 64 characters: longer is invalid_argument
    std::vector<std::string> dns_names = {};
    std::vector<std::string> ip_addresses = {}; // text form
    std::chrono::hours lifetime{24 * 365};
    bool is_ca = false;                         // keyCertSign, basicConstraints critical CA:TRUE
    int path_length = -1;                       // -1: no limit
    bool server_auth = false;                   // EKU
    bool client_auth = false;
    // Text in a name of the DNS kind that is none, put in as it is: Azure's module identities carry a URI there.
    std::vector<std::string> dns_texts = {};
};

// A new P-256 key and a certificate for it, self-signed (issuer null) or signed by `issuer` (leaf first in its PEM text; RSA
// or EC key), whose chain is appended without its root. Good from 5 minutes before `now`; never outlives the issuer. Serial:
// 16 random bytes, positive. Errors: invalid_argument (request; issuer expired, not a CA, key not its own), malformed (issuer).
// Wire: docs/wire/certificates.md.
Result<KeyPairPem> make_certificate(const CertificateRequest& request, const KeyPairPem* issuer, UtcTime now, Random& random);

struct CertificateFacts {
    std::string common_name;
    UtcTime not_before;
    UtcTime not_after;
    std::string thumbprint_sha1;    // upper-case hex
    std::string thumbprint_sha256;
    bool is_ca = false;
};
// Of the first certificate in the text. Errors: malformed.
Result<CertificateFacts> read_certificate(const std::string& pem);

}  // namespace selvage::security
