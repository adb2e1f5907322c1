#include "net/tests/support.h"

#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include <cstdlib>

namespace selvage::net::testing {
namespace {

template <class Write>
std::string pem_of(Write write) {
    BIO* const bio = BIO_new(BIO_s_mem());
    write(bio);
    char* data = nullptr;
    const auto size = BIO_get_mem_data(bio, &data);
    std::string text(data, static_cast<std::size_t>(size));
    BIO_free(bio);
    return text;
}

void add_extension(X509* certificate, int kind, const std::string& value) {
    X509_EXTENSION* const extension = X509V3_EXT_conf_nid(nullptr, nullptr, kind, value.c_str());
    SELVAGE_ASSERT(extension != nullptr);
    X509_add_ext(certificate, extension, -1);
    X509_EXTENSION_free(extension);
}

}  // namespace

Certificate make_test_certificate(const CertificateWish& wish, const Certificate* issuer) {
    EVP_PKEY* const key = wish.rsa ? EVP_RSA_gen(2048) : EVP_EC_gen("P-256");
    X509* const certificate = X509_new();
    X509_set_version(certificate, 2);
    static long serial = 1;
    ASN1_INTEGER_set(X509_get_serialNumber(certificate), serial++);
    X509_gmtime_adj(X509_getm_notBefore(certificate),
                    std::chrono::seconds(wish.not_before).count());
    X509_gmtime_adj(X509_getm_notAfter(certificate), std::chrono::seconds(wish.not_after).count());
    X509_NAME* const subject = X509_get_subject_name(certificate);
    X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_UTF8,
                               reinterpret_cast<const unsigned char*>(wish.common_name.c_str()), -1,
                               -1, 0);
    X509_set_pubkey(certificate, key);
    if (wish.authority) add_extension(certificate, NID_basic_constraints, "critical,CA:TRUE");
    std::string names;
    for (const auto& name : wish.names)
        names += (names.empty() ? "" : ",") + name;
    if (!names.empty()) add_extension(certificate, NID_subject_alt_name, names);

    X509* issuer_certificate = nullptr;
    EVP_PKEY* issuer_key = nullptr;
    if (issuer) {
        BIO* bio = BIO_new_mem_buf(issuer->pem.data(), static_cast<int>(issuer->pem.size()));
        issuer_certificate = PEM_read_bio_X509(bio, nullptr, nullptr, nullptr);
        BIO_free(bio);
        bio = BIO_new_mem_buf(issuer->key_pem.data(), static_cast<int>(issuer->key_pem.size()));
        issuer_key = PEM_read_bio_PrivateKey(bio, nullptr, nullptr, nullptr);
        BIO_free(bio);
    }
    X509_set_issuer_name(certificate, issuer ? X509_get_subject_name(issuer_certificate) : subject);
    SELVAGE_ASSERT(X509_sign(certificate, issuer ? issuer_key : key, EVP_sha256()) > 0);

    Certificate out;
    out.pem = pem_of([&](BIO* bio) { PEM_write_bio_X509(bio, certificate); });
    out.key_pem = pem_of([&](BIO* bio) {
        PEM_write_bio_PrivateKey(bio, key, nullptr, nullptr, 0, nullptr, nullptr);
    });
    X509_free(certificate);
    EVP_PKEY_free(key);
    X509_free(issuer_certificate);
    EVP_PKEY_free(issuer_key);
    return out;
}

std::string talk_with_certificate(std::uint16_t port, const Certificate& device,
                                  const std::string& text) {
    SSL_CTX* const context = SSL_CTX_new(TLS_client_method());
    BIO* bio = BIO_new_mem_buf(device.pem.data(), static_cast<int>(device.pem.size()));
    X509* const certificate = PEM_read_bio_X509(bio, nullptr, nullptr, nullptr);
    BIO_free(bio);
    bio = BIO_new_mem_buf(device.key_pem.data(), static_cast<int>(device.key_pem.size()));
    EVP_PKEY* const key = PEM_read_bio_PrivateKey(bio, nullptr, nullptr, nullptr);
    BIO_free(bio);
    SSL_CTX_use_certificate(context, certificate);
    SSL_CTX_use_PrivateKey(context, key);
    X509_free(certificate);
    EVP_PKEY_free(key);

    BIO* const connection = BIO_new_ssl_connect(context);
    BIO_set_conn_hostname(connection, ("127.0.0.1:" + std::to_string(port)).c_str());
    std::string answer(text.size(), '\0');
    const auto size = static_cast<int>(text.size());
    const bool answered = BIO_write(connection, text.data(), size) == size &&
                          BIO_read(connection, answer.data(), size) == size;
    BIO_free_all(connection);
    SSL_CTX_free(context);
    return answered ? answer : std::string();
}

TempFolder::TempFolder() {
    auto pattern = (std::filesystem::temp_directory_path() / "selvage-net-XXXXXX").string();
    SELVAGE_ASSERT(::mkdtemp(pattern.data()) != nullptr);
    folder_ = pattern;
}

TempFolder::~TempFolder() {
    std::filesystem::remove_all(folder_);
}

}  // namespace selvage::net::testing
