// X.509 version 3 as RFC 5280 wants it: key identifiers on both ends of the chain, critical basic constraints and key
// usage, names only in the subject alternative name (the common name is for people).
// Wire: docs/wire/certificates.md.
#include "security/certificates.h"

#include <algorithm>

#include "base/encoding.h"
#include "security/openssl_handles.h"

namespace selvage::security {
namespace {

// Clocks of devices without a battery are late: a certificate is good from a little before it was made.
constexpr std::chrono::minutes kBackdated{5};
constexpr std::size_t kCommonNameCharsMax = 64;    // ub-common-name, RFC 5280 appendix A
constexpr std::size_t kSerialBytes = 16;

struct Issuer {
    std::vector<CertificatePtr> chain;
    KeyPtr key;
};

Result<> check(const CertificateRequest& request) {
    if (request.common_name.empty() || request.common_name.size() > kCommonNameCharsMax)
        return fail(Errc::invalid_argument, "certificate: the common name must have 1 to 64 characters");
    for (const auto& name : request.dns_names) {
        const auto plain = [](char c) { return c > ' ' && c < 0x7f; };
        if (name.empty() || name.size() > 253 || !std::ranges::all_of(name, plain))
            return fail(Errc::invalid_argument, "certificate: '" + name + "' is not a DNS name");
    }
    if (request.lifetime <= std::chrono::hours(0))
        return fail(Errc::invalid_argument, "certificate: the lifetime must be positive");
    return {};
}

UtcTime from_asn1(const ASN1_TIME* time) {
    std::tm parts{};
    if (ASN1_TIME_to_tm(time, &parts) != 1) return UtcTime{};
    using namespace std::chrono;
    const sys_days day = year(parts.tm_year + 1900) / month(static_cast<unsigned>(parts.tm_mon + 1)) /
                         std::chrono::day(static_cast<unsigned>(parts.tm_mday));
    return UtcTime(day.time_since_epoch() + hours(parts.tm_hour) + minutes(parts.tm_min) + seconds(parts.tm_sec));
}

std::time_t to_time_t(UtcTime time) {
    return std::chrono::floor<std::chrono::seconds>(time).time_since_epoch().count();
}

Result<Issuer> read_issuer(const KeyPairPem& pem, UtcTime now) {
    Issuer issuer;
    SELVAGE_TRY(issuer.chain, read_certificates(pem.certificate_pem));
    SELVAGE_TRY(issuer.key, read_private_key(pem.key_pem));
    X509* own = issuer.chain.front().get();
    if (X509_check_private_key(own, issuer.key.get()) != 1)
        return fail(openssl_error(Errc::invalid_argument, "the issuer's key does not belong to its certificate"));
    if (X509_check_ca(own) != 1) return fail(Errc::invalid_argument, "the issuer's certificate is not a CA's");
    if (from_asn1(X509_get0_notAfter(own)) <= now)
        return fail(Errc::invalid_argument, "the issuer's certificate has expired");
    return issuer;
}

bool add_name(GENERAL_NAMES* names, int kind, ASN1_STRING* value) {
    NamePtr name(GENERAL_NAME_new());
    GENERAL_NAME_set0_value(name.get(), kind, value);
    return sk_GENERAL_NAME_push(names, name.get()) > 0 && name.release() != nullptr;
}

Result<NamesPtr> alternative_names(const CertificateRequest& request) {
    NamesPtr names(GENERAL_NAMES_new());
    for (const auto* texts : {&request.dns_names, &request.dns_texts})
        for (const auto& text : *texts) {
            auto* value = ASN1_IA5STRING_new();
            SELVAGE_ASSERT(ASN1_STRING_set(value, text.data(), static_cast<int>(text.size())) == 1);
            SELVAGE_ASSERT(add_name(names.get(), GEN_DNS, value));
        }
    for (const auto& text : request.ip_addresses) {
        auto* value = a2i_IPADDRESS(text.c_str());
        if (value == nullptr)
            return fail(openssl_error(Errc::invalid_argument, "certificate: '" + text + "' is not an IP address"));
        SELVAGE_ASSERT(add_name(names.get(), GEN_IPADD, value));
    }
    return names;
}

// `value` in OpenSSL's own extension language; never with text from outside in it.
void add_extension(X509* certificate, X509* issuer, int nid, const std::string& value) {
    X509V3_CTX context;
    X509V3_set_ctx(&context, issuer, certificate, nullptr, nullptr, 0);
    const ExtensionPtr extension(X509V3_EXT_conf_nid(nullptr, &context, nid, value.c_str()));
    SELVAGE_ASSERT(extension != nullptr && X509_add_ext(certificate, extension.get(), -1) == 1);
}

Result<> add_extensions(X509* certificate, X509* issuer, const CertificateRequest& request) {
    std::string constraints = request.is_ca ? "critical,CA:TRUE" : "critical,CA:FALSE";
    if (request.is_ca && request.path_length >= 0) constraints += ",pathlen:" + std::to_string(request.path_length);
    add_extension(certificate, issuer, NID_basic_constraints, constraints);
    add_extension(certificate, issuer, NID_key_usage,
                  request.is_ca ? "critical,digitalSignature,keyCertSign" : "critical,digitalSignature");
    if (request.server_auth || request.client_auth) {
        std::string usage = request.server_auth ? "serverAuth" : "clientAuth";
        if (request.server_auth && request.client_auth) usage += ",clientAuth";
        add_extension(certificate, issuer, NID_ext_key_usage, usage);
    }
    add_extension(certificate, issuer, NID_subject_key_identifier, "hash");
    // Of a self-signed one OpenSSL would make an empty sequence, which strict verifiers refuse; RFC 5280 lets it be left out.
    if (issuer != certificate) add_extension(certificate, issuer, NID_authority_key_identifier, "keyid");
    SELVAGE_TRY(const NamesPtr names, alternative_names(request));
    if (sk_GENERAL_NAME_num(names.get()) > 0)
        SELVAGE_ASSERT(X509_add1_ext_i2d(certificate, NID_subject_alt_name, names.get(), 0, 0) == 1);
    return {};
}

void set_serial(X509* certificate, Random& random) {
    std::string bytes(kSerialBytes, '\0');
    random.fill(std::as_writable_bytes(std::span(bytes)));
    // Positive, and of full length whatever the dice say.
    bytes[0] = static_cast<char>((static_cast<unsigned char>(bytes[0]) & 0x7f) | 0x40);
    BIGNUM* number = BN_bin2bn(bytes_of(bytes), static_cast<int>(bytes.size()), nullptr);
    SELVAGE_ASSERT(number != nullptr && BN_to_ASN1_INTEGER(number, X509_get_serialNumber(certificate)) != nullptr);
    BN_free(number);
}

Result<> set_validity(X509* certificate, const CertificateRequest& request, const Issuer* issuer, UtcTime now) {
    auto not_before = now - kBackdated;
    auto not_after = now + request.lifetime;
    if (issuer != nullptr) {
        const X509* own = issuer->chain.front().get();
        not_after = std::min(not_after, from_asn1(X509_get0_notAfter(own)));
        not_before = std::max(not_before, from_asn1(X509_get0_notBefore(own)));
    }
    if (ASN1_TIME_set(X509_getm_notBefore(certificate), to_time_t(not_before)) == nullptr ||
        ASN1_TIME_set(X509_getm_notAfter(certificate), to_time_t(not_after)) == nullptr)
        return fail(openssl_error(Errc::invalid_argument, "certificate: the lifetime is out of range"));
    return {};
}

bool is_root(X509* certificate) {
    return X509_NAME_cmp(X509_get_subject_name(certificate), X509_get_issuer_name(certificate)) == 0;
}

std::string thumbprint(const X509* certificate, const EVP_MD* digest) {
    std::string bytes(EVP_MAX_MD_SIZE, '\0');
    unsigned size = 0;
    SELVAGE_ASSERT(X509_digest(certificate, digest, bytes_of(bytes), &size) == 1);
    bytes.resize(size);
    auto hex = to_hex(bytes);
    std::ranges::transform(hex, hex.begin(), [](char c) { return c >= 'a' ? static_cast<char>(c - 'a' + 'A') : c; });
    return hex;
}

}  // namespace

Result<KeyPairPem> make_certificate(const CertificateRequest& request, const KeyPairPem* issuer_pem, UtcTime now,
                                    Random& random) {
    SELVAGE_CHECK(check(request));
    Issuer issuer;
    if (issuer_pem != nullptr) {
        auto read = read_issuer(*issuer_pem, now);
        if (!read) return fail(read.error().in("certificate issuer"));
        issuer = *std::move(read);
    }
    const KeyPtr key(EVP_EC_gen("P-256"));
    const CertificatePtr certificate(X509_new());
    SELVAGE_ASSERT(key != nullptr && certificate != nullptr);
    X509* issuer_certificate = issuer.key ? issuer.chain.front().get() : certificate.get();

    SELVAGE_ASSERT(X509_set_version(certificate.get(), X509_VERSION_3) == 1);
    set_serial(certificate.get(), random);
    X509_NAME* subject = X509_get_subject_name(certificate.get());
    if (X509_NAME_add_entry_by_NID(subject, NID_commonName, MBSTRING_UTF8, bytes_of(request.common_name),
                                   static_cast<int>(request.common_name.size()), -1, 0) != 1)
        return fail(openssl_error(Errc::invalid_argument, "certificate: the common name is not text"));
    SELVAGE_ASSERT(X509_set_issuer_name(certificate.get(), X509_get_subject_name(issuer_certificate)) == 1);
    SELVAGE_ASSERT(X509_set_pubkey(certificate.get(), key.get()) == 1);
    SELVAGE_CHECK(set_validity(certificate.get(), request, issuer.key ? &issuer : nullptr, now));
    SELVAGE_CHECK(add_extensions(certificate.get(), issuer_certificate, request));
    if (X509_sign(certificate.get(), issuer.key ? issuer.key.get() : key.get(), EVP_sha256()) == 0)
        return fail(openssl_error(Errc::invalid_argument, "certificate: the issuer's key cannot sign"));

    KeyPairPem made{to_pem(certificate.get()), to_pem(key.get())};
    for (const auto& link : issuer.chain)
        if (!is_root(link.get())) made.certificate_pem += to_pem(link.get());
    return made;
}

Result<CertificateFacts> read_certificate(const std::string& pem) {
    SELVAGE_TRY(const auto chain, read_certificates(pem));
    X509* certificate = chain.front().get();
    CertificateFacts facts;
    X509_NAME* subject = X509_get_subject_name(certificate);
    if (const int at = X509_NAME_get_index_by_NID(subject, NID_commonName, -1); at >= 0) {
        unsigned char* text = nullptr;
        const int size = ASN1_STRING_to_UTF8(&text, X509_NAME_ENTRY_get_data(X509_NAME_get_entry(subject, at)));
        if (size > 0) facts.common_name.assign(reinterpret_cast<const char*>(text), static_cast<std::size_t>(size));
        OPENSSL_free(text);
    }
    facts.not_before = from_asn1(X509_get0_notBefore(certificate));
    facts.not_after = from_asn1(X509_get0_notAfter(certificate));
    facts.thumbprint_sha1 = thumbprint(certificate, EVP_sha1());
    facts.thumbprint_sha256 = thumbprint(certificate, EVP_sha256());
    facts.is_ca = X509_check_ca(certificate) == 1;
    return facts;
}

}  // namespace selvage::security
