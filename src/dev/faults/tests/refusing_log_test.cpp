#include "dev/faults/refusing_log.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>

#include "async/tests/run.h"

namespace selvage::dev {
namespace {

using async::Awaitable;

class RefusingLogTest : public ::testing::Test {
protected:
    void SetUp() override {
        std::string pattern = (std::filesystem::temp_directory_path() / "selvage-refusing-XXXXXX").string();
        ASSERT_NE(::mkdtemp(pattern.data()), nullptr);
        folder_ = pattern;
        storage::LogSettings settings;
        settings.folder = folder_;
        auto opened = storage::MessageLog::open(loop_.get_executor(), clock_, settings);
        ASSERT_TRUE(opened) << opened.error().detail;
        log_ = refusing(*std::move(opened), loop_.get_executor(), refusal_);
        queue_ = log_->queue("q");
    }
    void TearDown() override {
        async::testing::run(loop_, log_->stop());
        log_.reset();
        std::filesystem::remove_all(folder_);
    }
    void append(const std::string& text, storage::OrderKey order) {
        const storage::Target target{.queue = queue_};
        log_->append(std::span(&target, 1), text, [this, text](const Result<>& result) {
            answers_.push_back(text + (result ? " taken" : std::string(" ") + std::string(name(result.error().code))));
        }, order);
    }
    void wait_for(std::size_t answers) {
        const auto limit = std::chrono::steady_clock::now() + std::chrono::seconds(10);
        while (answers_.size() < answers && std::chrono::steady_clock::now() < limit) {
            loop_.restart();
            loop_.run_one_for(std::chrono::milliseconds(20));
        }
    }

    boost::asio::io_context loop_;
    SystemClock clock_;
    std::string folder_;
    Refusal refusal_ = std::make_shared<std::optional<Error>>();
    std::unique_ptr<storage::MessageLog> log_;
    storage::QueueId queue_ = 0;
    std::vector<std::string> answers_;
};

TEST_F(RefusingLogTest, AnswersInTheOrderOfTheAppends) {
    append("a", 0);
    *refusal_ = Error{Errc::quota_exceeded, "full"};
    append("b", 0);
    refusal_->reset();
    append("c", 0);
    EXPECT_TRUE(answers_.empty()) << "an answer inside the call";
    wait_for(3);
    EXPECT_EQ(answers_, (std::vector<std::string>{"a taken", "b quota_exceeded", "c taken"}));
    EXPECT_EQ(log_->state(queue_).end, 2u);
}

TEST_F(RefusingLogTest, RefusesWhatOneSenderSentBeforeItHeardOfTheRefusal) {
    *refusal_ = Error{Errc::quota_exceeded, "full"};
    append("a1", 7);
    refusal_->reset();
    append("a2", 7);
    append("b1", 8);
    wait_for(3);
    EXPECT_EQ(answers_, (std::vector<std::string>{"a1 quota_exceeded", "a2 throttled", "b1 taken"}));
    append("a1", 7);
    wait_for(4);
    EXPECT_EQ(answers_.back(), "a1 taken");
}

}  // namespace
}  // namespace selvage::dev
