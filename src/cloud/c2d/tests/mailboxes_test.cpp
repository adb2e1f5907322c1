#include "cloud/c2d/mailboxes.h"

#include <gtest/gtest.h>

#include "base/time_text.h"
#include "cloud/registry/tests/registry_fixture.h"

namespace selvage::cloud::c2d {
namespace {

using domain::Identity;
using hub_api::Outcome;
using std::chrono::seconds;
using storage::MailEnd;

struct MailboxesTest : cloud::testing::RegistryFixture {
    std::unique_ptr<Mailboxes> mailboxes;
    MailboxAddress d1;

    void SetUp() override {
        RegistryFixture::SetUp();
        d1 = {"d1", std::string(find_text(put_device("d1").value(), "generationId"))};
        up();
    }
    void TearDown() override {
        down();
        RegistryFixture::TearDown();
    }
    void up() {
        mailboxes = std::make_unique<Mailboxes>(loop.get_executor(), time, random, *mail, *store,
                                                MailboxSettings{.depth_max = 5, .deliveries_max = 3});
        mailboxes->start();
    }
    void down() {
        async::testing::run(loop, mailboxes->stop());
        mailboxes.reset();
    }

    struct Device {
        std::shared_ptr<cloud::testing::RecordingSink> sink = std::make_shared<cloud::testing::RecordingSink>();
        std::shared_ptr<sessions::LiveSession> session = std::make_shared<sessions::LiveSession>();
        std::shared_ptr<Receiver> receiver;
        std::vector<hub_api::Delivery>& got() { return sink->deliveries; }
    };
    Device listen(std::uint32_t window) {
        Device device;
        device.session->identity = Identity::of_device("d1");
        device.session->sink = device.sink;
        device.receiver = mailboxes->attach(d1, device.session);
        mailboxes->set_window(device.receiver, window);
        async::testing::run(loop, mailboxes->listen(device.receiver, true));
        return device;
    }
    Result<Mailboxes::Sent> send(const std::string& body, const std::string& ack = "full", std::optional<seconds> lives = {}) {
        domain::Message message{.body = body, .properties = {}, .system = {}};
        message.set(domain::SystemProperty::message_id, "id-" + body);
        message.set(domain::SystemProperty::ack, ack);
        if (lives) message.set(domain::SystemProperty::absolute_expiry_time, to_iso8601(time.utc_now() + *lives));
        return get(mailboxes->send("d1", std::move(message)));
    }
    bool got(Device& device, std::size_t count) {
        return run_until([&] { return device.got().size() >= count; });
    }
    // Lets everything that is ready happen.
    void settle_down() {
        for (int i = 0; i < 3; ++i) get(mail->count(d1)).value();
    }
    static std::vector<std::string> bodies(const Device& device) {
        std::vector<std::string> list;
        for (const auto& delivery : device.sink->deliveries) list.push_back(delivery.message.body);
        return list;
    }
    std::vector<std::pair<std::string, MailEnd>> feedback() {
        std::vector<std::pair<std::string, MailEnd>> seen;
        const auto records = get(mail->feedback({}, time.utc_now() - std::chrono::hours(1), 100));
        for (const auto& record : *records) seen.emplace_back(record.message_id, record.end);
        return seen;
    }
    bool ends_as(const std::string& id, MailEnd how) {
        return run_until([&] { return feedback() == std::vector<std::pair<std::string, MailEnd>>{{id, how}}; });
    }
    std::int64_t waiting() { return get(mail->count(d1)).value(); }
};

TEST_F(MailboxesTest, WhatWaitedAndWhatComesGoesOutInOrderWithinTheWindow) {
    ASSERT_TRUE(send("1"));
    ASSERT_TRUE(send("2"));
    auto device = listen(3);
    EXPECT_EQ(bodies(device), (std::vector<std::string>{"1", "2"})) << "delivered before the subscription is answered";
    ASSERT_TRUE(send("3"));
    ASSERT_TRUE(send("4"));
    ASSERT_TRUE(got(device, 3));
    settle_down();
    EXPECT_EQ(device.got().size(), 3u);
    EXPECT_TRUE(mailboxes->settle(d1, device.got()[1].token, Outcome::completed));
    ASSERT_TRUE(got(device, 4));
    EXPECT_EQ(bodies(device), (std::vector<std::string>{"1", "2", "3", "4"}));
    EXPECT_TRUE(run_until([&] { return waiting() == 3; }));
    EXPECT_EQ(device.got()[0].feed, hub_api::Feed::c2d);
    EXPECT_EQ(device.got()[0].delivery_count, 0u);
}

TEST_F(MailboxesTest, NothingGoesOutWithoutASubscriptionOrAWindow) {
    auto device = listen(0);
    ASSERT_TRUE(send("1"));
    settle_down();
    EXPECT_TRUE(device.got().empty());
    mailboxes->set_window(device.receiver, 1);
    ASSERT_TRUE(got(device, 1));
    async::testing::run(loop, mailboxes->listen(device.receiver, false));
    ASSERT_TRUE(mailboxes->settle(d1, device.got()[0].token, Outcome::completed));
    ASSERT_TRUE(send("2"));
    settle_down();
    EXPECT_EQ(device.got().size(), 1u);
}

TEST_F(MailboxesTest, AFullMailboxAnUnknownDeviceAndALargeMessageAreRefused) {
    for (int i = 0; i < 5; ++i) ASSERT_TRUE(send(std::to_string(i)));
    EXPECT_EQ(send("5").error().code, Errc::quota_exceeded);
    EXPECT_EQ(get(mailboxes->send("nobody", {})).error().code, Errc::device_not_found);
    EXPECT_EQ(send(std::string(65'537, 'x')).error().code, Errc::message_too_large);
    auto device = listen(5);
    EXPECT_EQ(send("5").error().code, Errc::quota_exceeded) << "what is delivered and not settled still counts";
}

TEST_F(MailboxesTest, CompletedRejectedAndTooOftenAbandonedMessagesEndWithTheirFeedback) {
    auto device = listen(1);
    ASSERT_TRUE(send("a"));
    ASSERT_TRUE(got(device, 1));
    EXPECT_TRUE(mailboxes->settle(d1, device.got()[0].token, Outcome::completed));
    EXPECT_FALSE(mailboxes->settle(d1, device.got()[0].token, Outcome::completed)) << "a lock is good once";
    EXPECT_TRUE(ends_as("id-a", MailEnd::success));
    ASSERT_TRUE(get(mail->remove("d1")));

    ASSERT_TRUE(send("b"));
    ASSERT_TRUE(got(device, 2));
    EXPECT_TRUE(mailboxes->settle(d1, device.got()[1].token, Outcome::rejected));
    EXPECT_TRUE(ends_as("id-b", MailEnd::rejected));
    ASSERT_TRUE(get(mail->remove("d1")));

    ASSERT_TRUE(send("c"));
    for (std::uint32_t i = 0; i < 3; ++i) {
        ASSERT_TRUE(got(device, 3 + i));
        EXPECT_EQ(device.got()[2 + i].delivery_count, i);
        EXPECT_TRUE(mailboxes->settle(d1, device.got()[2 + i].token, Outcome::abandoned));
    }
    EXPECT_TRUE(ends_as("id-c", MailEnd::delivery_count_exceeded));
    EXPECT_EQ(waiting(), 0);
}

TEST_F(MailboxesTest, AnAbandonedMessageComesBeforeThoseBehindIt) {
    auto device = listen(2);
    for (const char* body : {"1", "2", "3"}) ASSERT_TRUE(send(body));
    ASSERT_TRUE(got(device, 2));
    EXPECT_TRUE(mailboxes->settle(d1, device.got()[0].token, Outcome::abandoned));
    // The freed place may go to 3 at once, the next one is 1's.
    EXPECT_TRUE(mailboxes->settle(d1, device.got()[1].token, Outcome::completed));
    ASSERT_TRUE(got(device, 4));
    auto rest = bodies(device);
    std::sort(rest.begin() + 2, rest.end());
    EXPECT_EQ(rest, (std::vector<std::string>{"1", "2", "1", "3"}));
}

TEST_F(MailboxesTest, ALockLapsesAfterAMinuteAndKeepsItsPlaceInTheWindowUntilItIsSettled) {
    auto device = listen(2);
    ASSERT_TRUE(send("1"));
    ASSERT_TRUE(got(device, 1));
    time.advance(seconds(59));
    settle_down();
    EXPECT_EQ(device.got().size(), 1u);
    time.advance(seconds(1));
    ASSERT_TRUE(got(device, 2));
    EXPECT_EQ(device.got()[1].message.body, "1");
    EXPECT_EQ(device.got()[1].delivery_count, 0u) << "only abandoning counts";
    time.advance(seconds(60));
    settle_down();
    EXPECT_EQ(device.got().size(), 2u) << "a device that answers nothing costs a window of repetitions";
    EXPECT_FALSE(mailboxes->settle(d1, device.got()[0].token, Outcome::completed)) << "too late";
    ASSERT_TRUE(got(device, 3));
    EXPECT_TRUE(mailboxes->settle(d1, device.got()[2].token, Outcome::completed));
    EXPECT_TRUE(ends_as("id-1", MailEnd::success));
}

TEST_F(MailboxesTest, WhatASessionLeavesUnsettledGoesToTheNext) {
    auto first = listen(5);
    ASSERT_TRUE(send("1"));
    ASSERT_TRUE(send("2"));
    ASSERT_TRUE(got(first, 2));
    auto second = listen(5);
    EXPECT_TRUE(second.got().empty()) << "the first has them locked";
    first.session->ended = true;
    mailboxes->detach(first.receiver);
    ASSERT_TRUE(got(second, 2));
    EXPECT_EQ(bodies(second), (std::vector<std::string>{"1", "2"}));
    EXPECT_EQ(second.got()[0].delivery_count, 0u);
}

TEST_F(MailboxesTest, LocksThatLapseTogetherGiveTheirMessagesBackInOrder) {
    // The order of the locks is that of random tokens: four times, or it could come out right by luck.
    for (int round = 0; round < 4; ++round) {
        auto silent = listen(5);
        for (int i = 1; i <= 5; ++i) ASSERT_TRUE(send(std::to_string(i)));
        ASSERT_TRUE(got(silent, 5));
        auto next = listen(5);
        time.advance(std::chrono::minutes(1));
        ASSERT_TRUE(got(next, 5));
        EXPECT_EQ(bodies(next), (std::vector<std::string>{"1", "2", "3", "4", "5"}));
        mailboxes->detach(silent.receiver);
        for (const auto& delivery : next.got()) EXPECT_TRUE(mailboxes->settle(d1, delivery.token, Outcome::completed));
        ASSERT_TRUE(run_until([&] { return waiting() == 0; }));
        mailboxes->detach(next.receiver);
    }
}

TEST_F(MailboxesTest, WhatComesBackWhileNewerOnesAreReadGoesOutFirst) {
    auto leaving = listen(2);
    for (int i = 1; i <= 3; ++i) ASSERT_TRUE(send(std::to_string(i)));
    ASSERT_TRUE(got(leaving, 2));
    auto next = listen(0);
    mailboxes->set_window(next.receiver, 5);   // begins to read what is free: the third
    mailboxes->detach(leaving.receiver);
    ASSERT_TRUE(got(next, 3));
    EXPECT_EQ(bodies(next), (std::vector<std::string>{"1", "2", "3"}));
}

TEST_F(MailboxesTest, ReadersBesideEachOtherGetEachMessageOnce) {
    ASSERT_TRUE(send("1"));
    ASSERT_TRUE(send("2"));
    auto one = listen(1);
    ASSERT_EQ(bodies(one), (std::vector<std::string>{"1"}));
    auto other = listen(1);
    ASSERT_EQ(bodies(other), (std::vector<std::string>{"2"}));
    EXPECT_TRUE(mailboxes->settle(d1, one.got()[0].token, Outcome::completed));
    EXPECT_TRUE(ends_as("id-1", MailEnd::success));
    mailboxes->detach(other.receiver);
    ASSERT_TRUE(got(one, 2));
    EXPECT_EQ(bodies(one), (std::vector<std::string>{"1", "2"}));
}

TEST_F(MailboxesTest, MessagesExpireAtTheirTimeOrAfterAnHour) {
    const auto own = send("own", "negative", seconds(30));
    ASSERT_TRUE(own);
    EXPECT_EQ(own->expires, time.utc_now() + seconds(30));
    EXPECT_EQ(send("hour", "none")->expires, time.utc_now() + seconds(3600));
    settle_down();
    time.advance(seconds(30));
    EXPECT_TRUE(ends_as("id-own", MailEnd::expired));
    EXPECT_EQ(waiting(), 1);
    for (int i = 0; i < 400 && waiting() > 0; ++i) time.advance(seconds(10));
    EXPECT_TRUE(run_until([&] { return waiting() == 0; }));
    EXPECT_TRUE(ends_as("id-own", MailEnd::expired)) << "the other asked for no feedback";
}

TEST_F(MailboxesTest, ALockedMessageCanBeCompletedAfterItsExpiryAndElseExpiresWithItsLock) {
    auto device = listen(5);
    ASSERT_TRUE(send("a", "full", seconds(10)));
    ASSERT_TRUE(send("b", "full", seconds(10)));
    ASSERT_TRUE(got(device, 2));
    time.advance(seconds(20));
    settle_down();
    EXPECT_TRUE(mailboxes->settle(d1, device.got()[0].token, Outcome::completed));
    EXPECT_TRUE(ends_as("id-a", MailEnd::success));
    mailboxes->detach(device.receiver);
    EXPECT_TRUE(run_until([&] { return feedback().size() == 2; }));
    EXPECT_EQ(feedback()[1].second, MailEnd::expired);
}

TEST_F(MailboxesTest, PurgingEndsEverythingLockedOnesToo) {
    auto device = listen(1);
    ASSERT_TRUE(send("1"));
    ASSERT_TRUE(send("2", "none"));
    ASSERT_TRUE(got(device, 1));
    EXPECT_EQ(get(mailboxes->purge("d1")).value(), 2);
    EXPECT_TRUE(ends_as("id-1", MailEnd::purged));
    EXPECT_FALSE(mailboxes->settle(d1, device.got()[0].token, Outcome::completed));
    ASSERT_TRUE(send("3"));
    ASSERT_TRUE(got(device, 2)) << "the place of the purged one is free again";
    EXPECT_EQ(get(mailboxes->purge("nobody")).error().code, Errc::device_not_found);
}

TEST_F(MailboxesTest, EverythingUnsettledIsThereAfterARestart) {
    auto device = listen(2);
    for (const char* body : {"1", "2", "3"}) ASSERT_TRUE(send(body));
    ASSERT_TRUE(got(device, 2));
    ASSERT_TRUE(mailboxes->settle(d1, device.got()[0].token, Outcome::completed));
    ASSERT_TRUE(run_until([&] { return waiting() == 2; }));
    down();
    up();
    EXPECT_FALSE(mailboxes->settle(d1, device.got()[1].token, Outcome::completed)) << "locks do not survive";
    EXPECT_EQ(bodies(listen(5)), (std::vector<std::string>{"2", "3"}));
}

TEST_F(MailboxesTest, ADeviceThatWasMadeAnewGetsNothingOfItsPredecessors) {
    ASSERT_TRUE(send("old"));
    ASSERT_TRUE(get(registry->remove_device("d1", any())));
    const auto again = put_device("d1");
    d1.generation_id = find_text(*again, "generationId");
    EXPECT_EQ(find_integer(*again, "cloudToDeviceMessageCount", -1), 0);
    auto device = listen(5);
    ASSERT_TRUE(send("new"));
    ASSERT_TRUE(got(device, 1));
    EXPECT_EQ(bodies(device), (std::vector<std::string>{"new"}));
    EXPECT_EQ(find_integer(*get(registry->device("d1")), "cloudToDeviceMessageCount", -1), 1);
}

}  // namespace
}  // namespace selvage::cloud::c2d
