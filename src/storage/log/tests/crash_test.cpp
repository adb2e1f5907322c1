// What a crash may leave in the folder, made by hand, and what opening makes of it.
#include <mutex>
#include <thread>

#include "storage/log/segment/window.h"
#include "storage/log/tests/fixture.h"

namespace selvage::storage::testing {
namespace {

// These tests open a log some thousand times; what a sync does is no part of them.
class QuickDisk : public segment::Disk {
public:
    int sync_data(int) override {
        const std::lock_guard lock(gate);
        return 0;
    }
    int sync_all(int) override { return 0; }
    ssize_t read_at(int fd, char* to, std::size_t size, std::uint64_t position) override {
        read_bytes += size;
        return Disk::read_at(fd, to, size, position);
    }
    std::atomic<std::uint64_t> read_bytes{0};
    std::mutex gate;   // who holds it keeps the writer in its sync
};

class LogCrash : public LogTest {
protected:
    LogCrash() {
        disk_ = quick_;
        settings_.durability = Durability::power;
        settings_.segment_bytes = 16 * 1024;
    }

    // One segment: ten acknowledged records, then a batch of four more. Left as it is on disk while the log is open.
    void make_image() {
        open();
        queue_ = log_->queue("q");
        append_all({{queue_}}, numbered(0, 9));
        std::vector<std::string> answers;
        const Target target{queue_};
        const auto append_one = [&](const std::string& payload) {
            log_->append({&target, 1}, payload, [&answers, payload](const Result<>&) { answers.push_back(payload); });
        };
        {
            const std::lock_guard hold(quick_->gate);
            append_one("message 9 ");
            while (log_->state(queue_).end < 10) {
                loop_.restart();
                loop_.poll();   // the writer is woken from there
                std::this_thread::yield();
            }
            begin_ = log_->state().disk_bytes;
            for (const auto& payload : numbered(10, 14)) append_one(payload);
        }
        ASSERT_TRUE(flush());
        ASSERT_EQ(answers, numbered(9, 14));
        end_ = log_->state().disk_bytes;
        path_ = segments().back();
        image_ = contents(path_);
        close();
        ASSERT_LT(begin_, end_);
        ASSERT_GT(image_.size(), end_) << "blocks are reserved";
    }
    // Opens `bytes` as the only segment. Everything acknowledged is there, nothing is invented, and it can be gone on with.
    std::size_t check(const std::string& bytes, const std::string& what) {
        write(path_, bytes);
        SCOPED_TRACE(what);
        open();
        const auto found = all(queue_);
        EXPECT_GE(found.size(), 10u) << what;
        EXPECT_EQ(found, numbered(0, found.size())) << what;
        EXPECT_TRUE(append(queue_, "after the crash")) << what;
        reopen();
        const auto again = all(queue_);
        EXPECT_EQ(again.size(), found.size() + 1) << what;
        EXPECT_EQ(again.back(), "after the crash") << what;
        close();
        return found.size();
    }

    std::shared_ptr<QuickDisk> quick_ = std::make_shared<QuickDisk>();
    QueueId queue_ = 0;
    std::uint64_t begin_ = 0;
    std::uint64_t end_ = 0;
    std::filesystem::path path_;
    std::string image_;
};

TEST_F(LogCrash, ATornTailIsCutAtEveryByte) {
    make_image();
    EXPECT_EQ(check(image_, "whole"), 14u);
    std::size_t last = 10;
    for (std::uint64_t cut = begin_; cut <= end_; ++cut) {
        const std::string at = "cut at " + std::to_string(cut);
        const std::size_t shorter = check(image_.substr(0, cut), at);
        std::string zeros = image_.substr(0, cut);
        zeros.resize(image_.size());
        // A record's last bytes may be zeros themselves, so this one may have more.
        EXPECT_GE(check(zeros, at + ", zeros behind"), shorter);
        EXPECT_GE(shorter, last) << at;
        last = shorter;
        if (HasFailure()) return;
    }
    EXPECT_EQ(last, 14u);
}

TEST_F(LogCrash, AHoleInTheLastBatchCutsThereThoughWholeRecordsFollow) {
    make_image();
    for (std::uint64_t from = begin_; from < end_; from += 3)
        for (std::uint64_t to = from + 1; to <= end_; to += 17) {
            std::string holed = image_;
            std::fill(holed.begin() + static_cast<std::ptrdiff_t>(from), holed.begin() + static_cast<std::ptrdiff_t>(to), '\0');
            check(holed, "hole " + std::to_string(from) + " to " + std::to_string(to));
            if (HasFailure()) return;
        }
}

TEST_F(LogCrash, DamageInFrontOfSyncedRecordsIsReportedWithItsPlace) {
    make_image();
    reopen();   // makes a mark behind all that
    close();
    const std::string whole = contents(path_);
    auto file = segment::open_file(path_.string(), O_RDONLY);
    ASSERT_TRUE(file);
    const auto header = segment::read_segment_header(*disk_, (*file)->fd(), 1, whole.size());
    ASSERT_TRUE(header);
    for (std::uint64_t at = header->bytes; at < end_; ++at) {
        std::string damaged = whole;
        damaged[at] = static_cast<char>(damaged[at] ^ 0x10);
        write(path_, damaged);
        const Error error = open_error();
        EXPECT_EQ(error.code, Errc::corrupt) << at;
        EXPECT_NE(error.detail.find("segment 0000000000000001: position "), std::string::npos) << error.detail;
        EXPECT_EQ(contents(path_), damaged) << "nothing may be thrown away";
        if (HasFailure()) return;
    }
    for (std::uint64_t at = 0; at < header->bytes; ++at) {
        std::string damaged = whole;
        damaged[at] = static_cast<char>(damaged[at] ^ 0x10);
        write(path_, damaged);
        EXPECT_EQ(open_error().code, Errc::corrupt) << at;
        if (HasFailure()) return;
    }
    write(path_, whole);
    open();
    EXPECT_EQ(all(queue_), numbered(0, 14));
}

TEST_F(LogCrash, StartUpReadsTheLastSegmentOnly) {
    settings_.segment_bytes = 256 * 1024;
    open();
    const QueueId queue = log_->queue("q");
    append_all({{queue}}, numbered(0, 3000, 2000));
    close();
    const auto files = segments();
    ASSERT_GT(files.size(), 20u);
    // An old segment with a damaged body does not keep the log from opening; reading it says what is wrong and where.
    std::string damaged = contents(files[3]);
    for (std::size_t i = damaged.size() / 2; i < damaged.size() / 2 + 2000; ++i) damaged[i] = 'x';
    write(files[3], damaged);
    quick_->read_bytes = 0;
    open();
    EXPECT_LT(quick_->read_bytes, files.size() * 8192 + 2 * settings_.segment_bytes);
    EXPECT_EQ(log_->state(queue).end, 3000u);
    EXPECT_EQ(all(queue, 2000), numbered(2000, 3000, 2000));
    Result<LogBatch> batch = read(queue, 0, 100);
    while (batch && !batch->records.empty()) batch = read(queue, batch->next, 100);
    ASSERT_FALSE(batch);
    EXPECT_EQ(batch.error().code, Errc::corrupt);
    EXPECT_NE(batch.error().detail.find(files[3].filename().string()), std::string::npos) << batch.error().detail;
}

TEST_F(LogCrash, AnOldSegmentWithoutItsSealIsReported) {
    settings_.segment_bytes = 4096;
    open();
    append_all({{log_->queue("q")}}, numbered(0, 200, 100));
    close();
    const auto files = segments();
    const std::string whole = contents(files[0]);
    for (const std::size_t cut : {1u, 5u, 20u, 2000u}) {
        write(files[0], whole.substr(0, whole.size() - cut));
        EXPECT_EQ(open_error().code, Errc::corrupt) << cut;
    }
    write(files[0], whole);
    open();
}

TEST_F(LogCrash, GoesOnAfterACrashBetweenTwoSegments) {
    settings_.segment_bytes = 4096;
    open();
    const QueueId queue = log_->queue("q");
    append_all({{queue}}, numbered(0, 200, 100));
    close();
    auto files = segments();
    std::filesystem::remove(files.back());
    files.pop_back();
    write(std::filesystem::path(settings_.folder) / "00000000000000ff.new", "half a header");
    open();
    EXPECT_FALSE(std::filesystem::exists(std::filesystem::path(settings_.folder) / "00000000000000ff.new"));
    const auto found = all(queue);
    EXPECT_LT(found.size(), 200u);
    EXPECT_EQ(found, numbered(0, found.size(), 100));
    EXPECT_TRUE(append(queue, "goes on"));
    EXPECT_EQ(all(queue, found.size()), std::vector<std::string>{"goes on"});
    // The same with a seal that did not become whole.
    close();
    files = segments();
    std::filesystem::remove(files.back());
    const std::string sealed = contents(files[files.size() - 2]);
    for (std::size_t cut = 1; cut < 30; ++cut) {
        write(files[files.size() - 2], sealed.substr(0, sealed.size() - cut) + std::string(cut % 2 == 0 ? 0 : 100, '\0'));
        open();
        EXPECT_EQ(all(queue), found) << cut;
        close();
        for (const auto& file : segments())
            if (file > files[files.size() - 2]) std::filesystem::remove(file);
    }
}

TEST_F(LogCrash, BytesOfAnEarlierSegmentAreNotTakenForRecords) {
    make_image();
    // What a file system may leave in a new file's blocks after a power cut: an old segment's bytes, at the same place.
    settings_.folder = (root_ / "second").string();
    clock_.ms += 5;
    open();
    const QueueId queue = log_->queue("q");
    append(queue, "one");
    const auto used = static_cast<std::size_t>(log_->state().disk_bytes);
    const auto path = segments().back();
    const std::string fresh = contents(path);
    close();
    write(path, fresh.substr(0, used) + image_.substr(used));
    open();
    EXPECT_EQ(all(queue), std::vector<std::string>{"one"});
}

}  // namespace
}  // namespace selvage::storage::testing
