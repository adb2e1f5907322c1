// Owners for OpenSSL's objects. Private to this folder.
#pragma once

#include <openssl/bio.h>
#include <openssl/evp.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace selvage::security {

template <auto Free>
struct Deleter {
    void operator()(auto* handle) const { Free(handle); }
};

using BioPtr = std::unique_ptr<BIO, Deleter<BIO_free_all>>;
using KeyPtr = std::unique_ptr<EVP_PKEY, Deleter<EVP_PKEY_free>>;
using CertificatePtr = std::unique_ptr<X509, Deleter<X509_free>>;
using CipherPtr = std::unique_ptr<EVP_CIPHER_CTX, Deleter<EVP_CIPHER_CTX_free>>;
using ExtensionPtr = std::unique_ptr<X509_EXTENSION, Deleter<X509_EXTENSION_free>>;
using NamesPtr = std::unique_ptr<GENERAL_NAMES, Deleter<GENERAL_NAMES_free>>;
using NamePtr = std::unique_ptr<GENERAL_NAME, Deleter<GENERAL_NAME_free>>;

inline const unsigned char* bytes_of(std::string_view text) { return reinterpret_cast<const unsigned char*>(text.data()); }
inline unsigned char* bytes_of(std::string& text) { return reinterpret_cast<unsigned char*>(text.data()); }

// The first queued error of OpenSSL in its own words; the queue is emptied. `what` goes in front.
Error openssl_error(Errc code, std::string_view what);

// All certificates of a PEM text, in order. Errors: malformed (also when there is none).
Result<std::vector<CertificatePtr>> read_certificates(std::string_view pem);
// Errors: malformed.
Result<KeyPtr> read_private_key(std::string_view pem);
std::string to_pem(X509* certificate);
// PKCS#8, not encrypted.
std::string to_pem(EVP_PKEY* key);

}  // namespace selvage::security
