#include "storage/log/tests/fixture.h"

namespace selvage::storage::testing {
namespace {

TEST_F(LogTest, GivesBackWhatWasAppendedInOrderAndNumberedFromZero) {
    open();
    const QueueId queue = log_->queue("q");
    for (const auto& result : append_all({{queue}}, numbered(0, 100))) EXPECT_TRUE(result);
    EXPECT_EQ(all(queue), numbered(0, 100));
    EXPECT_EQ(log_->state(queue).end, 100u);
    EXPECT_EQ(log_->state(queue).first, 0u);
    EXPECT_EQ(log_->state(queue).last_enqueued, clock_.utc_now());
}

TEST_F(LogTest, ReadsFromTheMiddleAndStopsAtItsLimits) {
    open();
    const QueueId queue = log_->queue("q");
    append_all({{queue}}, numbered(0, 100, 100));
    const auto few = read(queue, 40, 3);
    ASSERT_TRUE(few);
    ASSERT_EQ(few->records.size(), 3u);
    EXPECT_EQ(few->records[0].offset, 40u);
    EXPECT_EQ(few->records[0].payload, numbered(40, 41, 100)[0]);
    EXPECT_EQ(few->next, 43u);
    EXPECT_EQ(read(queue, 0, 1000, 350)->records.size(), 3u);
    EXPECT_EQ(read(queue, 0, 1000, 1)->records.size(), 1u) << "at least one record, however large";
    EXPECT_EQ(read(queue, 100)->records.size(), 0u);
    EXPECT_EQ(read(queue, 100)->next, 100u);
    EXPECT_EQ(all(queue, 0, 7), numbered(0, 100, 100));
}

TEST_F(LogTest, SeveralQueuesShareOneBodyAndNumberItForThemselves) {
    open();
    const QueueId a = log_->queue("a");
    const QueueId b = log_->queue("b");
    append(a, "only a");
    const std::uint64_t before = log_->state().disk_bytes;
    append({{a}, {b}}, std::string(10'000, 'x'));
    EXPECT_LT(log_->state().disk_bytes - before, 10'100u);
    append(b, "only b");
    EXPECT_EQ(all(a), (std::vector<std::string>{"only a", std::string(10'000, 'x')}));
    EXPECT_EQ(all(b), (std::vector<std::string>{std::string(10'000, 'x'), "only b"}));
    EXPECT_EQ(read(b, 0, 1)->records[0].offset, 0u);
    EXPECT_EQ(read(a, 1, 1)->records[0].offset, 1u);
}

TEST_F(LogTest, KeepsQueuesNumbersAndCursorsOverARestart) {
    settings_.segment_bytes = 8192;
    open();
    const QueueId a = log_->queue("a");
    const QueueId b = log_->queue("b", {std::chrono::hours(1), 0});
    EXPECT_NE(a, b);
    append_all({{a}, {b}}, numbered(0, 200, 100));
    append_all({{b}}, numbered(200, 300, 100));
    log_->settle(a, 150);
    reopen();
    EXPECT_EQ(log_->queue_names(), (std::vector<std::string>{"a", "b"}));
    EXPECT_EQ(log_->queue("a"), a);
    EXPECT_EQ(log_->queue("b", {std::chrono::hours(1), 0}), b);
    EXPECT_EQ(log_->state(a).cursor, 150u);
    EXPECT_EQ(log_->state(a).end, 200u);
    EXPECT_EQ(log_->state(b).cursor, 0u);
    EXPECT_EQ(log_->state(b).end, 300u);
    EXPECT_EQ(log_->state(b).last_enqueued, clock_.utc_now());
    EXPECT_EQ(all(a, 150), numbered(150, 200, 100));
    EXPECT_EQ(all(b), numbered(0, 300, 100));
    append_all({{a}}, numbered(200, 210));
    reopen();
    const auto rest = all(a, 199);
    ASSERT_EQ(rest.size(), 11u);
    EXPECT_EQ(rest[10], numbered(209, 210)[0]);
}

TEST_F(LogTest, SettlingBackwardsOrPastTheEndDoesNoHarm) {
    open();
    const QueueId queue = log_->queue("q");
    append_all({{queue}}, numbered(0, 10));
    log_->settle(queue, 7);
    log_->settle(queue, 3);
    EXPECT_EQ(log_->state(queue).cursor, 7u);
    log_->settle(queue, 1000);
    EXPECT_EQ(log_->state(queue).cursor, 10u);
    append(queue, "next");
    reopen();
    EXPECT_EQ(log_->state(queue).cursor, 10u);
    EXPECT_EQ(all(queue, 10), std::vector<std::string>{"next"});
}

TEST_F(LogTest, SettledSegmentsAreDeletedAndReadingThemSaysNotFound) {
    settings_.segment_bytes = 4096;
    open();
    const QueueId queue = log_->queue("q");
    append_all({{queue}}, numbered(0, 500, 100));
    const std::size_t before = segments().size();
    EXPECT_GT(before, 10u);
    log_->settle(queue, 400);
    ASSERT_TRUE(flush());
    EXPECT_LT(segments().size(), before / 3);
    EXPECT_EQ(log_->state().segments, segments().size());
    const Offset first = log_->state(queue).first;
    EXPECT_GT(first, 0u);
    EXPECT_LE(first, 400u);
    EXPECT_EQ(all(queue, 400), numbered(400, 500, 100));
    ASSERT_FALSE(read(queue, first - 1));
    EXPECT_EQ(read(queue, first - 1).error().code, Errc::not_found);
    reopen();
    EXPECT_EQ(log_->state(queue).first, first);
    EXPECT_EQ(all(queue, 400), numbered(400, 500, 100));
}

TEST_F(LogTest, ASegmentStaysWhileOneQueueWantsSomethingInIt) {
    settings_.segment_bytes = 4096;
    open();
    const QueueId fast = log_->queue("fast");
    const QueueId slow = log_->queue("slow");
    append({{fast}, {slow}}, "wanted");
    append_all({{fast}}, numbered(0, 200, 100));
    log_->settle(fast, 201);
    ASSERT_TRUE(flush());
    EXPECT_EQ(segments().size(), 2u) << "the one with the slow queue's record, and the active one";
    EXPECT_EQ(all(slow), std::vector<std::string>{"wanted"});
    log_->settle(slow, 1);
    ASSERT_TRUE(flush());
    EXPECT_EQ(segments().size(), 1u);
}

TEST_F(LogTest, SkipsAndCountsExpiredRecords) {
    open();
    const QueueId queue = log_->queue("q");
    append({{queue, in(1000)}}, "short");
    append({{queue, in(5000)}}, "long");
    append({{queue, in(1000)}}, "short too");
    append(queue, "for ever");
    append({{queue, in(500)}}, "last");
    clock_.ms += 2000;
    const auto batch = read(queue, 0);
    ASSERT_TRUE(batch);
    ASSERT_EQ(batch->records.size(), 2u);
    EXPECT_EQ(batch->records[0].payload, "long");
    EXPECT_EQ(batch->records[0].offset, 1u);
    EXPECT_EQ(batch->records[1].payload, "for ever");
    EXPECT_EQ(batch->expired, 3u);
    EXPECT_EQ(batch->next, 5u);
}

TEST_F(LogTest, ExpiryIsPerTarget) {
    open();
    const QueueId a = log_->queue("a");
    const QueueId b = log_->queue("b");
    append({{a, in(1000)}, {b}}, "x");
    clock_.ms += 1000;
    EXPECT_EQ(read(a, 0)->records.size(), 0u);
    EXPECT_EQ(read(a, 0)->next, 1u);
    EXPECT_EQ(read(b, 0)->records.size(), 1u);
}

TEST_F(LogTest, SegmentsOfExpiredRecordsGoAndTheirReaderIsToldHowMany) {
    settings_.segment_bytes = 4096;
    open();
    const QueueId queue = log_->queue("q");
    append_all({{queue, in(1000)}}, numbered(0, 300, 100));
    clock_.ms += 10'000;
    append(queue, "fresh");
    ASSERT_TRUE(flush());
    EXPECT_LE(segments().size(), 2u);
    const auto batch = read(queue, 0);
    ASSERT_TRUE(batch) << batch.error().detail;
    EXPECT_EQ(batch->expired, 300u);
    ASSERT_EQ(batch->records.size(), 1u);
    EXPECT_EQ(batch->records[0].offset, 300u);
    reopen();
    EXPECT_EQ(read(queue, 0)->expired, 300u);
}

TEST_F(LogTest, RetentionByBytesKeepsAtLeastThatMuch) {
    settings_.segment_bytes = 4096;
    open();
    const QueueId queue = log_->queue("events", {std::chrono::milliseconds(0), 20'000});
    append_all({{queue}}, numbered(0, 1000, 100));
    ASSERT_TRUE(flush());
    const auto state = log_->state(queue);
    const std::uint64_t kept = state.end - state.first;
    EXPECT_GE(kept * 120, 20'000u);
    EXPECT_LT(kept * 120, 20'000u + 3 * 4096);
    EXPECT_EQ(all(queue, state.first), numbered(static_cast<std::size_t>(state.first), 1000, 100));
    EXPECT_EQ(read(queue, 0).error().code, Errc::not_found);
}

TEST_F(LogTest, RetentionByAgeLetsOldSegmentsGo) {
    settings_.segment_bytes = 4096;
    open();
    const QueueId queue = log_->queue("events", {std::chrono::hours(1), 0});
    append_all({{queue}}, numbered(0, 100, 100));
    clock_.ms += 30 * 60'000;
    append_all({{queue}}, numbered(100, 200, 100));
    EXPECT_EQ(log_->state(queue).first, 0u);
    clock_.ms += 31 * 60'000;
    append(queue, "later");
    ASSERT_TRUE(flush());
    const Offset first = log_->state(queue).first;
    EXPECT_GT(first, 50u);
    EXPECT_LE(first, 100u);
    clock_.ms += 3'600'000;
    reopen();
    EXPECT_GT(log_->state(queue).first, 100u) << "start-up looks too";
}

TEST_F(LogTest, AFullStoreRefusesAppendsAndTakesThemAgainOnceSomethingIsSettled) {
    settings_.segment_bytes = 1 << 20;
    settings_.disk_bytes_max = 64 * 1024;
    open();
    const QueueId queue = log_->queue("q");
    const auto results = append_all({{queue}}, numbered(0, 1000, 100));
    std::size_t accepted = 0;
    while (accepted < results.size() && results[accepted]) ++accepted;
    ASSERT_GT(accepted, 100u);
    ASSERT_LT(accepted, 1000u);
    for (std::size_t i = accepted; i < results.size(); ++i) EXPECT_EQ(results[i].error().code, Errc::quota_exceeded);
    EXPECT_LE(log_->state().disk_bytes, settings_.disk_bytes_max);
    EXPECT_EQ(all(queue), numbered(0, accepted, 100)) << "what is stored is still delivered";
    EXPECT_FALSE(append(queue, std::string(1000, 'x')));

    log_->settle(queue, accepted);
    EXPECT_TRUE(append(queue, std::string(1000, 'y'))) << "a store in which all is settled is empty, whatever its segments' size";
    EXPECT_EQ(all(queue, accepted), std::vector<std::string>{std::string(1000, 'y')});
    reopen();
    EXPECT_EQ(all(queue, accepted), std::vector<std::string>{std::string(1000, 'y')});
}

TEST_F(LogTest, TheQuotaIsNoConcernOfQueuesWithRetention) {
    settings_.disk_bytes_max = 64 * 1024;
    open();
    const QueueId events = log_->queue("events", {std::chrono::hours(1), 0});
    const QueueId queue = log_->queue("q");
    for (const auto& result : append_all({{events}}, numbered(0, 1000, 100))) EXPECT_TRUE(result);
    EXPECT_EQ(append(queue, "x").error().code, Errc::quota_exceeded);
    EXPECT_EQ(append({{events}, {queue}}, "x").error().code, Errc::quota_exceeded);
}

TEST_F(LogTest, RefusesMoreThanItMayHoldInMemoryAndAnswersInOrder) {
    settings_.pending_bytes_max = 10'000;
    open();
    const QueueId queue = log_->queue("q");
    std::vector<Errc> codes;
    std::size_t answered = 0;
    log_->append({}, "no target", [&](const Result<>& result) {
        EXPECT_EQ(answered++, 0u);
        EXPECT_EQ(result.error().code, Errc::invalid_argument);
    });
    const Target target{queue};
    log_->append({&target, 1}, std::string(20'000, 'x'), [&](const Result<>& result) {
        EXPECT_EQ(answered++, 1u);
        EXPECT_EQ(result.error().code, Errc::throttled);
    });
    log_->append({&target, 1}, "fits", [&](const Result<>& result) {
        EXPECT_EQ(answered++, 2u);
        EXPECT_TRUE(result);
    });
    EXPECT_EQ(answered, 0u) << "never from inside the call";
    ASSERT_TRUE(flush());
    EXPECT_EQ(answered, 3u);
}

TEST_F(LogTest, DroppedQueuesAreGoneAndTheirNumbersAreNotUsedAgain) {
    settings_.segment_bytes = 4096;
    open();
    const QueueId a = log_->queue("a");
    const QueueId b = log_->queue("b");
    append({{a}, {b}}, "both");
    append_all({{b}}, numbered(0, 200, 100));
    log_->drop(b);
    ASSERT_TRUE(flush());
    EXPECT_LE(segments().size(), 2u);
    EXPECT_EQ(read(b, 0).error().code, Errc::not_found);
    EXPECT_TRUE(append({{a}, {b}}, "only a is left"));
    const QueueId again = log_->queue("b");
    EXPECT_GT(again, b);
    reopen();
    EXPECT_EQ(log_->queue_names(), (std::vector<std::string>{"a", "b"}));
    EXPECT_EQ(log_->state(again).end, 0u);
    EXPECT_EQ(all(a), (std::vector<std::string>{"both", "only a is left"}));
    log_->drop(again);
    reopen();
    EXPECT_GT(log_->queue("c"), again);
}

TEST_F(LogTest, WaitersWakeWhenTheirQueueGrowsAndNotBefore) {
    open();
    const QueueId queue = log_->queue("q");
    const QueueId other = log_->queue("other");
    bool woke = false;
    async::TaskGroup tasks(loop_.get_executor());
    tasks.spawn("wait", [](MessageLog& log, QueueId q, bool& out) -> async::Awaitable<> {
        co_await log.wait_for_append(q, 1);
        out = true;
    }(*log_, queue, woke));
    append(other, "x");
    append(queue, "offset 0");
    ASSERT_TRUE(flush());
    EXPECT_FALSE(woke);
    append(queue, "offset 1");
    run([](MessageLog& log, QueueId q) -> async::Awaitable<> { co_await log.wait_for_append(q, 1); }(*log_, queue));
    run([](async::TaskGroup& group) -> async::Awaitable<> { co_await group.stop(); }(tasks));
    EXPECT_TRUE(woke);
}

TEST_F(LogTest, AQuietQueueDoesNotKeepTheSegmentsOfALoudOne) {
    settings_.segment_bytes = 4096;
    open();
    const Retention retention{.age = std::chrono::hours(24), .bytes = 16 * 1024};
    const QueueId loud = log_->queue("loud", retention);
    const QueueId quiet = log_->queue("quiet", retention);
    for (std::size_t i = 0; i < 100; ++i) {
        append_all({{loud}}, numbered(i * 4, i * 4 + 4, 500));
        append(quiet, "now and then");
    }
    // What both may keep, the segment that is written, and one that is not yet looked at.
    EXPECT_LE(log_->state().disk_bytes, 2 * retention.bytes + 3 * settings_.segment_bytes);
    EXPECT_GE(log_->state().disk_bytes, retention.bytes);
    EXPECT_GT(log_->state(quiet).first, 0u);
    EXPECT_EQ(log_->state(quiet).end, 100u);
}

TEST_F(LogTest, WaitersEndWhenCancelledWhenTheirQueueIsDroppedAndWhenTheLogStops) {
    open();
    const QueueId queue = log_->queue("q");
    const QueueId dropped = log_->queue("dropped");
    int ended = 0;
    const auto wait = [](MessageLog& log, QueueId q, int& out) -> async::Awaitable<> {
        co_await log.wait_for_append(q, 0);
        ++out;
    };
    async::TaskGroup cancelled(loop_.get_executor());
    cancelled.spawn("wait", wait(*log_, queue, ended));
    async::TaskGroup others(loop_.get_executor());
    others.spawn("wait", wait(*log_, queue, ended));
    others.spawn("wait", wait(*log_, dropped, ended));
    ASSERT_TRUE(flush());
    run([](async::TaskGroup& group) -> async::Awaitable<> { co_await group.stop(); }(cancelled));
    EXPECT_EQ(ended, 1);
    log_->drop(dropped);
    ASSERT_TRUE(flush());
    EXPECT_EQ(ended, 2);
    run(log_->stop());
    loop_.restart();
    loop_.poll();
    EXPECT_EQ(ended, 3);
    EXPECT_EQ(append(queue, "too late").error().code, Errc::unavailable);
}

TEST_F(LogTest, FindsTheFirstRecordFromATimeOn) {
    settings_.segment_bytes = 4096;
    open();
    const QueueId queue = log_->queue("events", {std::chrono::hours(24), 0});
    const QueueId other = log_->queue("other", {std::chrono::hours(24), 0});
    const std::int64_t start = clock_.ms;
    for (std::size_t i = 0; i < 100; ++i) {
        clock_.ms = start + static_cast<std::int64_t>(i) * 1000;
        append({{i % 2 == 0 ? queue : other}}, std::string(200, 'x'));
    }
    for (int pass = 0; pass < 2; ++pass) {
        EXPECT_EQ(find(queue, 0), 0u);
        EXPECT_EQ(find(queue, start + 40'000), 20u);
        EXPECT_EQ(find(queue, start + 40'001), 21u);
        EXPECT_EQ(find(queue, start + 98'000), 49u);
        EXPECT_EQ(find(queue, start + 99'000), 50u) << "the end";
        EXPECT_EQ(find(other, start + 99'000), 49u);
        reopen();
    }
}

TEST_F(LogTest, ReadersSeeAnOldSegmentAfterItWasReadManyTimesAndManySegmentsAreOpen) {
    settings_.segment_bytes = 2048;
    open();
    const QueueId queue = log_->queue("q");
    append_all({{queue}}, numbered(0, 1000, 100));
    EXPECT_GT(segments().size(), 50u);
    for (int pass = 0; pass < 2; ++pass) EXPECT_EQ(all(queue, 0, 10), numbered(0, 1000, 100));
}

TEST_F(LogTest, LargeRecordsPassThroughSmallSegments) {
    settings_.segment_bytes = 4096;
    open();
    const QueueId queue = log_->queue("q");
    const std::string large(3 << 20, 'x');
    append_all({{queue}}, {"before", large, "after", large});
    EXPECT_EQ(all(queue), (std::vector<std::string>{"before", large, "after", large}));
    reopen();
    EXPECT_EQ(all(queue), (std::vector<std::string>{"before", large, "after", large}));
    EXPECT_EQ(append(queue, std::string((16 << 20) + 1, 'x')).error().code, Errc::message_too_large);
}

TEST_F(LogTest, AFolderIsOpenOnlyOnce) {
    open();
    EXPECT_EQ(open_error().code, Errc::already_exists);
    close();
    open();
}

TEST_F(LogTest, RetentionMayChangeBetweenStarts) {
    settings_.segment_bytes = 4096;
    open();
    const QueueId queue = log_->queue("q", {std::chrono::hours(1), 0});
    append_all({{queue}}, numbered(0, 200, 100));
    reopen();
    EXPECT_EQ(log_->queue("q", {std::chrono::milliseconds(0), 1000}), queue);
    append_all({{queue}}, numbered(200, 400, 100));
    ASSERT_TRUE(flush());
    EXPECT_GT(log_->state(queue).first, 300u);
}

}  // namespace
}  // namespace selvage::storage::testing
