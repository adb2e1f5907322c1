// A log in a folder of its own, and the usual things done to it.
#pragma once

#include <gtest/gtest.h>
#include <fcntl.h>
#include <stdlib.h>

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <stdexcept>
#include <string>
#include <vector>

#include "async/event.h"
#include "async/tests/run.h"
#include "storage/log/message_log.h"
#include "storage/log/open_log.h"

namespace selvage::storage::testing {

class ManualClock final : public Clock {
public:
    TimePoint now() const override { return {}; }
    UtcTime utc_now() const override { return UtcTime(std::chrono::milliseconds(ms.load())); }
    std::atomic<std::int64_t> ms{1'700'000'000'000};
};

// Tests make and drop hundreds of segments; those that are about syncs bring another disk.
class UnsyncedDisk : public segment::Disk {
public:
    int sync_data(int) override { return 0; }
    int sync_all(int) override { return 0; }
};

class LogTest : public ::testing::Test {
protected:
    LogTest() {
        std::string pattern = (std::filesystem::temp_directory_path() / "selvage-log-XXXXXX").string();
        EXPECT_NE(::mkdtemp(pattern.data()), nullptr);
        root_ = pattern;
        settings_.folder = (root_ / "log").string();
        settings_.durability = Durability::process;   // tests that are about syncs say so
    }
    ~LogTest() override {
        close();
        std::filesystem::remove_all(root_);
    }

    void open() {
        auto opened = open_log(loop_.get_executor(), clock_, settings_, disk_);
        // Ends the test: nothing can be said about a log that does not open.
        if (!opened) throw std::runtime_error("the log does not open: " + opened.error().detail);
        log_ = *std::move(opened);
    }
    Error open_error() {
        auto opened = open_log(loop_.get_executor(), clock_, settings_, disk_);
        EXPECT_FALSE(opened);
        return opened ? Error{} : opened.error();
    }
    void close() {
        if (log_) run(log_->stop());
        log_.reset();
    }
    void reopen() {
        close();
        open();
    }
    void run(async::Awaitable<> task) { async::testing::run(loop_, std::move(task), std::chrono::seconds(30)); }

    // Appends all, then waits for the answers.
    std::vector<Result<>> append_all(std::vector<Target> targets, const std::vector<std::string>& payloads) {
        std::vector<Result<>> results;
        for (const auto& payload : payloads)
            log_->append(targets, payload, [&results](const Result<>& result) { results.push_back(result); });
        while (results.size() < payloads.size()) {
            loop_.restart();
            if (loop_.run_one_for(std::chrono::seconds(10)) == 0) {
                ADD_FAILURE() << "no answer to an append";
                break;
            }
        }
        return results;
    }
    Result<> append(std::vector<Target> targets, std::string payload) {
        const auto results = append_all(std::move(targets), {std::move(payload)});
        return results.empty() ? fail(Errc::timeout, "no answer") : results.front();
    }
    Result<> append(QueueId queue, std::string payload) { return append(std::vector<Target>{{queue}}, std::move(payload)); }

    Result<LogBatch> read(QueueId queue, Offset from, std::size_t records = 1000, std::size_t bytes = 1 << 30) {
        Result<LogBatch> result = fail(Errc::internal, "not run");
        run([](MessageLog& log, QueueId q, Offset f, std::size_t r, std::size_t b, Result<LogBatch>& out) -> async::Awaitable<> {
            out = co_await log.read(q, f, r, b);
        }(*log_, queue, from, records, bytes, result));
        return result;
    }
    // Everything from `from` on; checks that the numbers have no gaps.
    std::vector<std::string> all(QueueId queue, Offset from = 0, std::size_t records = 1000) {
        std::vector<std::string> payloads;
        for (;;) {
            auto batch = read(queue, from, records);
            EXPECT_TRUE(batch) << batch.error().detail;
            if (!batch || (batch->records.empty() && batch->next == from)) return payloads;
            Offset expected = from + batch->expired;
            for (auto& record : batch->records) {
                if (batch->expired == 0) {
                    EXPECT_EQ(record.offset, expected);
                }
                ++expected;
                payloads.push_back(std::move(record.payload));
            }
            from = batch->next;
        }
    }
    Result<> flush() {
        Result<> result = fail(Errc::internal, "not run");
        run([](MessageLog& log, Result<>& out) -> async::Awaitable<> { out = co_await log.flush(); }(*log_, result));
        return result;
    }
    Offset find(QueueId queue, std::int64_t ms) {
        Result<Offset> result = fail(Errc::internal, "not run");
        run([](MessageLog& log, QueueId q, std::int64_t at, Result<Offset>& out) -> async::Awaitable<> {
            out = co_await log.find(q, UtcTime(std::chrono::milliseconds(at)));
        }(*log_, queue, ms, result));
        EXPECT_TRUE(result);
        return result.value_or(~0ull);
    }
    UtcTime in(std::int64_t ms) const { return clock_.utc_now() + std::chrono::milliseconds(ms); }

    std::vector<std::filesystem::path> segments() const {
        std::vector<std::filesystem::path> files;
        for (const auto& entry : std::filesystem::directory_iterator(settings_.folder))
            if (entry.path().extension() == ".log") files.push_back(entry.path());
        std::sort(files.begin(), files.end());
        return files;
    }
    static std::string contents(const std::filesystem::path& path) {
        std::ifstream in(path, std::ios::binary);
        return {std::istreambuf_iterator<char>(in), {}};
    }
    static void write(const std::filesystem::path& path, const std::string& bytes) {
        std::ofstream(path, std::ios::binary | std::ios::trunc) << bytes;
    }

    boost::asio::io_context loop_;
    // Answers come from another thread: a loop that has nothing else to do must still wait for them.
    boost::asio::executor_work_guard<boost::asio::io_context::executor_type> busy_{loop_.get_executor()};
    ManualClock clock_;
    std::filesystem::path root_;
    LogSettings settings_;
    std::shared_ptr<segment::Disk> disk_ = std::make_shared<UnsyncedDisk>();
    std::unique_ptr<MessageLog> log_;
};

inline std::vector<std::string> numbered(std::size_t from, std::size_t to, std::size_t bytes = 0) {
    std::vector<std::string> payloads;
    for (std::size_t i = from; i < to; ++i) {
        payloads.push_back("message " + std::to_string(i) + " ");
        if (payloads.back().size() < bytes) payloads.back().resize(bytes, '.');
    }
    return payloads;
}

}  // namespace selvage::storage::testing
