#include "cloud/c2d/mail_input.h"

#include <gtest/gtest.h>

#include "base/time_text.h"

namespace selvage::cloud::c2d {
namespace {

using domain::SystemProperty;

constexpr UtcTime kNow{std::chrono::sys_days{std::chrono::year{2026} / 3 / 1}};
constexpr UtcTime kOtherwise = kNow + std::chrono::hours(1);

Result<storage::Mail> make(std::vector<domain::SystemEntry> system, std::string body = "x", std::size_t bytes_max = 100) {
    return make_mail({.body = std::move(body), .properties = {{"a", "1"}}, .system = std::move(system)}, "d 1", kNow,
                     kOtherwise, bytes_max);
}

TEST(MailInput, TheHubAddressesTheMessageAndStampsIt) {
    auto mail = make({{SystemProperty::to, "somebody else"},
                      {SystemProperty::message_id, "m1"},
                      {SystemProperty::enqueued_time, "made up"},
                      {SystemProperty::lock_token, "made up"}});
    ASSERT_TRUE(mail) << mail.error().detail;
    EXPECT_EQ(mail->expires, kOtherwise);
    EXPECT_EQ(mail->message_id, "m1");
    mail->sequence = 7;
    mail->delivery_count = 2;
    const auto message = read_mail(*mail).value();
    EXPECT_EQ(message.get(SystemProperty::to), "/devices/d%201/messages/devicebound");
    EXPECT_EQ(message.get(SystemProperty::enqueued_time), to_iso8601(kNow));
    EXPECT_EQ(message.get(SystemProperty::sequence_number), "7");
    EXPECT_EQ(message.get(SystemProperty::delivery_count), "2");
    EXPECT_EQ(message.get(SystemProperty::lock_token), std::nullopt);
    EXPECT_EQ(message.properties, (std::vector<domain::Property>{{"a", "1"}}));
}

TEST(MailInput, TheSizeOfASendersWordsCountsAndTheHubsDoNot) {
    EXPECT_TRUE(make({}, std::string(98, 'x')));
    EXPECT_EQ(make({}, std::string(99, 'x')).error().code, Errc::message_too_large);
    EXPECT_TRUE(make({{SystemProperty::to, std::string(50, 't')}}, std::string(98, 'x')));
}

struct AckRow {
    const char* ack;
    bool success;
    bool failure;
};
constexpr AckRow kAcks[] = {
    {"none", false, false}, {"", false, false}, {"positive", true, false}, {"negative", false, true},
    {"full", true, true},   {"FULL", true, true},
};

TEST(MailInput, FeedbackIsWhatAckSays) {
    for (const auto& row : kAcks) {
        const auto mail = make({{SystemProperty::ack, row.ack}});
        ASSERT_TRUE(mail) << row.ack;
        EXPECT_EQ(mail->feedback_on_success, row.success) << row.ack;
        EXPECT_EQ(mail->feedback_on_failure, row.failure) << row.ack;
    }
}

struct BadRow {
    SystemProperty property;
    std::string value;
};

TEST(MailInput, WhatCannotBeKeptIsRefusedByName) {
    const BadRow rows[] = {
        {SystemProperty::ack, "maybe"},
        {SystemProperty::absolute_expiry_time, "tomorrow"},
        {SystemProperty::absolute_expiry_time, to_iso8601(kNow)},
        {SystemProperty::absolute_expiry_time, to_iso8601(kNow - std::chrono::hours(1))},
        {SystemProperty::message_id, "has space"},
        {SystemProperty::message_id, std::string(129, 'x')},
    };
    for (const auto& row : rows) {
        const auto mail = make({{row.property, row.value}}, "x", 1000);
        ASSERT_FALSE(mail) << row.value;
        EXPECT_EQ(mail.error().code, Errc::invalid_argument) << row.value;
        EXPECT_NE(mail.error().detail.find(domain::name(row.property)), std::string::npos) << mail.error().detail;
    }
    const auto mail = make({{SystemProperty::absolute_expiry_time, to_iso8601(kNow + std::chrono::hours(30))}});
    EXPECT_EQ(mail->expires, kNow + std::chrono::hours(30));
    EXPECT_EQ(make({{SystemProperty::absolute_expiry_time, std::string(kNeverText)}})->expires, kOtherwise);
}

}  // namespace
}  // namespace selvage::cloud::c2d
