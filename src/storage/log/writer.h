// The one thread that writes: takes all that has gathered, writes it in one go, syncs it, answers it, and looks again.
//
// The loop calls change(), wake_up(), pending_bytes() and the destructor; all else is the writer's thread, or LogSettings::worker.
#pragma once

#include <atomic>
#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <unordered_map>

#include "storage/log/batch.h"
#include "storage/log/catalog.h"
#include "storage/log/ledger.h"
#include "storage/log/recovery.h"
#include "storage/log/segment/active_segment.h"

namespace selvage::storage {

class Writer {
public:
    // Called on the writer's thread; they post to the loop.
    struct Reports {
        std::move_only_function<void()> written;               // there is more to read
        std::move_only_function<void(Completed)> completed;    // once a batch
    };

    // `segments` are in the catalog already. Does not start the thread.
    Writer(segment::Disk& disk, Catalog& catalog, LogSettings settings, Recovered recovered, Reports reports);
    // Writes what is waiting, then ends the thread.
    ~Writer();

    // Makes sure that there is a segment to write to. Before start(). Errors: quota_exceeded, io_error.
    Result<> prepare(Millis now);
    void start();

    // Runs `change(Batch&)` on the batch that is being filled. True: nobody would look at it now, so call wake_up(), soon or
    // when more has gathered.
    template <class F>
    [[nodiscard]] bool change(F&& apply) {
        const std::lock_guard lock(mutex_);
        const std::uint64_t before = filling_.bytes;
        apply(filling_);
        pending_.fetch_add(filling_.bytes - before, std::memory_order_relaxed);
        return std::exchange(waiting_, false);
    }
    void wake_up();
    std::uint64_t pending_bytes() const { return pending_.load(std::memory_order_relaxed); }

private:
    // Records that a failed sync left in doubt; they get a place in a new segment before anything else is written.
    struct InDoubt {
        std::vector<BatchEntry> entries;
        std::vector<Target> targets;
        std::string payloads;
    };

    void run();
    void write_waiting();
    void process(Batch& batch);
    void apply_changes(const Batch& batch);
    Result<std::size_t> write_unit(const Batch& batch, std::size_t from);
    Result<> begin_unit(std::size_t bytes);
    Result<> encode(const BatchEntry& entry, std::span<const Target> targets, std::string_view payloads);
    Result<> flush_chunk();
    Result<> write_out();
    void show_synced();
    Result<> sync();
    void abandon_unit();
    void withdraw_unit();
    Result<> rescue(const Batch& batch, std::size_t from, std::size_t to, Error why);
    Result<> rewrite_in_doubt();
    bool over_quota(const Batch& batch, const BatchEntry& entry);
    Result<> make_room();
    void refuse(const Batch& batch, std::size_t index, Error error);
    void remember_refusal(const BatchEntry& entry);
    bool follows_refused(const BatchEntry& entry) const;
    void refuse_rest(const Batch& batch, std::size_t from, const Error& error);
    Result<> roll();
    void reclaim();
    bool dead(const Segment& segment);
    std::uint64_t disk_bytes() const { return sealed_bytes_ + active_->size() + buffer_.size(); }

    segment::Disk& disk_;
    Catalog& catalog_;
    const LogSettings settings_;
    const std::shared_ptr<segment::File> lock_;
    Reports reports_;

    std::mutex mutex_;
    std::condition_variable wake_;
    Batch filling_;
    bool waiting_ = false;
    bool stopping_ = false;
    std::atomic<std::uint64_t> pending_{0};

    std::unique_ptr<segment::ActiveSegment> active_;
    std::shared_ptr<Segment> active_entry_;       // the same, in the catalog
    Ledger ledger_;
    std::uint64_t last_number_ = 0;
    std::uint64_t sealed_bytes_ = 0;
    Millis now_ = 0;
    Millis reclaimed_at_ = 0;
    std::uint64_t kept_bytes_ = 0;          // scratch of reclaim(): what newer segments hold of queues with retention
    std::uint64_t kept_bytes_max_ = 0;
    bool reclaim_due_ = true;

    std::string buffer_;                          // encoded and not yet handed to the system
    std::uint64_t unit_begins_ = 0;
    bool in_unit_ = false;
    bool unit_matters_ = false;                   // it has appends or declarations: worth a sync
    std::optional<InDoubt> in_doubt_;

    Completed answers_;                           // of the batch under way
    bool room_made_ = false;                      // in this batch
    bool refused_here_ = false;                   // in this batch
    std::uint64_t refusals_ = 0;                  // batches with refusals
    // Orders with a refused record, and the number of the batch; until the loop has given that answer.
    std::unordered_map<OrderKey, std::uint64_t> refused_orders_;
    std::thread thread_;
    std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);   // for work that waits at settings_.worker
};

}  // namespace selvage::storage
