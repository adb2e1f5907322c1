// Full disks, syncs that fail, and power cuts.
#include <fcntl.h>
#include <sys/stat.h>

#include <cerrno>
#include <map>
#include <mutex>
#include <random>
#include <semaphore>

#include "storage/log/tests/fixture.h"

namespace selvage::storage::testing {
namespace {

class FailingDisk : public segment::Disk {
public:
    int write_at(int fd, std::string_view bytes, std::uint64_t position) override {
        if (!full) return Disk::write_at(fd, bytes, position);
        // As a real one does: it takes what fits.
        Disk::write_at(fd, bytes.substr(0, bytes.size() / 2), position);
        return ENOSPC;
    }
    int preallocate(int fd, std::uint64_t bytes) override { return full ? ENOSPC : Disk::preallocate(fd, bytes); }
    int sync_data(int) override { return take(data_syncs_that_fail) ? EIO : 0; }
    int sync_all(int) override { return take(file_syncs_that_fail) ? EIO : 0; }
    int truncate(int fd, std::uint64_t bytes) override { return take(cuts_that_fail) ? EIO : Disk::truncate(fd, bytes); }

    std::atomic<bool> full{false};
    std::atomic<int> data_syncs_that_fail{0};
    std::atomic<int> file_syncs_that_fail{0};
    std::atomic<int> cuts_that_fail{0};

private:
    static bool take(std::atomic<int>& left) { return left > 0 && left-- > 0; }
};

class LogOnAFailingDisk : public LogTest {
protected:
    LogOnAFailingDisk() {
        disk_ = failing_;
        settings_.durability = Durability::power;
    }
    std::shared_ptr<FailingDisk> failing_ = std::make_shared<FailingDisk>();
};

// Holds a sync until it is told to go on.
class HeldDisk : public segment::Disk {
public:
    int sync_data(int) override {
        if (held.exchange(false)) {
            syncing.release();
            go_on.acquire();
        }
        return 0;
    }
    std::atomic<bool> held{false};
    std::binary_semaphore syncing{0};
    std::binary_semaphore go_on{0};
};

TEST_F(LogTest, AQueueWithRetentionShowsARecordOnceItIsDurable) {
    const auto disk = std::make_shared<HeldDisk>();
    disk_ = disk;
    settings_.durability = Durability::power;
    open();
    const QueueId kept = log_->queue("kept", {.age = std::chrono::hours(1)});
    const QueueId passed_on = log_->queue("passed on");
    append({{kept}, {passed_on}}, "first");

    disk->held = true;
    bool durable = false;
    const std::vector<Target> both{{kept}, {passed_on}};
    log_->append(both, "second", [&durable](const Result<>& result) { durable = result.has_value(); });
    run([](MessageLog& log, QueueId q) -> async::Awaitable<> { co_await log.wait_for_append(q, 1); }(*log_, passed_on));
    const bool written = disk->syncing.try_acquire_for(std::chrono::seconds(10));
    EXPECT_TRUE(written);
    EXPECT_EQ(all(kept), std::vector<std::string>{"first"}) << "a power cut may still take the second";
    EXPECT_EQ(log_->state(kept).end, 1u);
    EXPECT_EQ(all(passed_on), (std::vector<std::string>{"first", "second"}));

    disk->go_on.release();
    run([](MessageLog& log, QueueId q) -> async::Awaitable<> { co_await log.wait_for_append(q, 1); }(*log_, kept));
    EXPECT_EQ(all(kept), (std::vector<std::string>{"first", "second"}));
    ASSERT_TRUE(append(kept, "third"));
    EXPECT_TRUE(durable);
    EXPECT_EQ(all(kept), (std::vector<std::string>{"first", "second", "third"}));
}

TEST_F(LogOnAFailingDisk, AFullDiskRefusesAppendsAndNothingElse) {
    open();
    const QueueId queue = log_->queue("q");
    append_all({{queue}}, numbered(0, 10));
    failing_->full = true;
    for (const auto& result : append_all({{queue}}, {"lost a", "lost b", "lost c"})) {
        ASSERT_FALSE(result);
        EXPECT_EQ(result.error().code, Errc::quota_exceeded);
    }
    EXPECT_EQ(all(queue), numbered(0, 10));
    log_->settle(queue, 5);
    const QueueId late = log_->queue("late");
    EXPECT_FALSE(append(late, "lost d"));
    failing_->full = false;
    EXPECT_TRUE(append(queue, numbered(10, 11)[0]));
    EXPECT_TRUE(append(late, "first"));
    EXPECT_EQ(all(queue), numbered(0, 11));
    reopen();
    EXPECT_EQ(all(queue), numbered(0, 11));
    EXPECT_EQ(log_->state(queue).cursor, 5u);
    EXPECT_EQ(all(log_->queue("late")), std::vector<std::string>{"first"});
}

TEST_F(LogOnAFailingDisk, RefusedRecordsDoNotComeBackAfterACrash) {
    open();
    const QueueId queue = log_->queue("q");
    append(queue, "kept");
    failing_->full = true;
    // The half that fits holds whole records; the next append is as long as the first of them.
    append_all({{queue}}, {"refused 1", "refused 2", "refused 3", "refused 4", "refused 5", "refused 6", "refused 7", "refused 8"});
    failing_->full = false;
    append(queue, "written 1");
    const auto path = segments().back();
    const std::string image = contents(path);
    close();
    write(path, image);
    open();
    EXPECT_EQ(all(queue), (std::vector<std::string>{"kept", "written 1"}));
}

TEST_F(LogOnAFailingDisk, NothingIsWrittenBeforeARefusedWriteIsCutOff) {
    open();
    const QueueId queue = log_->queue("q");
    append(queue, "kept");
    failing_->cuts_that_fail = 2;
    failing_->full = true;
    EXPECT_EQ(append(queue, "refused").error().code, Errc::quota_exceeded);
    failing_->full = false;
    EXPECT_EQ(append(queue, "refused too").error().code, Errc::io_error);
    EXPECT_TRUE(append(queue, "written"));
    reopen();
    EXPECT_EQ(all(queue), (std::vector<std::string>{"kept", "written"}));
}

TEST_F(LogOnAFailingDisk, AFullDiskBetweenSegmentsIsSurvived) {
    settings_.segment_bytes = 4096;
    open();
    const QueueId queue = log_->queue("q");
    std::size_t next = 0;
    for (int round = 0; round < 100; ++round) {
        failing_->full = true;
        EXPECT_FALSE(append(queue, std::string(100, 'x')));
        failing_->full = false;
        ASSERT_TRUE(append(queue, numbered(next, next + 1, 100)[0]));
        ++next;
    }
    EXPECT_GT(segments().size(), 2u);
    EXPECT_EQ(all(queue), numbered(0, next, 100));
    reopen();
    EXPECT_EQ(all(queue), numbered(0, next, 100));
}

TEST_F(LogOnAFailingDisk, AFailedSyncMovesTheBatchToANewSegmentWithTheSameNumbers) {
    open();
    const QueueId queue = log_->queue("q");
    append_all({{queue}}, numbered(0, 10));
    failing_->data_syncs_that_fail = 1;
    for (const auto& result : append_all({{queue}}, numbered(10, 20))) EXPECT_TRUE(result);
    EXPECT_EQ(segments().size(), 2u);
    append_all({{queue}}, numbered(20, 30));
    EXPECT_EQ(all(queue), numbered(0, 30));
    reopen();
    EXPECT_EQ(all(queue), numbered(0, 30));
}

TEST_F(LogOnAFailingDisk, WhileSyncsFailAppendsFailAndWhatReadersSawKeepsItsNumber) {
    open();
    const QueueId queue = log_->queue("q");
    append_all({{queue}}, numbered(0, 10));
    failing_->data_syncs_that_fail = 1000;
    for (const auto& result : append_all({{queue}}, numbered(10, 12))) {
        ASSERT_FALSE(result);
        EXPECT_EQ(result.error().code, Errc::io_error);
    }
    EXPECT_EQ(append(queue, "refused").error().code, Errc::io_error);
    // One or both of them, as the writer came to take them.
    const Offset in_doubt = log_->state(queue).end;
    EXPECT_GE(in_doubt, 11u);
    auto expected = numbered(0, static_cast<std::size_t>(in_doubt));
    expected.push_back("works again");
    const auto batch = read(queue, 0);
    ASSERT_TRUE(batch);
    EXPECT_EQ(batch->records.size(), 10u);
    EXPECT_EQ(read(queue, 10).error().code, Errc::io_error);

    failing_->file_syncs_that_fail = 3;   // new segments cannot be made either
    failing_->data_syncs_that_fail = 0;
    for (int i = 0; i < 3; ++i) EXPECT_EQ(append(queue, "refused").error().code, Errc::io_error);
    EXPECT_TRUE(append(queue, "works again"));
    EXPECT_EQ(all(queue), expected) << "those in doubt got their place, the refused did not";
    reopen();
    EXPECT_EQ(all(queue), expected);
}

// Remembers what has been synced, so that a power cut can be had at any moment: of all that was not synced, each sector is
// there or not, as chance will have it.
class PowerDisk : public segment::Disk {
public:
    explicit PowerDisk(unsigned seed) : random_(seed) {}

    int write_at(int fd, std::string_view bytes, std::uint64_t position) override {
        // In two parts, so that the cut also comes between them.
        const std::size_t half = bytes.size() / 2;
        if (const int error = write_part(fd, bytes.substr(0, half), position); error != 0) return error;
        arrive();
        return write_part(fd, bytes.substr(half), position + half);
    }
    int sync_data(int fd) override {
        arrive();
        return remember(fd);
    }
    int sync_all(int fd) override { return remember(fd); }
    int truncate(int fd, std::uint64_t bytes) override {
        const std::lock_guard lock(mutex_);
        return Disk::truncate(fd, bytes);
    }

    // Holds the writer at the n-th moment from now that is worth a power cut: in the middle of a write, or before a sync.
    void hold_at(int moment) { moments_left_ = moment; }
    bool holding() const { return holding_; }
    void go_on() { go_.release(); }

    // A copy of `from` as it would be after a power cut now.
    void cut_power(const std::filesystem::path& from, const std::filesystem::path& to) {
        const std::lock_guard lock(mutex_);
        std::filesystem::create_directories(to);
        for (const auto& entry : std::filesystem::directory_iterator(from)) {
            std::ifstream in(entry.path(), std::ios::binary);
            const std::string now{std::istreambuf_iterator<char>(in), {}};
            struct stat status {};
            ::stat(entry.path().c_str(), &status);
            std::string then = durable_[status.st_ino];
            const std::size_t length = random_() % 2 == 0 ? now.size() : then.size();
            then.resize(std::max(then.size(), now.size()));
            for (std::size_t at = 0; at < now.size(); at += 64)
                if (random_() % 2 == 0) then.replace(at, std::min<std::size_t>(64, now.size() - at), now.substr(at, 64));
            then.resize(std::max(length, durable_[status.st_ino].size()));
            std::ofstream(to / entry.path().filename(), std::ios::binary) << then;
        }
    }

private:
    void arrive() {
        if (moments_left_ <= 0 || --moments_left_ > 0) return;
        holding_ = true;
        go_.acquire();
    }
    int write_part(int fd, std::string_view bytes, std::uint64_t position) {
        const std::lock_guard lock(mutex_);
        return Disk::write_at(fd, bytes, position);
    }
    int remember(int fd) {
        const std::lock_guard lock(mutex_);
        struct stat status {};
        if (::fstat(fd, &status) != 0 || !S_ISREG(status.st_mode)) return 0;
        std::string bytes(static_cast<std::size_t>(status.st_size), '\0');
        Disk::read_at(fd, bytes.data(), bytes.size(), 0);
        durable_[status.st_ino] = std::move(bytes);
        return 0;
    }

    std::mutex mutex_;
    std::map<ino_t, std::string> durable_;
    std::mt19937 random_;
    std::atomic<int> moments_left_{0};
    std::atomic<bool> holding_{false};
    std::binary_semaphore go_{0};
};

TEST_F(LogTest, WhatWasAcknowledgedSurvivesAPowerCutAtAnyMoment) {
    settings_.durability = Durability::power;
    settings_.segment_bytes = 6000;
    const std::string folder = settings_.folder;
    std::size_t with_unacknowledged = 0;
    for (unsigned round = 0; round < 60; ++round) {
        const auto disk = std::make_shared<PowerDisk>(round);
        disk_ = disk;
        settings_.folder = folder + std::to_string(round);
        open();
        const QueueId queue = log_->queue("q");
        const std::size_t warm_up = 5 + round * 3;
        append_all({{queue}}, numbered(0, warm_up, 60));
        // Now without waiting, until the writer is in the middle of something.
        disk->hold_at(1 + static_cast<int>(round % 12));
        std::size_t next = warm_up;
        std::size_t promised = warm_up;
        const Target target{queue};
        while (!disk->holding()) {
            ASSERT_LT(next, 100'000u);
            log_->append({&target, 1}, numbered(next, next + 1, 60)[0], [&](const Result<>& result) {
                EXPECT_TRUE(result);
                ++promised;
            });
            ++next;
            loop_.poll();
        }
        loop_.poll();   // every answer that the writer has given
        const std::size_t acknowledged = promised;
        disk->cut_power(settings_.folder, settings_.folder + "-cut");
        disk->go_on();
        close();
        settings_.folder += "-cut";
        disk_ = std::make_shared<UnsyncedDisk>();
        open();
        const auto found = all(queue);
        EXPECT_GE(found.size(), acknowledged) << "round " << round;
        EXPECT_EQ(found, numbered(0, found.size(), 60)) << "round " << round;
        if (found.size() > acknowledged) ++with_unacknowledged;
        EXPECT_TRUE(append(queue, "goes on"));
        close();
        if (HasFailure()) return;
    }
    EXPECT_GT(with_unacknowledged, 0u) << "the cut never came while something was under way";
}

}  // namespace
}  // namespace selvage::storage::testing
