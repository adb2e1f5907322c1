#include "cloud/c2d/feedback_queue.h"

#include <gtest/gtest.h>

#include "base/json.h"
#include "base/time_text.h"
#include "cloud/registry/tests/registry_fixture.h"

namespace selvage::cloud::c2d {
namespace {

using std::chrono::seconds;
using storage::MailEnd;

struct Feedback : cloud::testing::RegistryFixture {
    std::unique_ptr<FeedbackQueue> queue;
    int last_id = 0;
    void SetUp() override {
        RegistryFixture::SetUp();
        queue = std::make_unique<FeedbackQueue>(time, random, *mail, FeedbackSettings{});
    }
    void record(int count, MailEnd how = MailEnd::success) {
        for (int i = 0; i < count; ++i) {
            storage::Mail one{.record = "x", .message_id = "m" + std::to_string(++last_id), .feedback_on_success = true,
                              .feedback_on_failure = true, .enqueued = time.utc_now(),
                              .expires = time.utc_now() + seconds(100)};
            const auto sequence = get(mail->put({"d1", "42"}, std::move(one), 1000));
            ASSERT_TRUE(get(mail->end(*sequence, how, time.utc_now())).value());
        }
    }
    std::optional<FeedbackBatch> receive() { return get(queue->receive()).value(); }
    static JsonArray records(const FeedbackBatch& batch) { return parse_json(batch.body).value().get_array(); }
};

TEST_F(Feedback, ARecordSaysWhatBecameOfWhichMessage) {
    EXPECT_EQ(receive(), std::nullopt);
    record(1, MailEnd::delivery_count_exceeded);
    const auto batch = receive();
    ASSERT_TRUE(batch);
    ASSERT_EQ(records(*batch).size(), 1u);
    const auto one = records(*batch)[0].get_object();
    EXPECT_EQ(find_text(one, "originalMessageId"), "m1");
    EXPECT_EQ(find_text(one, "deviceId"), "d1");
    EXPECT_EQ(find_text(one, "deviceGenerationId"), "42");
    EXPECT_EQ(find_text(one, "statusCode"), "DeliveryCountExceeded");
    EXPECT_EQ(find_text(one, "enqueuedTimeUtc"), to_iso8601(time.utc_now()));
    EXPECT_FALSE(find_text(one, "description").empty());
}

TEST_F(Feedback, ABatchGoesOutWith64RecordsOrFifteenSecondsAfterTheLast) {
    record(1);
    ASSERT_TRUE(receive());
    record(63);
    EXPECT_FALSE(receive());
    record(2);
    const auto full = receive();
    ASSERT_TRUE(full);
    EXPECT_EQ(records(*full).size(), 64u);
    EXPECT_FALSE(receive()) << "one is left, and its time has not come";
    time.advance(seconds(15));
    const auto rest = receive();
    ASSERT_TRUE(rest);
    EXPECT_EQ(records(*rest).size(), 1u);
}

TEST_F(Feedback, ACompletedBatchIsGoneAnAbandonedOneComesAgainTenTimes) {
    record(1);
    auto batch = receive();
    ASSERT_TRUE(get(queue->complete(batch->lock_token)));
    EXPECT_EQ(get(queue->complete(batch->lock_token)).error().code, Errc::precondition_failed);
    time.advance(seconds(15));
    EXPECT_FALSE(receive());

    record(1);
    for (int i = 0; i < 10; ++i) {
        batch = receive();
        ASSERT_TRUE(batch) << i;
        ASSERT_TRUE(get(queue->abandon(batch->lock_token)));
        time.advance(seconds(15));
    }
    EXPECT_FALSE(receive());
}

TEST_F(Feedback, ALockedBatchIsOneReadersUntilItsLockLapses) {
    record(1);
    const auto batch = receive();
    ASSERT_TRUE(batch);
    time.advance(seconds(59));
    EXPECT_FALSE(receive());
    time.advance(seconds(1));
    EXPECT_EQ(get(queue->complete(batch->lock_token)).error().code, Errc::precondition_failed);
    const auto again = receive();
    ASSERT_TRUE(again);
    EXPECT_NE(again->lock_token, batch->lock_token);
    EXPECT_TRUE(get(queue->complete(again->lock_token)));
}

TEST_F(Feedback, RecordsThatNobodyReadAreDroppedAfterAnHour) {
    record(1);
    time.advance(std::chrono::minutes(61));
    EXPECT_FALSE(receive());
}

}  // namespace
}  // namespace selvage::cloud::c2d
