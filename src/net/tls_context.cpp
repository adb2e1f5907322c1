#include "net/tls_context.h"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include <mutex>
#include <vector>

namespace selvage::net {
namespace {

struct FreeCrypto {
    void operator()(X509* certificate) const { X509_free(certificate); }
    void operator()(EVP_PKEY* key) const { EVP_PKEY_free(key); }
    void operator()(BIO* bio) const { BIO_free(bio); }
};
using X509Handle = std::unique_ptr<X509, FreeCrypto>;
using KeyHandle = std::unique_ptr<EVP_PKEY, FreeCrypto>;
using BioHandle = std::unique_ptr<BIO, FreeCrypto>;

// Without it OpenSSL asks for the password of an encrypted key on the terminal.
int no_password(char*, int, int, void*) {
    return 0;
}

BioHandle open_pem(const std::string& pem) {
    return BioHandle(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())));
}

Result<std::vector<X509Handle>> parse_chain(const std::string& pem) {
    ERR_clear_error();
    std::vector<X509Handle> chain;
    const auto bio = open_pem(pem);
    for (;;) {
        X509Handle certificate(PEM_read_bio_X509(bio.get(), nullptr, no_password, nullptr));
        if (!certificate) break;
        chain.push_back(std::move(certificate));
    }
    // The end of the text is reported as a missing start line; anything else is a broken
    // certificate.
    const auto error = ERR_peek_last_error();
    const bool at_end =
        ERR_GET_LIB(error) == ERR_LIB_PEM && ERR_GET_REASON(error) == PEM_R_NO_START_LINE;
    if (!at_end)
        return fail(Errc::malformed, fmt::format("certificate {} does not parse: {}",
                                                 chain.size() + 1, openssl_words()));
    ERR_clear_error();
    return chain;
}

Result<KeyHandle> parse_key(const std::string& pem) {
    ERR_clear_error();
    const auto bio = open_pem(pem);
    KeyHandle key(PEM_read_bio_PrivateKey(bio.get(), nullptr, no_password, nullptr));
    // OpenSSL's words for a key could quote it; they are not passed on.
    ERR_clear_error();
    if (!key) return fail(Errc::malformed, "the private key does not parse as unencrypted PEM");
    return key;
}

Result<SslContextHandle> new_context(const SSL_METHOD* method) {
    SslContextHandle context(SSL_CTX_new(method));
    if (!context) return fail(Errc::internal, "no TLS context: " + openssl_words());
    SSL_CTX_set_min_proto_version(context.get(), TLS1_2_VERSION);
    SSL_CTX_set_mode(context.get(), SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE |
                                        SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
    // Devices drop their connection without close_notify all the time; every protocol above says
    // itself where its messages end, so that this is no way to cut one short unnoticed.
    SSL_CTX_set_options(context.get(), SSL_OP_NO_RENEGOTIATION | SSL_OP_IGNORE_UNEXPECTED_EOF);
    SSL_CTX_set_session_cache_mode(context.get(), SSL_SESS_CACHE_OFF);
    // All that has arrived in one recv, instead of two for each record.
    SSL_CTX_set_read_ahead(context.get(), 1);
    return context;
}

// Whatever the client shows is fine here: that it has the key is still proved in the handshake.
int accept_any(X509_STORE_CTX*, void*) {
    return 1;
}

class ServerContext final : public TlsServerContext {
public:
    explicit ServerContext(bool request_client_certificate)
        : request_(request_client_certificate) {}

    Result<> replace_certificate(const std::string& chain_pem,
                                 const std::string& key_pem) override {
        SELVAGE_TRY(const auto chain, parse_chain(chain_pem));
        if (chain.empty()) return fail(Errc::malformed, "no certificate in the server's chain");
        SELVAGE_TRY(const auto key, parse_key(key_pem));
        if (X509_check_private_key(chain.front().get(), key.get()) != 1) {
            ERR_clear_error();
            return fail(Errc::invalid_argument,
                        "the private key does not belong to the first certificate of the chain");
        }
        SELVAGE_TRY(auto context, new_context(TLS_server_method()));
        bool taken = SSL_CTX_use_certificate(context.get(), chain.front().get()) == 1 &&
                     SSL_CTX_use_PrivateKey(context.get(), key.get()) == 1;
        for (std::size_t i = 1; taken && i < chain.size(); ++i)
            taken = SSL_CTX_add1_chain_cert(context.get(), chain[i].get()) == 1;
        if (!taken)
            return fail(Errc::invalid_argument,
                        "the certificate cannot serve TLS: " + openssl_words());
        // A ticket would cost each connection a session's memory and a write; devices connect
        // rarely.
        SSL_CTX_set_options(context.get(), SSL_OP_NO_TICKET | SSL_OP_CIPHER_SERVER_PREFERENCE);
        SSL_CTX_set_num_tickets(context.get(), 0);
        if (request_) {
            SSL_CTX_set_verify(context.get(), SSL_VERIFY_PEER, nullptr);
            SSL_CTX_set_cert_verify_callback(context.get(), accept_any, nullptr);
        }
        const std::lock_guard lock(mutex_);
        current_ = std::move(context);
        return {};
    }

    SslHandle new_ssl() {
        const std::lock_guard lock(mutex_);
        return SslHandle(SSL_new(current_.get()));
    }

private:
    const bool request_;
    std::mutex mutex_;  // listeners of several loops may share one certificate
    SslContextHandle current_;
};

class ClientContext final : public TlsClientContext {
public:
    explicit ClientContext(SslContextHandle context) : context_(std::move(context)) {}
    SslHandle new_ssl() { return SslHandle(SSL_new(context_.get())); }

private:
    SslContextHandle context_;
};

}  // namespace

std::string openssl_words() {
    const auto error = ERR_peek_last_error();
    const char* reason = error ? ERR_reason_error_string(error) : nullptr;
    std::string words = reason ? reason : "unknown error";
    ERR_clear_error();
    return words;
}

Result<std::shared_ptr<TlsServerContext>> TlsServerContext::make(const std::string& chain_pem,
                                                                 const std::string& key_pem,
                                                                 bool request_client_certificate) {
    auto context = std::make_shared<ServerContext>(request_client_certificate);
    SELVAGE_CHECK(context->replace_certificate(chain_pem, key_pem));
    return context;
}

Result<std::shared_ptr<TlsClientContext>> TlsClientContext::make(const std::string& trusted_pem,
                                                                 bool system_roots) {
    SELVAGE_TRY(const auto roots, parse_chain(trusted_pem));
    if (roots.empty() && !trusted_pem.empty())
        return fail(Errc::malformed, "no certificate in the trusted certificates");
    if (roots.empty() && !system_roots)
        return fail(Errc::invalid_argument, "no trusted certificate: no server could be verified");
    SELVAGE_TRY(auto context, new_context(TLS_client_method()));
    auto* const store = SSL_CTX_get_cert_store(context.get());
    for (const auto& root : roots)
        X509_STORE_add_cert(store, root.get());
    if (system_roots) SSL_CTX_set_default_verify_paths(context.get());
    ERR_clear_error();
    // A trusted certificate need not be self-signed: an edge device's CA may be all that its
    // operator hands out.
    X509_STORE_set_flags(store, X509_V_FLAG_PARTIAL_CHAIN);
    SSL_CTX_set_verify(context.get(), SSL_VERIFY_PEER, nullptr);
    return std::make_shared<ClientContext>(std::move(context));
}

Result<SslHandle> new_server_ssl(TlsServerContext& context) {
    // make() is the only source of contexts.
    auto ssl = static_cast<ServerContext&>(context).new_ssl();
    if (!ssl) return fail(Errc::internal, "no TLS connection: " + openssl_words());
    SSL_set_accept_state(ssl.get());
    return ssl;
}

Result<SslHandle> new_client_ssl(TlsClientContext& context, const std::string& host) {
    auto ssl = static_cast<ClientContext&>(context).new_ssl();
    if (!ssl) return fail(Errc::internal, "no TLS connection: " + openssl_words());
    SSL_set_connect_state(ssl.get());
    in6_addr address{};
    const bool is_address = ::inet_pton(AF_INET, host.c_str(), &address) == 1 ||
                            ::inet_pton(AF_INET6, host.c_str(), &address) == 1;
    auto* const verify = SSL_get0_param(ssl.get());
    X509_VERIFY_PARAM_set_hostflags(verify, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
    // RFC 6066 3: an address is not a server name.
    const bool named =
        is_address ? X509_VERIFY_PARAM_set1_ip_asc(verify, host.c_str()) == 1
                   : X509_VERIFY_PARAM_set1_host(verify, host.c_str(), host.size()) == 1 &&
                         SSL_set_tlsext_host_name(ssl.get(), const_cast<char*>(host.c_str())) == 1;
    if (!named || host.empty()) {
        ERR_clear_error();
        return fail(Errc::invalid_argument,
                    fmt::format("'{}' is not a name or address that TLS can check", host));
    }
    return ssl;
}

}  // namespace selvage::net
