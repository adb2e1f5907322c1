#include "cloud/auth/certificate_check.h"

#include <fmt/core.h>

#include "base/encoding.h"
#include "security/certificates.h"

namespace selvage::cloud::auth {

using storage::AuthenticationType;

namespace {

Result<> check_thumbprint(const security::CertificateFacts& facts, const storage::Authentication& expected, UtcTime now) {
    if (now < facts.not_before || now > facts.not_after)
        return fail(Errc::unauthorized, "the certificate is not valid now");
    for (const auto& thumbprint : {expected.primary_thumbprint, expected.secondary_thumbprint}) {
        if (thumbprint.empty()) continue;
        if (equals_ignoring_case(thumbprint, facts.thumbprint_sha1) ||
            equals_ignoring_case(thumbprint, facts.thumbprint_sha256)) {
            return {};
        }
    }
    // The service's own words: what an operator compares with the registry.
    return fail(Errc::unauthorized,
                fmt::format("Thumbprint does not match configuration: Thumbprint: SHA1Hash={}, SHA2Hash={}; "
                            "Configuration: PrimaryThumbprint={}, SecondaryThumbprint={}",
                            facts.thumbprint_sha1, facts.thumbprint_sha256, expected.primary_thumbprint,
                            expected.secondary_thumbprint));
}

}  // namespace

Result<UtcTime> check_certificate(const std::vector<std::string>& chain_pem, const domain::Identity& identity,
                                  const storage::Authentication& expected, const authorities::Authorities& authorities,
                                  UtcTime now) {
    const auto facts = security::read_certificate(chain_pem.empty() ? std::string{} : chain_pem.front());
    if (!facts) return fail(Errc::unauthorized, "the certificate cannot be read");
    if (expected.type == AuthenticationType::self_signed) {
        SELVAGE_CHECK(check_thumbprint(*facts, expected, now));
        return facts->not_after;
    }
    if (expected.type != AuthenticationType::certificate_authority) {
        return fail(Errc::unauthorized, fmt::format("'{}' does not authenticate with a certificate", domain::to_text(identity)));
    }
    // Ids are told apart by case, so the name is too.
    if (facts->common_name != domain::to_text(identity)) {
        return fail(Errc::unauthorized, fmt::format("the certificate's common name is not '{}'", domain::to_text(identity)));
    }
    const auto leads = authorities.check_client(chain_pem);
    if (!leads) return fail(Errc::unauthorized, leads.error().detail);
    return facts->not_after;
}

}  // namespace selvage::cloud::auth
