#include "security/seal.h"

#include <gtest/gtest.h>

#include "base/encoding.h"

namespace selvage::security {
namespace {

std::string bytes(std::string_view hex) { return from_hex(hex).value(); }

struct Row {
    const char* name;
    std::string_view key;
    std::string_view iv;
    std::string_view aad;
    std::string_view plaintext;
    std::string_view ciphertext;
    std::string_view tag;
};

constexpr std::string_view kKey = "feffe9928665731c6d6a8f9467308308feffe9928665731c6d6a8f9467308308";
constexpr std::string_view kAad = "feedfacedeadbeeffeedfacedeadbeefabaddad2";
constexpr std::string_view kPlain =
    "d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a721c3c0c95956809532fcf0e2449a6b525b16aedf5aa0de657ba637b39";

// McGrew and Viega, "The Galois/Counter Mode of Operation", appendix B; the last row was made with Python's cryptography.
constexpr Row kRows[] = {
    {"case 16", kKey, "cafebabefacedbaddecaf888", kAad, kPlain,
     "522dc1f099567d07f47f37a32a84427d643a8cdcbfe5c0c97598a2bd2555d1aa8cb08e48590dbb3da7b08b1056828838c5f61e6393ba7a0abcc9f662",
     "76fc6ece0f4e1768cddf8853bb2d551b"},
    {"case 18, a vector of 60 bytes", kKey,
     "9313225df88406e555909c5aff5269aa6a7a9538534f7da1e4c303d2a318a728c3c0c95156809539fcf0e2429a6b525416aedbf5a0de6a57a637b39b",
     kAad, kPlain,
     "5a8def2f0c9e53f1f75d7853659e2a20eeb2b22aafde6419a058ab4f6f746bf40fc0c3b780f244452da3ebf1c5d82cdea2418997200ef82e44ae7e3f",
     "a44a8266ee1c8eb0c8b5d4cf5ae9f19a"},
    {"case 13, nothing inside", "0000000000000000000000000000000000000000000000000000000000000000",
     "000000000000000000000000", "", "", "", "530f8afbc74536b9a963b4f1c4cb738b"},
    {"32 characters of hex as the vector, as edgeHub's", "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f",
     "3031323334353637383961626364656630313233343536373839616263646566", "2465646765487562363336", "68656c6c6f",
     "f2856f55e1", "64e13173a67ef1ea1ea7c212a11ead25"},
};

TEST(Seal, GivesTheKnownAnswersAndOpensBothVersions) {
    for (const auto& row : kRows) {
        SCOPED_TRACE(row.name);
        const auto key = bytes(row.key), iv = bytes(row.iv), aad = bytes(row.aad), plaintext = bytes(row.plaintext);
        const auto sealed = seal(key, iv, aad, plaintext);
        ASSERT_TRUE(sealed.has_value()) << sealed.error().detail;
        EXPECT_EQ(to_hex(*sealed), "02" + std::string(row.ciphertext) + std::string(row.tag));
        EXPECT_EQ(unseal(key, iv, aad, *sealed).value(), plaintext);
        const auto version1 = "\x01" + bytes(row.tag) + bytes(row.ciphertext);
        EXPECT_EQ(unseal(key, iv, aad, version1).value(), plaintext);
    }
}

TEST(Seal, OpensForNothingElse) {
    const std::string key(32, 'k'), iv(32, 'i');
    const auto sealed = seal(key, iv, "m1:g1", "hello").value();
    EXPECT_EQ(unseal(std::string(32, 'x'), iv, "m1:g1", sealed).error().code, Errc::unauthorized);
    EXPECT_EQ(unseal(key, std::string(32, 'x'), "m1:g1", sealed).error().code, Errc::unauthorized);
    EXPECT_EQ(unseal(key, iv, "m2:g1", sealed).error().code, Errc::unauthorized);
    for (std::size_t at = 1; at < sealed.size(); ++at) {
        auto damaged = sealed;
        damaged[at] = static_cast<char>(damaged[at] ^ 1);
        EXPECT_EQ(unseal(key, iv, "m1:g1", damaged).error().code, Errc::unauthorized) << at;
    }
    EXPECT_EQ(unseal(key, iv, "m1:g1", "\x03" + sealed.substr(1)).error().code, Errc::malformed);
    EXPECT_EQ(unseal(key, iv, "m1:g1", sealed.substr(0, 16)).error().code, Errc::malformed);
    EXPECT_EQ(unseal(key, iv, "m1:g1", "").error().code, Errc::malformed);
}

TEST(Seal, RefusesAKeyOrVectorOfAWrongSize) {
    EXPECT_EQ(seal(std::string(16, 'k'), "iv", "", "x").error().code, Errc::invalid_argument);
    EXPECT_EQ(seal(std::string(32, 'k'), "", "", "x").error().code, Errc::invalid_argument);
    EXPECT_EQ(seal(std::string(32, 'k'), std::string(129, 'i'), "", "x").error().code, Errc::invalid_argument);
}

}  // namespace
}  // namespace selvage::security
