#include "heads/http/error_map.h"

#include <gtest/gtest.h>

#include <set>

#include "base/json.h"
#include "base/time_text.h"

namespace selvage::heads::http::testing {
namespace {

struct FixedClock final : Clock {
    TimePoint now() const override { return {}; }
    UtcTime utc_now() const override { return *from_iso8601("2026-02-03T04:05:06Z"); }
};

TEST(HttpErrorMap, EveryReasonHasOneRow) {
    std::set<Errc> seen;
    for (const auto& row : error_rows()) {
        EXPECT_TRUE(seen.insert(row.code).second) << name(row.code);
        EXPECT_GE(row.error.status, 400);
        // Numbers of the service begin with the status, but for one that it has twice.
        if (row.code != Errc::unsupported) EXPECT_EQ(row.error.number / 1000, row.error.status) << name(row.code);
    }
    EXPECT_EQ(seen.size(), static_cast<std::size_t>(Errc::internal) + 1);
}

TEST(HttpErrorMap, ABodyCanBeCutAtItsSemicolon) {
    SeededRandom random(1);
    const auto response = error_response({Errc::message_too_large, "too; large"}, FixedClock{}, random);
    EXPECT_EQ(response.status, 413);
    EXPECT_EQ(response.headers.get("iothub-errorcode"), "MessageTooLarge");
    EXPECT_EQ(response.headers.get("Content-Type"), "application/json; charset=utf-8");
    const auto body = *parse_json_object(response.body);
    EXPECT_EQ(find_text(body, "Message"), "ErrorCode:MessageTooLarge;too, large");
    const auto tracking = find_text(body, "ExceptionMessage");
    EXPECT_TRUE(tracking.starts_with("Tracking ID:")) << tracking;
    EXPECT_TRUE(tracking.ends_with("-G:1-TimeStamp:02/03/2026 04:05:06")) << tracking;
}

TEST(HttpErrorMap, OurOwnFailuresKeepTheirDetailToTheLog) {
    SeededRandom random(1);
    const auto response = error_response({Errc::io_error, "/var/lib/x: disk on fire"}, FixedClock{}, random);
    EXPECT_EQ(response.status, 500);
    EXPECT_EQ(response.body.find("fire"), std::string::npos);
}

}  // namespace
}  // namespace selvage::heads::http::testing
