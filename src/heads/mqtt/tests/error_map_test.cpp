#include "heads/mqtt/error_map.h"

#include <gtest/gtest.h>

#include <set>

#include "base/json.h"
#include "base/time_text.h"

namespace selvage::heads::mqtt {
namespace {

using enum codec::mqtt::ConnectCode;

TEST(MqttErrorMap, SaysThisForEachReason) {
    struct Row {
        Errc code;
        int status;
        int error_code;
        codec::mqtt::ConnectCode connect;
    };
    constexpr Row kRows[] = {
        {Errc::invalid_argument, 400, 400004, bad_credentials},   {Errc::malformed, 400, 400006, bad_credentials},
        {Errc::unauthorized, 401, 401003, not_authorized},        {Errc::forbidden, 403, 403000, not_authorized},
        {Errc::device_disabled, 403, 403012, not_authorized},     {Errc::not_found, 404, 404000, not_authorized},
        {Errc::device_not_found, 404, 404001, not_authorized},    {Errc::module_not_found, 404, 404010, not_authorized},
        {Errc::already_exists, 409, 409000, unavailable},         {Errc::precondition_failed, 412, 412001, unavailable},
        {Errc::message_too_large, 413, 413001, unavailable},      {Errc::quota_exceeded, 403, 403002, unavailable},
        {Errc::throttled, 429, 429001, unavailable},              {Errc::not_online, 404, 404103, unavailable},
        {Errc::bad_device_response, 502, 502000, unavailable},    {Errc::timeout, 504, 504101, unavailable},
        {Errc::cancelled, 503, 503001, unavailable},              {Errc::unavailable, 503, 503001, unavailable},
        {Errc::connection_closed, 503, 503001, unavailable},      {Errc::corrupt, 500, 500001, unavailable},
        {Errc::io_error, 500, 500001, unavailable},               {Errc::unsupported, 400, 400003, not_authorized},
        {Errc::internal, 500, 500001, unavailable},
    };
    for (const Row& row : kRows) {
        const ErrorRow& got = row_of(row.code);
        EXPECT_EQ(got.code, row.code) << name(row.code);
        EXPECT_EQ(got.twin_status, row.status) << name(row.code);
        EXPECT_EQ(got.error_code, row.error_code) << name(row.code);
        EXPECT_EQ(got.connect_code, row.connect) << name(row.code);
    }
    EXPECT_EQ(error_rows().size(), std::size(kRows));
}

TEST(MqttErrorMap, HasOneRowForEveryReason) {
    // `internal` is the last of the closed list.
    std::set<Errc> seen;
    for (const ErrorRow& row : error_rows()) EXPECT_TRUE(seen.insert(row.code).second) << name(row.code);
    EXPECT_EQ(seen.size(), static_cast<std::size_t>(Errc::internal) + 1);
    for (const ErrorRow& row : error_rows()) EXPECT_EQ(row.error_code / 1000, row.twin_status) << name(row.code);
}

TEST(MqttErrorMap, WritesABodyThatNodeTakesForAnError) {
    const auto body = parse_json_object(error_body({Errc::throttled, "slow \"down\""}, "t-1", from_iso8601("2026-02-03T04:05:06Z").value()));
    ASSERT_TRUE(body);
    EXPECT_EQ(find_integer(*body, "errorCode"), 429001);
    EXPECT_EQ(find_text(*body, "message"), "slow \"down\"");
    EXPECT_EQ(find_text(*body, "trackingId"), "t-1");
    EXPECT_EQ(find_text(*body, "timestampUtc"), "2026-02-03T04:05:06.0000000Z");
}

}  // namespace
}  // namespace selvage::heads::mqtt
