#include "edge/management/log_query.h"

#include <gtest/gtest.h>

#include "base/time_text.h"

namespace selvage::edge::management {
namespace {

TEST(LogQuery, ReadsMomentsInEachForm) {
    const UtcTime now = *from_iso8601("2026-01-02T00:00:00Z");
    const std::int64_t n = now.time_since_epoch().count() / 1000;
    struct Row {
        const char* text;
        std::int64_t want;
    };
    const Row rows[] = {
        {"2026-01-01T00:00:00Z", n - 86400}, {"2026-01-02T01:00:00+01:00", n}, {"1700000000", 1700000000},
        {"-5", -5},                          {"1 day", n - 86400},            {"1d", n - 86400},
        {"90m", n - 5400},                   {"2h 30m", n - 9000},            {"2h30m", n - 9000},
        {"2 days 3 hours 2 minutes", n - 183720}, {"1500ms", n - 1},          {"1 week", n - 604800},
    };
    for (const Row& row : rows) {
        const auto moment = parse_moment(row.text, now);
        ASSERT_TRUE(moment) << row.text;
        EXPECT_EQ(*moment, row.want) << row.text;
    }
    for (const char* text : {"", "soon", "3000000000", "10 parsecs", "1 d 2", "h", "2026-13-01T00:00:00Z",
                             "999999999999 years"}) {
        EXPECT_FALSE(parse_moment(text, now)) << text;
    }
}

TEST(LogQuery, ReadsTail) {
    EXPECT_EQ(*parse_tail("all"), std::nullopt);
    EXPECT_EQ(*parse_tail("0"), 0u);
    EXPECT_EQ(*parse_tail("25"), 25u);
    for (const char* text : {"", "-1", "ALL", "5x", "99999999999999999999999"}) EXPECT_FALSE(parse_tail(text)) << text;
}

}  // namespace
}  // namespace selvage::edge::management
