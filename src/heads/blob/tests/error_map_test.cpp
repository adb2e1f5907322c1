#include "heads/blob/error_map.h"

#include <gtest/gtest.h>

#include <set>

#include "base/time_text.h"

namespace selvage::heads::blob {
namespace {

TEST(BlobErrors, EveryReasonHasOneRow) {
    std::set<Errc> seen;
    for (const auto& row : error_rows()) {
        EXPECT_TRUE(seen.insert(row.code).second) << name(row.code);
        EXPECT_GE(row.error.status, 400);
        EXPECT_FALSE(row.error.code.empty());
    }
    EXPECT_EQ(seen.size(), static_cast<std::size_t>(Errc::internal) + 1);
}

TEST(BlobErrors, TheBodyIsXmlWithTheCodeAndWords) {
    const auto now = from_iso8601("2026-03-01T10:00:00Z").value();
    const auto response = error_response(blob_error(Errc::not_found), "no <file> & no place", "r1", now);
    EXPECT_EQ(response.status, 404);
    EXPECT_EQ(response.headers.get("x-ms-error-code"), "BlobNotFound");
    EXPECT_EQ(response.body,
              "<?xml version=\"1.0\" encoding=\"utf-8\"?><Error><Code>BlobNotFound</Code><Message>no &lt;file&gt; &amp; no "
              "place\nRequestId:r1\nTime:2026-03-01T10:00:00.0000000Z</Message></Error>");
}

TEST(BlobErrors, DatesAreThoseOfHttp) {
    EXPECT_EQ(http_date(from_iso8601("2026-03-01T09:08:07.9Z").value()), "Sun, 01 Mar 2026 09:08:07 GMT");
    EXPECT_EQ(http_date(from_iso8601("2024-12-31T23:59:59Z").value()), "Tue, 31 Dec 2024 23:59:59 GMT");
}

}  // namespace
}  // namespace selvage::heads::blob
