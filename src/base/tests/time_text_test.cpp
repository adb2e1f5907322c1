#include "base/time_text.h"

#include <gtest/gtest.h>

namespace selvage {
namespace {

TEST(Iso8601, RoundTripsAndAcceptsOffsets) {
    const auto time = from_iso8601("2026-03-01T10:00:00.1234567Z");
    ASSERT_TRUE(time);
    EXPECT_EQ(to_iso8601(*time), "2026-03-01T10:00:00.1230000Z");
    EXPECT_EQ(from_iso8601("2026-03-01T11:00:00.123+01:00").value(), *time);
    EXPECT_EQ(to_iso8601(from_iso8601("2026-03-01T10:00:00").value()), "2026-03-01T10:00:00.0000000Z");
}

TEST(Iso8601, RefusesWhatIsNoTime) {
    for (const char* text : {"", "2026-13-01T00:00:00Z", "2026-02-30T00:00:00Z", "2026-01-01", "2026-01-01T25:00:00Z",
                             "2026-01-01T00:00:00.Z", "2026-01-01T00:00:00Zx"})
        EXPECT_EQ(from_iso8601(text).error().code, Errc::malformed) << text;
}

}  // namespace
}  // namespace selvage
