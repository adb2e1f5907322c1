#include "security/openssl_handles.h"

#include <openssl/err.h>
#include <openssl/pem.h>

namespace selvage::security {
namespace {

BioPtr reading(std::string_view text) { return BioPtr(BIO_new_mem_buf(text.data(), static_cast<int>(text.size()))); }

std::string content(BIO* bio) {
    char* data = nullptr;
    const long size = BIO_get_mem_data(bio, &data);
    return std::string(data, static_cast<std::size_t>(size));
}

// Encrypted keys are not asked for on a terminal.
int no_password(char*, int, int, void*) { return 0; }

}  // namespace

Error openssl_error(Errc code, std::string_view what) {
    const unsigned long number = ERR_peek_error();
    std::string text(what);
    if (const char* reason = number == 0 ? nullptr : ERR_reason_error_string(number)) {
        text += ": ";
        text += reason;
    }
    ERR_clear_error();
    return Error{code, std::move(text)};
}

Result<std::vector<CertificatePtr>> read_certificates(std::string_view pem) {
    const auto bio = reading(pem);
    std::vector<CertificatePtr> certificates;
    while (X509* next = PEM_read_bio_X509(bio.get(), nullptr, no_password, nullptr)) certificates.emplace_back(next);
    // The end of the text shows as "no start line"; anything else is a damaged certificate.
    const auto reason = ERR_GET_REASON(ERR_peek_last_error());
    if (certificates.empty() || reason != PEM_R_NO_START_LINE)
        return fail(openssl_error(Errc::malformed, "not a PEM certificate"));
    ERR_clear_error();
    return certificates;
}

Result<KeyPtr> read_private_key(std::string_view pem) {
    const auto bio = reading(pem);
    KeyPtr key(PEM_read_bio_PrivateKey(bio.get(), nullptr, no_password, nullptr));
    if (!key) return fail(openssl_error(Errc::malformed, "not a PEM private key"));
    return key;
}

std::string to_pem(X509* certificate) {
    const BioPtr bio(BIO_new(BIO_s_mem()));
    SELVAGE_ASSERT(PEM_write_bio_X509(bio.get(), certificate) == 1);
    return content(bio.get());
}

std::string to_pem(EVP_PKEY* key) {
    // Secure memory of its own: the buffer is wiped when it is freed.
    const BioPtr bio(BIO_new(BIO_s_secmem()));
    SELVAGE_ASSERT(PEM_write_bio_PKCS8PrivateKey(bio.get(), key, nullptr, nullptr, 0, nullptr, nullptr) == 1);
    return content(bio.get());
}

}  // namespace selvage::security
