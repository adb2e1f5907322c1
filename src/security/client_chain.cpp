// Path building is OpenSSL's (X509_verify_cert): trusted certificates end a path whether self-signed or not, presented ones
// are candidates only. Security level 1 refuses keys and digests below 80 bits, as TLS itself does.
// Wire: docs/wire/x509.md.
#include "security/client_chain.h"

#include "security/openssl_handles.h"

#include <openssl/err.h>
#include <openssl/x509_vfy.h>

namespace selvage::security {
namespace {

constexpr int kAuthLevel = 1;

using StorePtr = std::unique_ptr<X509_STORE, Deleter<X509_STORE_free>>;
using ContextPtr = std::unique_ptr<X509_STORE_CTX, Deleter<X509_STORE_CTX_free>>;
// Owns the stack, not what is in it.
struct FreeStack {
    void operator()(STACK_OF(X509)* stack) const { sk_X509_free(stack); }
};
using StackPtr = std::unique_ptr<STACK_OF(X509), FreeStack>;

bool is_authority(X509* certificate) {
    if (X509_check_ca(certificate) != 0) return true;
    const bool limited = (X509_get_extension_flags(certificate) & EXFLAG_KUSAGE) != 0;
    return limited && (X509_get_key_usage(certificate) & KU_KEY_CERT_SIGN) != 0;
}

Result<> verify(X509_STORE* store, X509* leaf, STACK_OF(X509) * others, int purpose, UtcTime now) {
    ERR_clear_error();
    const ContextPtr context(X509_STORE_CTX_new());
    SELVAGE_ASSERT(context != nullptr);
    if (X509_STORE_CTX_init(context.get(), store, leaf, others) != 1)
        return fail(openssl_error(Errc::internal, "a certificate cannot be verified"));
    auto* parameters = X509_STORE_CTX_get0_param(context.get());
    X509_VERIFY_PARAM_set_flags(parameters, X509_V_FLAG_PARTIAL_CHAIN);
    X509_VERIFY_PARAM_set_auth_level(parameters, kAuthLevel);
    X509_VERIFY_PARAM_set_depth(parameters, static_cast<int>(kChainCertificatesMax));
    X509_VERIFY_PARAM_set_time(parameters, std::chrono::floor<std::chrono::seconds>(now).time_since_epoch().count());
    if (purpose != X509_PURPOSE_ANY) X509_VERIFY_PARAM_set_purpose(parameters, purpose);
    const bool good = X509_verify_cert(context.get()) == 1;
    const int code = X509_STORE_CTX_get_error(context.get());
    ERR_clear_error();
    if (good) return {};
    return fail(Errc::unauthorized, std::string("the certificate is not acceptable: ") + X509_verify_cert_error_string(code));
}

Result<CertificatePtr> read_one(const std::string& pem) {
    SELVAGE_TRY(auto certificates, read_certificates(pem));
    return std::move(certificates.front());
}

StorePtr new_store() {
    StorePtr store(X509_STORE_new());
    SELVAGE_ASSERT(store != nullptr);
    return store;
}

class OpensslAuthorities final : public TrustedAuthorities {
public:
    explicit OpensslAuthorities(StorePtr store) : store_(std::move(store)) {}

    Result<> check_client(const std::vector<std::string>& chain_pem, UtcTime now) const override {
        if (chain_pem.empty()) return fail(Errc::unauthorized, "no certificate was presented");
        if (chain_pem.size() > kChainCertificatesMax)
            return fail(Errc::unauthorized, "the chain of certificates is too long");
        std::vector<CertificatePtr> chain;
        for (const auto& pem : chain_pem) {
            SELVAGE_TRY(auto certificate, read_one(pem));
            chain.push_back(std::move(certificate));
        }
        X509* leaf = chain.front().get();
        if (is_authority(leaf)) return fail(Errc::unauthorized, "the certificate is a CA's, not a device's");
        const StackPtr others(sk_X509_new_null());
        for (std::size_t i = 1; i < chain.size(); ++i) SELVAGE_ASSERT(sk_X509_push(others.get(), chain[i].get()) > 0);
        return verify(store_.get(), leaf, others.get(), X509_PURPOSE_SSL_CLIENT, now);
    }

private:
    StorePtr store_;
};

}  // namespace

Result<std::shared_ptr<const TrustedAuthorities>> TrustedAuthorities::make(const std::vector<std::string>& pems) {
    auto store = new_store();
    for (const auto& pem : pems) {
        SELVAGE_TRY(const auto certificate, read_one(pem));
        SELVAGE_ASSERT(X509_STORE_add_cert(store.get(), certificate.get()) == 1);
    }
    return std::make_shared<OpensslAuthorities>(std::move(store));
}

Result<> check_signed_by(const std::string& pem, const std::string& authority_pem, UtcTime now) {
    SELVAGE_TRY(const auto leaf, read_one(pem));
    SELVAGE_TRY(const auto authority, read_one(authority_pem));
    if (is_authority(leaf.get())) return fail(Errc::unauthorized, "the certificate is a CA's");
    const auto store = new_store();
    SELVAGE_ASSERT(X509_STORE_add_cert(store.get(), authority.get()) == 1);
    return verify(store.get(), leaf.get(), nullptr, X509_PURPOSE_ANY, now);
}

}  // namespace selvage::security
