// The log without threads: a worker on the loop does what the writer's and the reader's thread would.
#include <algorithm>
#include <deque>

#include "async/worker.h"
#include "storage/log/tests/fixture.h"

namespace selvage::storage::testing {
namespace {

class Later final : public async::Worker {
public:
    void run(std::move_only_function<void()> work) override { waiting.push_back(std::move(work)); }
    bool one() {
        if (waiting.empty()) return false;
        const auto work = std::make_unique<std::move_only_function<void()>>(std::move(waiting.front()));
        waiting.pop_front();
        (*work)();
        return true;
    }
    std::deque<std::move_only_function<void()>> waiting;
};

struct LogWorkerTest : LogTest {
    std::shared_ptr<Later> worker = std::make_shared<Later>();
    LogWorkerTest() { settings_.worker = worker; }
    ~LogWorkerTest() override {
        if (log_) finish(log_->stop());
        log_.reset();
    }
    void drain() {
        do {
            loop_.restart();
            loop_.poll();
        } while (worker->one());
    }
    void finish(async::Awaitable<> task) {
        bool ended = false;
        async::spawn_root(loop_.get_executor(), std::move(task), [&ended] { ended = true; });
        drain();
        EXPECT_TRUE(ended);
    }
};

TEST_F(LogWorkerTest, AnAppendIsReportedOnceTheWorkerHasWrittenItAndNotBefore) {
    open();
    drain();
    const QueueId queue = log_->queue("q");
    std::vector<std::string> done;
    const Target target{queue};
    for (const char* text : {"a", "b"})
        log_->append(std::span(&target, 1), text, [&done, text](const Result<>& result) {
            EXPECT_TRUE(result);
            done.emplace_back(text);
        });
    loop_.poll();
    EXPECT_EQ(done.size(), 0u);
    EXPECT_EQ(worker->waiting.size(), 1u) << "both belong into one batch";
    drain();
    EXPECT_EQ(done, (std::vector<std::string>{"a", "b"}));
    finish([](MessageLog& log, QueueId from) -> async::Awaitable<> {
        const auto batch = co_await log.read(from, 0, 10, 1000);
        EXPECT_TRUE(batch);
        if (batch) {
            EXPECT_EQ(batch->records.size(), 2u);
        }
    }(*log_, queue));
}

// Whoever stops at a refusal and begins again there keeps its order: a small record must not slip in behind a large one that
// found no room.
struct LogOrderTest : LogWorkerTest {
    static constexpr OrderKey kSender = 1;
    static constexpr OrderKey kOther = 2;
    void append_later(std::size_t bytes, OrderKey order) {
        const Target target{log_->queue("q")};
        log_->append(
            std::span(&target, 1), std::string(bytes, 'x'),
            [this](const Result<>& result) { outcomes.emplace_back(result ? "stored" : name(result.error().code)); }, order);
    }
    std::vector<std::string> outcomes_now() {
        drain();
        return std::exchange(outcomes, {});
    }
    // Room for two records of this size.
    static constexpr std::size_t kLarge = 100'000;
    void open_small() {
        settings_.disk_bytes_max = 256 * 1024;
        open();
        append_later(kLarge, kNoOrder);
        append_later(kLarge, kNoOrder);
        EXPECT_EQ(outcomes_now(), (std::vector<std::string>{"stored", "stored"}));
    }
    std::vector<std::string> outcomes;
};

TEST_F(LogOrderTest, WhatFollowsARefusedRecordIsRefusedTooUntilTheRefusalIsKnown) {
    open_small();
    append_later(kLarge, kSender);
    append_later(10, kSender);
    worker->one();
    append_later(10, kSender);      // in another batch, and the refusal is still on its way
    EXPECT_EQ(outcomes_now(), (std::vector<std::string>{"quota_exceeded", "throttled", "throttled"}));
    append_later(10, kSender);
    EXPECT_EQ(outcomes_now(), (std::vector<std::string>{"stored"}));
}

TEST_F(LogOrderTest, OthersDoNotPayForARefusedRecord) {
    open_small();
    append_later(kLarge, kSender);
    append_later(10, kOther);
    append_later(10, kNoOrder);
    EXPECT_EQ(outcomes_now(), (std::vector<std::string>{"quota_exceeded", "stored", "stored"}));
}

TEST_F(LogOrderTest, NothingFollowsARecordThatWasTooMuchForTheMemory) {
    settings_.pending_bytes_max = 1000;
    open();
    append_later(600, kSender);
    append_later(600, kSender);
    append_later(10, kSender);
    append_later(10, kOther);
    EXPECT_EQ(outcomes_now(), (std::vector<std::string>{"stored", "throttled", "throttled", "stored"}));
}

TEST_F(LogOrderTest, ASenderThatNeverPausesIsTakenAgainOnceTheRefusalIsKnown) {
    open_small();
    append_later(kLarge, kSender);
    std::size_t rounds = 0;
    // In each turn of the loop there is something of his on its way.
    while (std::ranges::find(outcomes, "stored") == outcomes.end() && rounds < 10) {
        append_later(10, kSender);
        worker->one();
        append_later(10, kSender);
        loop_.restart();
        loop_.poll();
        ++rounds;
    }
    EXPECT_LT(rounds, 10u);
    drain();
}

TEST_F(LogWorkerTest, WorkThatWaitsWhenTheLogGoesDoesNoHarmAndNothingIsLost) {
    open();
    const QueueId queue = log_->queue("q");
    const Target target{queue};
    log_->append(std::span(&target, 1), "kept", [](const Result<>&) {});
    log_.reset();
    drain();
    settings_.worker = nullptr;
    open();
    EXPECT_EQ(all(log_->queue("q")), (std::vector<std::string>{"kept"}));
    close();
}

}  // namespace
}  // namespace selvage::storage::testing
