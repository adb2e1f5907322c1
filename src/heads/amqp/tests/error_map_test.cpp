#include "heads/amqp/error_map.h"

#include <gtest/gtest.h>

#include <set>
#include <string_view>

#include "base/json.h"
#include "base/time_text.h"

namespace selvage::heads::amqp {
namespace {

TEST(AmqpErrorMap, SaysThisForEachReason) {
    struct Row {
        Errc code;
        std::string_view link;
        std::string_view message;
        int status;
        int error_code;
    };
    constexpr Row kRows[] = {
        {Errc::invalid_argument, "com.microsoft:argument-error", "com.microsoft:argument-error", 400, 400004},
        {Errc::malformed, "com.microsoft:argument-error", "com.microsoft:argument-error", 400, 400006},
        {Errc::unauthorized, "amqp:unauthorized-access", "amqp:unauthorized-access", 401, 401003},
        {Errc::forbidden, "amqp:unauthorized-access", "amqp:unauthorized-access", 403, 403000},
        {Errc::device_disabled, "amqp:unauthorized-access", "amqp:unauthorized-access", 403, 403012},
        {Errc::not_found, "amqp:not-found", "amqp:not-found", 404, 404000},
        {Errc::device_not_found, "amqp:not-found", "amqp:not-found", 404, 404001},
        {Errc::module_not_found, "amqp:not-found", "amqp:not-found", 404, 404010},
        {Errc::already_exists, "com.microsoft:device-already-exists", "com.microsoft:device-already-exists", 409, 409000},
        {Errc::precondition_failed, "com.microsoft:precondition-failed", "com.microsoft:precondition-failed", 412, 412001},
        {Errc::message_too_large, "amqp:link:message-size-exceeded", "amqp:link:message-size-exceeded", 413, 413001},
        {Errc::quota_exceeded, "amqp:resource-limit-exceeded", "com.microsoft:device-container-throttled", 403, 403002},
        {Errc::throttled, "com.microsoft:device-container-throttled", "com.microsoft:device-container-throttled", 429, 429001},
        {Errc::not_online, "amqp:not-found", "amqp:not-found", 404, 404103},
        {Errc::bad_device_response, "amqp:internal-error", "amqp:internal-error", 502, 502000},
        {Errc::timeout, "com.microsoft:timeout", "com.microsoft:timeout", 504, 504101},
        {Errc::cancelled, "amqp:link:detach-forced", "amqp:internal-error", 503, 503001},
        {Errc::unavailable, "amqp:link:detach-forced", "amqp:internal-error", 503, 503001},
        {Errc::connection_closed, "amqp:link:detach-forced", "amqp:internal-error", 503, 503001},
        {Errc::corrupt, "amqp:internal-error", "amqp:internal-error", 500, 500001},
        {Errc::io_error, "amqp:internal-error", "amqp:internal-error", 500, 500001},
        {Errc::unsupported, "amqp:not-implemented", "amqp:not-implemented", 400, 400003},
        {Errc::internal, "amqp:internal-error", "amqp:internal-error", 500, 500001},
    };
    for (const Row& row : kRows) {
        const ErrorRow& got = row_of(row.code);
        EXPECT_EQ(got.code, row.code) << name(row.code);
        EXPECT_EQ(got.link_condition, row.link) << name(row.code);
        EXPECT_EQ(got.message_condition, row.message) << name(row.code);
        EXPECT_EQ(got.status, row.status) << name(row.code);
        EXPECT_EQ(got.error_code, row.error_code) << name(row.code);
    }
    EXPECT_EQ(error_rows().size(), std::size(kRows));
}

TEST(AmqpErrorMap, HasOneRowForEveryReason) {
    // `internal` is the last of the closed list.
    std::set<Errc> seen;
    for (const ErrorRow& row : error_rows()) EXPECT_TRUE(seen.insert(row.code).second) << name(row.code);
    EXPECT_EQ(seen.size(), static_cast<std::size_t>(Errc::internal) + 1);
    for (const ErrorRow& row : error_rows()) EXPECT_EQ(row.error_code / 1000, row.status) << name(row.code);
}

TEST(AmqpErrorMap, KeepsToItselfWhatIsForTheOperator) {
    EXPECT_EQ(link_condition({Errc::unauthorized, "key 2 of d1"}).description, "unauthorized");
    EXPECT_EQ(message_condition({Errc::io_error, "/var/lib/x: no space"}).description, "io_error");
    EXPECT_EQ(message_condition({Errc::message_too_large, "a message of 300000 bytes"}).description, "a message of 300000 bytes");
}

TEST(AmqpErrorMap, WritesABodyThatIsJson) {
    const auto body = parse_json_object(error_body({Errc::throttled, "slow \"down\""}, "t-1", from_iso8601("2026-02-03T04:05:06Z").value()));
    ASSERT_TRUE(body);
    EXPECT_EQ(find_integer(*body, "errorCode"), 429001);
    EXPECT_EQ(find_text(*body, "message"), "slow \"down\"");
    EXPECT_EQ(find_text(*body, "trackingId"), "t-1");
    EXPECT_EQ(find_text(*body, "timestampUtc"), "2026-02-03T04:05:06.0000000Z");
}

TEST(AmqpErrorMap, TellsWhyTheHubEndsAnIdentity) {
    EXPECT_EQ(close_condition(hub_api::CloseReason::replaced).name, "amqp:link:stolen");
    EXPECT_EQ(close_condition(hub_api::CloseReason::identity_removed).name, "amqp:not-found");
    EXPECT_EQ(close_condition(hub_api::CloseReason::identity_disabled).name, "amqp:unauthorized-access");
    EXPECT_EQ(close_condition(hub_api::CloseReason::unauthorized).name, "amqp:unauthorized-access");
    EXPECT_EQ(close_condition(hub_api::CloseReason::shutting_down).name, "amqp:link:detach-forced");
    EXPECT_EQ(close_condition(hub_api::CloseReason::overloaded).name, "amqp:link:detach-forced");
}

}  // namespace
}  // namespace selvage::heads::amqp
