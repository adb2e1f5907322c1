// What strangers show in a TLS handshake and what operators upload as a CA: any bytes in place of a certificate, as PEM and in
// base64. Nothing but a certificate that a trusted CA signed is accepted, and no fuzzer makes one of those.
#include <cstddef>
#include <cstdint>
#include <string>

#include "base/encoding.h"
#include "cloud/authorities/stored_authority.h"
#include "security/certificates.h"
#include "security/client_chain.h"

namespace {

using namespace selvage;

constexpr UtcTime kNow{std::chrono::sys_days{std::chrono::year{2026} / 3 / 1}};

const security::KeyPairPem& authority() {
    static const auto made = [] {
        SeededRandom random(1);
        return security::make_certificate({.common_name = "root", .is_ca = true}, nullptr, kNow, random).value();
    }();
    return made;
}

void look_at(const std::string& pem) {
    static const auto trusted = security::TrustedAuthorities::make({authority().certificate_pem}).value();
    ignore(security::read_certificate(pem), "refusing is fine");
    SELVAGE_ASSERT(!trusted->check_client({pem}, kNow));
    SELVAGE_ASSERT(!trusted->check_client({pem, pem}, kNow));
    SELVAGE_ASSERT(!security::check_signed_by(pem, authority().certificate_pem, kNow));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string text(reinterpret_cast<const char*>(data), size);
    look_at(text);
    look_at("-----BEGIN CERTIFICATE-----\n" + to_base64(text) + "\n-----END CERTIFICATE-----\n");
    if (const auto pem = cloud::authorities::read_certificate_input(text)) SELVAGE_ASSERT(security::read_certificate(*pem));
    ignore(cloud::authorities::read_stored("fuzz", text), "refusing is fine");
    return 0;
}
