#include "cloud/auth/certificate_check.h"

#include "base/encoding.h"
#include "security/certificates.h"

namespace selvage::cloud::auth {

Result<> check_certificate(const std::string& leaf_pem, const storage::Authentication& expected, UtcTime now) {
    if (expected.type != storage::AuthenticationType::self_signed) {
        return fail(Errc::unauthorized, "the identity does not authenticate with a certificate's thumbprint");
    }
    const auto facts = security::read_certificate(leaf_pem);
    if (!facts) return fail(Errc::unauthorized, "the certificate cannot be read");
    if (now < facts->not_before || now > facts->not_after) {
        return fail(Errc::unauthorized, "the certificate is not valid now");
    }
    for (const auto& thumbprint : {expected.primary_thumbprint, expected.secondary_thumbprint}) {
        if (thumbprint.empty()) continue;
        if (equals_ignoring_case(thumbprint, facts->thumbprint_sha1) ||
            equals_ignoring_case(thumbprint, facts->thumbprint_sha256)) {
            return {};
        }
    }
    return fail(Errc::unauthorized, "the certificate's thumbprint is not the registered one");
}

}  // namespace selvage::cloud::auth
