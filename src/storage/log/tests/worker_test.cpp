// The log without threads: a worker on the loop does what the writer's and the reader's thread would.
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
