#include "security/certificates.h"

#include <gtest/gtest.h>

#include "security/openssl_handles.h"

namespace selvage::security {
namespace {

using namespace std::chrono_literals;

const UtcTime kNow = UtcTime(std::chrono::seconds(1'900'000'000));

using StorePtr = std::unique_ptr<X509_STORE, Deleter<X509_STORE_free>>;
using StoreContextPtr = std::unique_ptr<X509_STORE_CTX, Deleter<X509_STORE_CTX_free>>;

KeyPairPem make(const CertificateRequest& request, const KeyPairPem* issuer) {
    SystemRandom random;
    auto made = make_certificate(request, issuer, kNow, random);
    EXPECT_TRUE(made.has_value()) << (made ? "" : made.error().detail);
    return made ? *made : KeyPairPem{};
}

// OpenSSL's own verdict on `chain` as a TLS server (or client) named `host`, with only `root` trusted and strict rules.
int verify(const std::string& chain_pem, const std::string& root_pem, const char* purpose, const char* host,
           UtcTime at = kNow) {
    const auto chain = read_certificates(chain_pem).value();
    const auto roots = read_certificates(root_pem).value();
    const StorePtr store(X509_STORE_new());
    for (const auto& root : roots) X509_STORE_add_cert(store.get(), root.get());
    STACK_OF(X509)* others = sk_X509_new_null();
    for (const auto& certificate : chain) sk_X509_push(others, certificate.get());
    const StoreContextPtr context(X509_STORE_CTX_new());
    X509_STORE_CTX_init(context.get(), store.get(), chain.front().get(), others);
    X509_STORE_CTX_set_default(context.get(), purpose);
    X509_VERIFY_PARAM* rules = X509_STORE_CTX_get0_param(context.get());
    X509_VERIFY_PARAM_set_flags(rules, X509_V_FLAG_X509_STRICT);
    X509_VERIFY_PARAM_set_time(rules, std::chrono::floor<std::chrono::seconds>(at).time_since_epoch().count());
    if (host != nullptr && X509_VERIFY_PARAM_set1_ip_asc(rules, host) != 1) X509_VERIFY_PARAM_set1_host(rules, host, 0);
    X509_verify_cert(context.get());
    const int error = X509_STORE_CTX_get_error(context.get());
    sk_X509_free(others);
    return error;
}

CertificateRequest server_request() {
    return {.common_name = "hub.example", .dns_names = {"hub.example", "localhost"}, .ip_addresses = {"127.0.0.1", "::1"},
            .lifetime = 24h * 90, .is_ca = false, .path_length = -1, .server_auth = true, .client_auth = false};
}

TEST(Certificates, AServersChainVerifiesForItsNamesOnly) {
    const auto root = make({.common_name = "Root", .lifetime = 24h * 3650, .is_ca = true}, nullptr);
    const auto middle = make({.common_name = "Middle", .lifetime = 24h * 365, .is_ca = true, .path_length = 0}, &root);
    const auto leaf = make(server_request(), &middle);
    EXPECT_EQ(read_certificates(leaf.certificate_pem)->size(), 2u) << "leaf and middle, the root is the peer's";
    for (const char* host : {"hub.example", "localhost", "127.0.0.1", "::1"})
        EXPECT_EQ(verify(leaf.certificate_pem, root.certificate_pem, "ssl_server", host), X509_V_OK) << host;
    EXPECT_EQ(verify(leaf.certificate_pem, root.certificate_pem, "ssl_server", "other.example"), X509_V_ERR_HOSTNAME_MISMATCH);
    EXPECT_EQ(verify(leaf.certificate_pem, root.certificate_pem, "ssl_client", nullptr), X509_V_ERR_INVALID_PURPOSE);
    const auto stranger = make({.common_name = "Root", .is_ca = true}, nullptr);
    EXPECT_NE(verify(leaf.certificate_pem, stranger.certificate_pem, "ssl_server", nullptr), X509_V_OK);
    const auto too_deep = make({.common_name = "Deep", .is_ca = true}, &middle);
    const auto below = make(server_request(), &too_deep);
    EXPECT_EQ(verify(below.certificate_pem, root.certificate_pem, "ssl_server", nullptr), X509_V_ERR_PATH_LENGTH_EXCEEDED);
}

// An edge CA from outside, with an RSA key made by openssl itself.
KeyPairPem rsa_authority() {
    const KeyPtr key(EVP_RSA_gen(2048));
    const CertificatePtr certificate(X509_new());
    X509_set_version(certificate.get(), X509_VERSION_3);
    ASN1_INTEGER_set(X509_get_serialNumber(certificate.get()), 7);
    X509_NAME* name = X509_get_subject_name(certificate.get());
    X509_NAME_add_entry_by_NID(name, NID_commonName, MBSTRING_ASC, bytes_of(std::string_view("Rsa CA")), -1, -1, 0);
    X509_set_issuer_name(certificate.get(), name);
    X509_set_pubkey(certificate.get(), key.get());
    ASN1_TIME_set(X509_getm_notBefore(certificate.get()), 1'899'000'000);
    ASN1_TIME_set(X509_getm_notAfter(certificate.get()), 1'901'000'000);
    X509V3_CTX context;
    X509V3_set_ctx(&context, certificate.get(), certificate.get(), nullptr, nullptr, 0);
    for (const auto& [nid, value] : {std::pair(NID_basic_constraints, "critical,CA:TRUE"), std::pair(NID_key_usage, "critical,keyCertSign"),
                                     std::pair(NID_subject_key_identifier, "hash"), std::pair(NID_authority_key_identifier, "keyid")}) {
        const ExtensionPtr extension(X509V3_EXT_conf_nid(nullptr, &context, nid, value));
        X509_add_ext(certificate.get(), extension.get(), -1);
    }
    X509_sign(certificate.get(), key.get(), EVP_sha256());
    return {to_pem(certificate.get()), to_pem(key.get())};
}

TEST(Certificates, AnRsaIssuerSignsAndTheLeafDoesNotOutliveIt) {
    const auto authority = rsa_authority();
    const auto leaf = make(server_request(), &authority);
    EXPECT_EQ(verify(leaf.certificate_pem, authority.certificate_pem, "ssl_server", "hub.example"), X509_V_OK);
    const auto facts = read_certificate(leaf.certificate_pem).value();
    EXPECT_EQ(facts.not_after, UtcTime(std::chrono::seconds(1'901'000'000)));
    EXPECT_EQ(facts.not_before, kNow - 5min);
}

TEST(Certificates, FactsAreThoseThatWereAskedFor) {
    const auto root = make({.common_name = "Root", .lifetime = 24h, .is_ca = true}, nullptr);
    const auto facts = read_certificate(root.certificate_pem).value();
    EXPECT_EQ(facts.common_name, "Root");
    EXPECT_TRUE(facts.is_ca);
    EXPECT_EQ(facts.not_before, kNow - 5min);
    EXPECT_EQ(facts.not_after, kNow + 24h);
    EXPECT_EQ(facts.thumbprint_sha1.size(), 40u);
    EXPECT_EQ(facts.thumbprint_sha256.size(), 64u);
    EXPECT_EQ(facts.thumbprint_sha256.find_first_not_of("0123456789ABCDEF"), std::string::npos);
    EXPECT_EQ(verify(root.certificate_pem, root.certificate_pem, "default", nullptr, kNow + 25h),
              X509_V_ERR_CERT_HAS_EXPIRED);
}

TEST(Certificates, SerialsAreSixteenBytesPositiveAndFresh) {
    const auto first = make({.common_name = "A", .is_ca = true}, nullptr);
    const auto second = make({.common_name = "A", .is_ca = true}, nullptr);
    const auto a = read_certificates(first.certificate_pem).value();
    const auto b = read_certificates(second.certificate_pem).value();
    const ASN1_INTEGER* serial = X509_get0_serialNumber(a.front().get());
    EXPECT_EQ(ASN1_STRING_length(serial), 16);
    EXPECT_EQ(ASN1_STRING_type(serial), V_ASN1_INTEGER) << "negative";
    EXPECT_NE(ASN1_INTEGER_cmp(serial, X509_get0_serialNumber(b.front().get())), 0);
}

TEST(Certificates, WhatCannotBeMadeIsRefusedWithAReason) {
    const auto root = make({.common_name = "Root", .lifetime = 1h, .is_ca = true}, nullptr);
    const auto leaf = make(server_request(), &root);
    const auto other = make({.common_name = "Other", .is_ca = true}, nullptr);
    SystemRandom random;
    const auto refused = [&](const CertificateRequest& request, const KeyPairPem* issuer, UtcTime now = kNow) {
        const auto made = make_certificate(request, issuer, now, random);
        return made ? std::string("made") : made.error().detail;
    };
    EXPECT_NE(refused({.common_name = std::string(65, 'a')}, nullptr).find("64"), std::string::npos);
    EXPECT_NE(refused({.common_name = ""}, nullptr).find("64"), std::string::npos);
    EXPECT_NE(refused({.common_name = "a", .dns_names = {"a b"}}, nullptr).find("DNS"), std::string::npos);
    EXPECT_NE(refused({.common_name = "a", .ip_addresses = {"300.1.1.1"}}, nullptr).find("IP"), std::string::npos);
    EXPECT_NE(refused({.common_name = "a", .lifetime = 0h}, nullptr).find("lifetime"), std::string::npos);
    EXPECT_NE(refused({.common_name = "a"}, &leaf).find("not a CA"), std::string::npos);
    EXPECT_NE(refused({.common_name = "a"}, &root, kNow + 2h).find("expired"), std::string::npos);
    const KeyPairPem mixed{root.certificate_pem, other.key_pem};
    EXPECT_NE(refused({.common_name = "a"}, &mixed).find("does not belong"), std::string::npos);
    const KeyPairPem garbage{"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", root.key_pem};
    EXPECT_NE(refused({.common_name = "a"}, &garbage).find("not a PEM certificate"), std::string::npos);
    EXPECT_EQ(read_certificate("").error().code, Errc::malformed);
    EXPECT_EQ(refused({.common_name = std::string(64, 'a')}, &root), "made");
}

}  // namespace
}  // namespace selvage::security
