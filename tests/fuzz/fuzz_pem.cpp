// Certificates and keys that operators give as files and daemons hand to modules: PEM text for TLS contexts of both sides, a CA to
// sign with, keys. First byte: how much of a right pair is put before the input, and whether the input is wrapped in base64.
#include <fmt/core.h>

#include <cstdint>
#include <string>

#include "base/encoding.h"
#include "net/tls.h"
#include "rig/input.h"
#include "security/certificates.h"

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

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size == 0) return 0;
    std::string text(fuzz::text_of(data + 1, size - 1));
    if ((data[0] & 1) != 0) {
        const char* kind = (data[0] & 2) != 0 ? "PRIVATE KEY" : "CERTIFICATE";
        text = fmt::format("-----BEGIN {0}-----\n{1}\n-----END {0}-----\n", kind, to_base64(text));
    }
    const std::string with_root = authority().certificate_pem + text;
    // What is trusted must be certificates to the last one; a server needs a pair that belongs together.
    ignore(net::TlsClientContext::make(text, false), "refusing is fine");
    ignore(net::TlsClientContext::make(with_root, false), "refusing is fine");
    const auto with_key = net::TlsServerContext::make(text, authority().key_pem, true);
    SELVAGE_ASSERT(!with_key || text.find("CERTIFICATE") != std::string::npos);
    const auto server = net::TlsServerContext::make(with_root, authority().key_pem, true);
    if (server) ignore((*server)->replace_certificate(authority().certificate_pem, text), "refusing is fine");
    SeededRandom random(2);
    const security::KeyPairPem issuer{.certificate_pem = (data[0] & 4) != 0 ? authority().certificate_pem : text,
                                      .key_pem = (data[0] & 4) != 0 ? text : authority().key_pem};
    ignore(security::make_certificate({.common_name = "leaf", .server_auth = true}, &issuer, kNow, random), "refusing is fine");
    return 0;
}
