#include "cloud/authorities/stored_authority.h"

#include <algorithm>

#include "base/encoding.h"
#include "security/certificates.h"

namespace selvage::cloud::authorities {

namespace {

constexpr std::size_t kPemBytesMax = 64 * 1024;
constexpr std::string_view kPemStart = "-----BEGIN CERTIFICATE-----";
constexpr std::string_view kPemEnd = "-----END CERTIFICATE-----";

UtcTime time_of(std::int64_t milliseconds) {
    return UtcTime(std::chrono::milliseconds(milliseconds));
}

// RFC 7468: lines of 64 characters.
std::string pem_of_der(const std::string& der) {
    const std::string text = to_base64(der);
    std::string pem = std::string(kPemStart) + "\n";
    for (std::size_t i = 0; i < text.size(); i += 64)
        pem += text.substr(i, 64) + "\n";
    return pem + std::string(kPemEnd) + "\n";
}

}  // namespace

std::string stored_text(const Authority& authority) {
    return to_text(JsonObject{{"certificate", authority.certificate_pem},
                              {"verified", authority.verified},
                              {"code", authority.verification_code},
                              {"revision", authority.revision},
                              {"created", authority.created.time_since_epoch().count()},
                              {"updated", authority.updated.time_since_epoch().count()}});
}

Result<Authority> read_stored(const std::string& name, const std::string& text) {
    const auto json = parse_json_object(text);
    if (!json) return fail(Errc::corrupt, "stored CA '" + name + "': " + json.error().detail);
    Authority authority{.name = name,
                        .certificate_pem = std::string(find_text(*json, "certificate")),
                        .verified = find_bool(*json, "verified"),
                        .verification_code = std::string(find_text(*json, "code")),
                        .revision = static_cast<std::uint64_t>(find_integer(*json, "revision", 1)),
                        .created = time_of(find_integer(*json, "created")),
                        .updated = time_of(find_integer(*json, "updated"))};
    if (!security::read_certificate(authority.certificate_pem))
        return fail(Errc::corrupt, "stored CA '" + name + "': its certificate does not parse");
    return authority;
}

Result<std::string> read_certificate_input(const std::string& text) {
    if (text.size() > kPemBytesMax) return fail(Errc::malformed, "certificate: too long");
    std::string pem = text;
    if (pem.find(kPemStart) == std::string::npos) {
        std::erase_if(pem, [](char c) { return c == '\n' || c == '\r' || c == ' '; });
        const auto bytes = from_base64(pem);
        if (!bytes || bytes->empty()) return fail(Errc::malformed, "certificate: give PEM, or base64 of DER or of PEM");
        pem = bytes->find(kPemStart) != std::string::npos ? *bytes : pem_of_der(*bytes);
    }
    if (auto facts = security::read_certificate(pem); !facts) return fail(Errc::malformed, "certificate: it does not parse");
    return pem;
}

}  // namespace selvage::cloud::authorities
