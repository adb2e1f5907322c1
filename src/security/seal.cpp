// Sealed form: one version byte, then (2) ciphertext and 16-byte tag, or (1, only read) tag and ciphertext.
// Wire: docs/wire/workload-api.md#sealed, from Azure/iot-identity-service: key/aziot-keys/src/key.rs.
#include "security/seal.h"

#include "security/openssl_handles.h"

namespace selvage::security {
namespace {

constexpr std::size_t kTagBytes = 16;
constexpr std::size_t kKeyBytes = 32;
constexpr std::size_t kIvBytesMax = 128;                 // OpenSSL's GCM takes no more
constexpr std::size_t kPlainBytesMax = std::size_t{1} << 30;  // lengths are `int` there

Result<> check(std::string_view key, std::string_view iv, std::size_t size) {
    if (key.size() != kKeyBytes) return fail(Errc::invalid_argument, "seal: the key is not of 32 bytes");
    if (iv.empty() || iv.size() > kIvBytesMax)
        return fail(Errc::invalid_argument, "seal: the initialization vector must have 1 to 128 bytes");
    if (size > kPlainBytesMax) return fail(Errc::invalid_argument, "seal: too much data");
    return {};
}

CipherPtr begin(std::string_view key, std::string_view iv, std::string_view aad, bool encrypt) {
    CipherPtr cipher(EVP_CIPHER_CTX_new());
    int size = 0;
    const int direction = encrypt ? 1 : 0;
    SELVAGE_ASSERT(cipher != nullptr);
    SELVAGE_ASSERT(EVP_CipherInit_ex(cipher.get(), EVP_aes_256_gcm(), nullptr, nullptr, nullptr, direction) == 1);
    SELVAGE_ASSERT(
        EVP_CIPHER_CTX_ctrl(cipher.get(), EVP_CTRL_AEAD_SET_IVLEN, static_cast<int>(iv.size()), nullptr) == 1);
    SELVAGE_ASSERT(EVP_CipherInit_ex(cipher.get(), nullptr, nullptr, bytes_of(key), bytes_of(iv), direction) == 1);
    if (!aad.empty())
        SELVAGE_ASSERT(EVP_CipherUpdate(cipher.get(), nullptr, &size, bytes_of(aad), static_cast<int>(aad.size())) == 1);
    return cipher;
}

}  // namespace

Result<std::string> seal(std::string_view key, std::string_view iv, std::string_view aad, std::string_view plaintext) {
    SELVAGE_CHECK(check(key, iv, plaintext.size() + aad.size()));
    const auto cipher = begin(key, iv, aad, true);
    std::string sealed(1 + plaintext.size() + kTagBytes, '\0');
    sealed[0] = 2;
    int size = 0;
    auto* out = bytes_of(sealed) + 1;
    if (!plaintext.empty())
        SELVAGE_ASSERT(
            EVP_CipherUpdate(cipher.get(), out, &size, bytes_of(plaintext), static_cast<int>(plaintext.size())) == 1);
    SELVAGE_ASSERT(EVP_CipherFinal_ex(cipher.get(), out + size, &size) == 1);
    SELVAGE_ASSERT(EVP_CIPHER_CTX_ctrl(cipher.get(), EVP_CTRL_AEAD_GET_TAG, kTagBytes, out + plaintext.size()) == 1);
    return sealed;
}

Result<std::string> unseal(std::string_view key, std::string_view iv, std::string_view aad, std::string_view sealed) {
    SELVAGE_CHECK(check(key, iv, sealed.size() + aad.size()));
    if (sealed.size() < 1 + kTagBytes) return fail(Errc::malformed, "sealed data is too short");
    const char version = sealed[0];
    sealed.remove_prefix(1);
    if (version != 1 && version != 2) return fail(Errc::malformed, "sealed data has an unknown version");
    const std::size_t size = sealed.size() - kTagBytes;
    const auto ciphertext = version == 2 ? sealed.substr(0, size) : sealed.substr(kTagBytes);
    std::string tag(version == 2 ? sealed.substr(size) : sealed.substr(0, kTagBytes));

    const auto cipher = begin(key, iv, aad, false);
    std::string plaintext(size, '\0');
    int written = 0;
    if (size > 0)
        SELVAGE_ASSERT(EVP_CipherUpdate(cipher.get(), bytes_of(plaintext), &written, bytes_of(ciphertext),
                                        static_cast<int>(size)) == 1);
    SELVAGE_ASSERT(EVP_CIPHER_CTX_ctrl(cipher.get(), EVP_CTRL_AEAD_SET_TAG, kTagBytes, tag.data()) == 1);
    if (EVP_CipherFinal_ex(cipher.get(), bytes_of(plaintext) + written, &written) != 1)
        return fail(openssl_error(Errc::unauthorized, "sealed data does not open: wrong key, owner or vector, or damaged"));
    return plaintext;
}

}  // namespace selvage::security
