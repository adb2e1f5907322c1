#include "base/encoding.h"

#include <gtest/gtest.h>

#include "base/crc32c.h"

namespace selvage {
namespace {

TEST(Base64, RoundTripsEveryLength) {
    std::string bytes;
    for (int i = 0; i < 70; ++i) {
        EXPECT_EQ(from_base64(to_base64(bytes)).value(), bytes) << i;
        bytes += static_cast<char>(i * 37);
    }
}

TEST(Base64, KnowsTheRfcVectorsAndMissingPadding) {
    EXPECT_EQ(to_base64("foobar"), "Zm9vYmFy");
    EXPECT_EQ(to_base64("fooba"), "Zm9vYmE=");
    EXPECT_EQ(from_base64("Zm9vYmE").value(), "fooba");
    EXPECT_EQ(from_base64("Zm9v YmE").error().code, Errc::malformed);
    EXPECT_EQ(from_base64("Z").error().code, Errc::malformed);
}

TEST(PercentEncoding, EncodesDollarAndKeepsPlus) {
    EXPECT_EQ(percent_encode("$edgeHub a/b"), "%24edgeHub%20a%2Fb");
    EXPECT_EQ(percent_decode("%24a+b%2f").value(), "$a+b/");
    EXPECT_EQ(percent_decode("%2").error().code, Errc::malformed);
    EXPECT_EQ(percent_decode("%zz").error().code, Errc::malformed);
    EXPECT_EQ(percent_decode("a%20").value(), "a ");
}

TEST(Hex, RoundTrips) {
    EXPECT_EQ(to_hex(std::string("\x00\xff\x10", 3)), "00ff10");
    EXPECT_EQ(from_hex("00FF10").value(), std::string("\x00\xff\x10", 3));
    EXPECT_EQ(from_hex("0").error().code, Errc::malformed);
}

TEST(Crc32c, MatchesThePublishedVectorAndContinues) {
    EXPECT_EQ(crc32c("123456789"), 0xe3069283u);
    EXPECT_EQ(crc32c("6789", crc32c("12345")), 0xe3069283u);
    EXPECT_EQ(crc32c(""), 0u);
}

}  // namespace
}  // namespace selvage
