#include <gtest/gtest.h>

#include "async/tests/run.h"
#include "storage/sqlite/sqlite_stores.h"
#include "storage/sqlite/tests/store_folder.h"

namespace selvage::storage {
namespace {

using async::Awaitable;
using std::chrono::minutes;
using std::chrono::seconds;

constexpr UtcTime kNow{std::chrono::sys_days{std::chrono::year{2026} / 3 / 1}};

struct Mailbox : ::testing::Test {
    testing::StoreFolder folder;
    boost::asio::io_context loop;
    std::unique_ptr<MailboxStore> store;
    const MailboxAddress d1{.device_id = "d1", .generation_id = "1"};

    void SetUp() override { reopen(100); }
    void TearDown() override { async::testing::run(loop, store->stop()); }
    void reopen(std::size_t feedback_max) {
        if (store) async::testing::run(loop, store->stop());
        auto opened = open_sqlite_mailbox_store({.path = folder.file("mail.db")}, feedback_max);
        ASSERT_TRUE(opened) << opened.error().detail;
        store = *std::move(opened);
    }
    template <class T>
    T get(Awaitable<T> call) {
        std::optional<T> result;
        const auto keep = [](Awaitable<T> running, std::optional<T>& out) -> Awaitable<> { out = co_await std::move(running); };
        async::testing::run(loop, keep(std::move(call), result));
        return *std::move(result);
    }
    static Mail mail(const std::string& record, minutes lives = minutes(60), const std::string& id = "m") {
        return {.record = record, .message_id = id, .feedback_on_success = true, .feedback_on_failure = true,
                .enqueued = kNow, .expires = kNow + lives};
    }
    std::int64_t put(const MailboxAddress& address, Mail one) { return get(store->put(address, std::move(one), 50)).value(); }
    std::vector<std::string> waiting(const MailboxAddress& address, std::set<std::int64_t> held = {}, UtcTime now = kNow,
                                     std::size_t most = 100, std::size_t bytes = 1 << 20) {
        std::vector<std::string> records;
        for (const auto& one : get(store->next(address, std::move(held), now, most, bytes)).value()) records.push_back(one.record);
        return records;
    }
    std::vector<FeedbackRecord> feedback() { return get(store->feedback({}, kNow - minutes(60), 100)).value(); }
};

TEST_F(Mailbox, MessagesWaitInTheirOrderAndApartByDeviceAndGeneration) {
    const auto first = put(d1, mail("a"));
    put({"d2", "1"}, mail("other"));
    put({"d1", "2"}, mail("next life"));
    EXPECT_GT(put(d1, mail("b")), first);
    put(d1, mail("c"));
    EXPECT_EQ(waiting(d1), (std::vector<std::string>{"a", "b", "c"}));
    EXPECT_EQ(waiting(d1, {first}), (std::vector<std::string>{"b", "c"}));
    EXPECT_EQ(waiting(d1, {}, kNow, 2), (std::vector<std::string>{"a", "b"}));
    EXPECT_EQ(waiting(d1, {}, kNow, 9, 1), (std::vector<std::string>{"a"})) << "one, whatever its size";
    EXPECT_EQ(get(store->count(d1)).value(), 3);
}

TEST_F(Mailbox, AFullOneRefusesAndTakesAgainOnceOneIsGone) {
    const auto first = get(store->put(d1, mail("a"), 2));
    ASSERT_TRUE(get(store->put(d1, mail("b"), 2)));
    EXPECT_EQ(get(store->put(d1, mail("c"), 2)).error().code, Errc::quota_exceeded);
    EXPECT_TRUE(get(store->end(*first, MailEnd::success, kNow)).value());
    EXPECT_TRUE(get(store->put(d1, mail("c"), 2)));
    EXPECT_FALSE(get(store->end(*first, MailEnd::success, kNow)).value()) << "it ends once";
}

TEST_F(Mailbox, ExpiredMessagesAreNotDeliveredAndCanBeFound) {
    put(d1, mail("late", minutes(10)));
    const auto soon = put(d1, mail("soon", minutes(5)));
    EXPECT_EQ(get(store->next_expiry(kNow)).value(), kNow + minutes(5));
    EXPECT_EQ(waiting(d1, {}, kNow + minutes(5)), (std::vector<std::string>{"late"}));
    const auto expired = get(store->expired(kNow + minutes(5), 10)).value();
    ASSERT_EQ(expired.size(), 1u);
    EXPECT_EQ(expired[0].sequence, soon);
    EXPECT_EQ(expired[0].address, d1);
    EXPECT_EQ(get(store->next_expiry(kNow + minutes(10))).value(), std::nullopt);
}

TEST_F(Mailbox, TheLastAbandonmentEndsAMessage) {
    const auto sequence = put(d1, mail("a"));
    EXPECT_FALSE(get(store->abandon(sequence, 3, kNow)).value());
    EXPECT_FALSE(get(store->abandon(sequence, 3, kNow)).value());
    EXPECT_EQ(get(store->next(d1, {}, kNow, 1, 1)).value().at(0).delivery_count, 2u);
    EXPECT_TRUE(feedback().empty());
    EXPECT_TRUE(get(store->abandon(sequence, 3, kNow)).value());
    EXPECT_TRUE(waiting(d1).empty());
    ASSERT_EQ(feedback().size(), 1u);
    EXPECT_EQ(feedback()[0].end, MailEnd::delivery_count_exceeded);
}

TEST_F(Mailbox, FeedbackIsRecordedForThoseWhoAskedForThatOutcome) {
    const auto send = [&](const char* id, bool on_success, bool on_failure) {
        auto one = mail("x", minutes(60), id);
        one.feedback_on_success = on_success;
        one.feedback_on_failure = on_failure;
        return put(d1, std::move(one));
    };
    const auto ended = [&](std::int64_t sequence, MailEnd how) { EXPECT_TRUE(get(store->end(sequence, how, kNow)).value()); };
    ended(send("positive-good", true, false), MailEnd::success);
    ended(send("positive-bad", true, false), MailEnd::rejected);
    ended(send("negative-good", false, true), MailEnd::success);
    ended(send("negative-bad", false, true), MailEnd::expired);
    ended(send("none", false, false), MailEnd::success);
    ended(send("", true, true), MailEnd::success);
    send("purged", true, true);
    send("purged too", false, false);
    EXPECT_EQ(get(store->purge(d1, kNow)).value(), 2);
    std::vector<std::pair<std::string, MailEnd>> seen;
    for (const auto& record : feedback()) seen.emplace_back(record.message_id, record.end);
    EXPECT_EQ(seen, (std::vector<std::pair<std::string, MailEnd>>{
                        {"positive-good", MailEnd::success}, {"negative-bad", MailEnd::expired}, {"purged", MailEnd::purged}}));
}

TEST_F(Mailbox, FeedbackAgesAwayIsCappedAndCanBeTakenOut) {
    const auto record = [&](const char* id, UtcTime when) {
        EXPECT_TRUE(get(store->end(put(d1, mail("x", minutes(60), id)), MailEnd::success, when)).value());
    };
    record("old", kNow - minutes(61));
    record("a", kNow);
    record("b", kNow);
    const auto records = feedback();
    ASSERT_EQ(records.size(), 2u);
    EXPECT_EQ(get(store->feedback({records[0].id}, kNow - minutes(1), 100)).value().at(0).message_id, "b");
    ASSERT_TRUE(get(store->abandon_feedback({records[0].id, records[1].id}, 2)));
    ASSERT_TRUE(get(store->remove_feedback({records[1].id})));
    ASSERT_EQ(feedback().size(), 1u);
    EXPECT_EQ(feedback()[0].delivery_count, 1u);
    ASSERT_TRUE(get(store->abandon_feedback({records[0].id}, 2)));
    EXPECT_TRUE(feedback().empty());

    reopen(3);
    for (const char* id : {"1", "2", "3", "4", "5"}) record(id, kNow);
    ASSERT_EQ(feedback().size(), 3u);
    EXPECT_EQ(feedback()[0].message_id, "3");
}

TEST_F(Mailbox, ARemovedDeviceLeavesNothingAndNoSequenceNumberComesTwice) {
    const auto before = put(d1, mail("a"));
    EXPECT_TRUE(get(store->end(put(d1, mail("b")), MailEnd::success, kNow)).value());
    ASSERT_TRUE(get(store->remove("d1")));
    EXPECT_TRUE(waiting(d1).empty());
    EXPECT_TRUE(feedback().empty());
    reopen(100);
    EXPECT_GT(put(d1, mail("c")), before + 1);
}

}  // namespace
}  // namespace selvage::storage
