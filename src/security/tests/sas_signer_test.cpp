#include "security/sas_signer.h"

#include <gtest/gtest.h>

#include "base/encoding.h"

namespace selvage::security {
namespace {

struct Row {
    std::string key;
    std::string data;
    const char* mac;
};

// RFC 4231, cases 1, 2, 3 and 6.
TEST(Hmac, GivesTheKnownAnswers) {
    const Row rows[] = {
        {std::string(20, '\x0b'), "Hi There", "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7"},
        {"Jefe", "what do ya want for nothing?", "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"},
        {std::string(20, '\xaa'), std::string(50, '\xdd'), "773ea91e36800e46854db8ebd09181a72959098b3ef8c122d9635514ced565fe"},
        {std::string(131, '\xaa'), "Test Using Larger Than Block-Size Key - Hash Key First",
         "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54"},
        {"", "", "b613679a0814d9ec772f95d778c35fc5ff1697c493715653c6c712144292c5ad"},
    };
    for (const auto& row : rows) EXPECT_EQ(to_hex(hmac_sha256(row.key, row.data)), row.mac);
}

TEST(Sha256, GivesTheKnownAnswer) {
    EXPECT_EQ(to_hex(sha256("abc")), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

TEST(SasSigner, MakesWhatItAccepts) {
    const auto key = to_base64("0123456789abcdef");
    const auto token = make_sas_token(key, "h.example/devices/d1", UtcTime(std::chrono::milliseconds(1700000000999)));
    ASSERT_TRUE(token.has_value());
    // Made with: printf 'h.example%%2Fdevices%%2Fd1\n1700000000' | openssl dgst -sha256 -hmac 0123456789abcdef -binary | base64
    EXPECT_EQ(*token, "SharedAccessSignature sr=h.example%2Fdevices%2Fd1&sig=rr52EDGiOtTQe3g1%2FiRGH1DVxAgYmz0TLj2KOrFVX6c%3D&se=1700000000");
    const auto with_policy = make_sas_token(key, "h.example", UtcTime(std::chrono::seconds(1)), "a b");
    EXPECT_TRUE(with_policy->ends_with("&se=1&skn=a%20b"));
}

TEST(SasSigner, RefusesAnEmptyResourceAndABadKey) {
    EXPECT_EQ(make_sas_token("a2V5", "", UtcTime{}).error().code, Errc::invalid_argument);
    EXPECT_EQ(make_sas_token("*", "h", UtcTime{}).error().code, Errc::malformed);
    EXPECT_EQ(make_sas_token("", "h", UtcTime{}).error().code, Errc::malformed);
}

TEST(SasSigner, ASignatureMatchesOnlyItsOwnTexts) {
    const auto key = to_base64("key");
    const auto signature = to_base64(hmac_sha256("key", "h%2fdevices%2fd\n17"));
    EXPECT_TRUE(sas_signature_matches(key, "h%2fdevices%2fd", "17", signature));
    EXPECT_FALSE(sas_signature_matches(key, "h%2Fdevices%2Fd", "17", signature));
    EXPECT_FALSE(sas_signature_matches(key, "h%2fdevices%2fd", "18", signature));
    EXPECT_FALSE(sas_signature_matches(to_base64("kez"), "h%2fdevices%2fd", "17", signature));
    EXPECT_FALSE(sas_signature_matches(key, "h%2fdevices%2fd", "17", ""));
    EXPECT_FALSE(sas_signature_matches(key, "h%2fdevices%2fd", "17", signature.substr(0, 20)));
    EXPECT_FALSE(sas_signature_matches("not base64!", "h%2fdevices%2fd", "17", signature));
    EXPECT_FALSE(sas_signature_matches("", "h", "1", to_base64(hmac_sha256("", "h\n1"))));
}

}  // namespace
}  // namespace selvage::security
