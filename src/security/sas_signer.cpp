#include "security/sas_signer.h"

#include <openssl/evp.h>

#include "base/encoding.h"
#include "security/openssl_handles.h"

namespace selvage::security {

std::string hmac_sha256(std::string_view key, std::string_view data) {
    std::string digest(32, '\0');
    std::size_t size = 0;
    // An empty key is legal and must still be a pointer.
    const std::string_view bytes = key.empty() ? std::string_view("", 0) : key;
    const auto* made = EVP_Q_mac(nullptr, "HMAC", nullptr, "SHA256", nullptr, bytes.data(), bytes.size(), bytes_of(data),
                                 data.size(), bytes_of(digest), digest.size(), &size);
    SELVAGE_ASSERT(made != nullptr && size == digest.size());
    return digest;
}

std::string sha256(std::string_view data) {
    std::string digest(32, '\0');
    unsigned size = 0;
    SELVAGE_ASSERT(EVP_Digest(data.data(), data.size(), bytes_of(digest), &size, EVP_sha256(), nullptr) == 1);
    return digest;
}

Result<std::string> make_sas_token(std::string_view key_base64, std::string_view resource, UtcTime expires,
                                   std::string_view policy) {
    if (resource.empty()) return fail(Errc::invalid_argument, "SAS token: the resource is empty");
    const auto key = from_base64(key_base64);
    if (!key || key->empty()) return fail(Errc::malformed, "SAS token: the key is not base64");
    const auto sr = percent_encode(resource);
    const auto se = std::to_string(std::chrono::floor<std::chrono::seconds>(expires).time_since_epoch().count());
    const auto signature = to_base64(hmac_sha256(*key, sr + "\n" + se));
    auto token = "SharedAccessSignature sr=" + sr + "&sig=" + percent_encode(signature) + "&se=" + se;
    if (!policy.empty()) token += "&skn=" + percent_encode(policy);
    return token;
}

bool sas_signature_matches(std::string_view key_base64, std::string_view raw_sr, std::string_view raw_se,
                           std::string_view signature_base64) {
    const auto key = from_base64(key_base64);
    const auto given = from_base64(signature_base64);
    if (!key || key->empty() || !given) return false;
    const auto right = hmac_sha256(*key, std::string(raw_sr) + "\n" + std::string(raw_se));
    return equals_in_constant_time(right, *given);
}

}  // namespace selvage::security
