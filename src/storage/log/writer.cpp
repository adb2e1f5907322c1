// A batch is written as one or more units; a unit lies in one segment, is written, shown to the readers (those of queues with
// retention wait for the sync), synced, and then acknowledged. What happens when the disk refuses:
//
// - A write fails (a full disk): the unit is undone, its bytes are cut off the file, and the rest of the batch is refused. The
//   next batch tries again, so appends work as soon as there is space.
// - A sync fails: what the disk has of the bytes since the last sync is unknown, and a second sync may report success without
//   having written them. So they are never synced again: the segment is cut where it was last synced and sealed there, and
//   the unit is written once more to a new segment, with the same numbers, since readers may have seen it. If that works the
//   appends are durable and are reported so. If not, they are reported as failed and kept in memory; they get their new
//   place before anything else is written, and until then all appends fail.
//
// What follows a refused record of the same order was appended by someone who did not know of the refusal, unless the loop had
// answered it before: each entry carries the number of the last refusals that had been answered when it was appended.
#include "storage/log/writer.h"

#include <fmt/core.h>
#include <pthread.h>
#include <unistd.h>

#include <algorithm>

#include "async/worker.h"
#include "base/log.h"

namespace selvage::storage {
namespace {

constexpr std::size_t kChunkBytes = 1 << 20;
constexpr Millis kReclaimEvery = 1000;

// A segment is a small part of the store, else a small store could not free anything.
LogSettings with_sane_segments(LogSettings settings) {
    constexpr std::uint64_t kSmallest = 64 * 1024;
    settings.segment_bytes = std::min(settings.segment_bytes, std::max(kSmallest, settings.disk_bytes_max / 8));
    return settings;
}

}  // namespace

Writer::Writer(segment::Disk& disk, Catalog& catalog, LogSettings settings, Recovered recovered, Reports reports)
    : disk_(disk),
      catalog_(catalog),
      settings_(with_sane_segments(std::move(settings))),
      lock_(std::move(recovered.lock)),
      reports_(std::move(reports)),
      active_(std::move(recovered.active)),
      ledger_(std::move(recovered.queues), recovered.next_id,
              recovered.segments.empty() ? nullptr : recovered.segments.back().get()),
      last_number_(recovered.last_number) {
    if (active_ == nullptr) return;
    active_entry_ = recovered.segments.back();
    for (const auto& segment : recovered.segments)
        if (segment != active_entry_) sealed_bytes_ += segment->file_bytes;
}

Writer::~Writer() {
    {
        const std::lock_guard lock(mutex_);
        stopping_ = true;
    }
    wake_.notify_one();
    if (thread_.joinable()) thread_.join();
    if (settings_.worker && active_ != nullptr) write_waiting();
}

Result<> Writer::prepare(Millis now) {
    now_ = now;
    if (active_ == nullptr || active_->sealed()) SELVAGE_CHECK(roll());
    reclaim();
    return {};
}

void Writer::start() {
    if (settings_.worker) return wake_up();
    thread_ = std::thread([this] { run(); });
    pthread_setname_np(thread_.native_handle(), "log write");
}

void Writer::run() {
    Batch working;
    for (;;) {
        {
            std::unique_lock lock(mutex_);
            while (filling_.empty() && !stopping_) {
                waiting_ = true;
                wake_.wait(lock);
            }
            waiting_ = false;
            if (filling_.empty()) return;
            std::swap(filling_, working);
        }
        process(working);
        pending_.fetch_sub(working.bytes, std::memory_order_relaxed);
        working.clear();
    }
}

void Writer::wake_up() {
    if (!settings_.worker) return wake_.notify_one();
    settings_.worker->run([this, alive = std::weak_ptr<bool>(alive_)] {
        if (!alive.expired()) write_waiting();
    });
}

// run() without a thread: until nothing is waiting.
void Writer::write_waiting() {
    Batch working;
    for (;;) {
        {
            const std::lock_guard lock(mutex_);
            waiting_ = filling_.empty();
            if (waiting_) return;
            std::swap(filling_, working);
        }
        process(working);
        pending_.fetch_sub(working.bytes, std::memory_order_relaxed);
        working.clear();
    }
}

void Writer::process(Batch& batch) {
    now_ = batch.now;
    room_made_ = refused_here_ = false;
    if (!batch.entries.empty() && batch.entries.front().refusals_known >= refusals_) refused_orders_.clear();
    answers_ = {};
    answers_.dones = std::move(batch.dones);
    answers_.outcomes.assign(batch.entries.size(), Completed::kDone);
    apply_changes(batch);

    std::size_t written = 0;
    Result<> going = in_doubt_ ? rewrite_in_doubt() : Result<>{};
    if (going) {
        do {
            const auto to = write_unit(batch, written);
            if (!to) {
                going = fail(to.error());
                break;
            }
            written = *to;
        } while (written < batch.entries.size());
    }
    if (!going) refuse_rest(batch, written, going.error());
    if (reclaim_due_ || now_ - reclaimed_at_ >= kReclaimEvery || now_ < reclaimed_at_) reclaim();

    const bool stop = !batch.entries.empty() && batch.entries.back().task == BatchEntry::Task::stop;
    if (stop && going && active_->synced() && begin_unit(segment::kMarkBytes))
        if (!write_out()) abandon_unit();
    // The blocks in reserve go back, and the next start has no zeros to look through.
    if (stop && !active_->sealed()) ignore(active_->cut(active_->size()), "recovery takes a log with a tail of zeros too");
    answers_.refusals = refusals_;
    if (!answers_.dones.empty()) reports_.completed(std::exchange(answers_, {}));
}

void Writer::apply_changes(const Batch& batch) {
    for (const segment::QueueRow& row : batch.declared) ledger_.declare(row);
    for (const QueueId queue : batch.dropped) {
        ledger_.drop(queue);
        const std::lock_guard lock(catalog_.mutex);
        active_entry_->erase_span(queue);
        reclaim_due_ = true;
    }
    for (const auto& [queue, cursor] : batch.cursors)
        if (ledger_.settle(queue, cursor)) reclaim_due_ = true;
}

// Writes entries from `from` on, as many as belong into one unit. Returns where it stopped.
Result<std::size_t> Writer::write_unit(const Batch& batch, std::size_t from) {
    using Task = BatchEntry::Task;
    bool sync_wanted = false;
    in_unit_ = false;
    const auto undone = [this](Error error) {
        abandon_unit();
        return fail(std::move(error));
    };
    std::size_t i = from;
    for (; i < batch.entries.size(); ++i) {
        const BatchEntry& entry = batch.entries[i];
        if (entry.task == Task::refused) {
            refuse(batch, i, {entry.refusal, "the append was refused"});
            continue;
        }
        if (entry.task != Task::append) {
            sync_wanted = true;
            continue;
        }
        if (follows_refused(entry)) {
            refuse(batch, i, {Errc::throttled, "the record before it was refused"});
            continue;
        }
        if (over_quota(batch, entry)) {
            if (!room_made_ && in_unit_) break;
            if (!room_made_) SELVAGE_CHECK(make_room());
            room_made_ = true;
            if (over_quota(batch, entry)) {
                refuse(batch, i, {Errc::quota_exceeded, fmt::format("the message log in {} has reached its limit of {} bytes",
                                                             settings_.folder, settings_.disk_bytes_max)});
                continue;
            }
        }
        const std::size_t bytes = Ledger::append_bytes_max(entry.targets, entry.payload_bytes);
        if (in_unit_ && active_->size() + buffer_.size() + bytes > settings_.segment_bytes) break;
        if (!in_unit_) SELVAGE_CHECK(begin_unit(bytes));
        if (auto done = encode(entry, batch.targets, batch.payloads); !done) return undone(std::move(done).error());
    }
    const bool power = settings_.durability == Durability::power;
    const bool sync_due = power && sync_wanted && !active_->synced();
    if (!in_unit_ && (ledger_.has_changes() || sync_due)) SELVAGE_CHECK(begin_unit(0));
    if (!in_unit_) return i;
    if (auto done = write_out(); !done) return undone(std::move(done).error());
    if (power && (unit_matters_ || sync_wanted)) {
        if (auto done = active_->sync(); !done) SELVAGE_CHECK(rescue(batch, from, i, std::move(done).error()));
        show_synced();
    }
    return i;
}

// Queues with retention show what is durable, the others what is written.
void Writer::show_synced() {
    bool any = false;
    {
        const std::lock_guard lock(catalog_.mutex);
        any = ledger_.show(catalog_);
    }
    if (any) reports_.written();
}

Result<> Writer::begin_unit(std::size_t bytes) {
    const bool used = active_->size() > active_->header_end();
    if (active_->sealed() || (used && active_->size() + bytes > settings_.segment_bytes)) SELVAGE_CHECK(roll());
    ledger_.begin_unit();
    buffer_.clear();
    unit_begins_ = active_->size();
    in_unit_ = true;
    unit_matters_ = ledger_.declares();
    if (active_->synced() && active_->size() > active_->header_end()) {
        const std::size_t frame = segment::begin_frame(buffer_, segment::Kind::mark);
        segment::end_frame(buffer_, frame, active_->size(), active_->salt());
    }
    if (ledger_.has_changes()) ledger_.encode_changes(buffer_, active_->size() + buffer_.size(), active_->salt());
    return {};
}

Result<> Writer::encode(const BatchEntry& entry, std::span<const Target> targets, std::string_view payloads) {
    const bool encoded = ledger_.encode_append(buffer_, active_->size() + buffer_.size(), active_->salt(), entry.enqueued,
                                               targets.subspan(entry.targets_at, entry.targets),
                                               payloads.substr(entry.payload_at, entry.payload_bytes));
    if (encoded) unit_matters_ = true;
    return buffer_.size() >= kChunkBytes ? flush_chunk() : Result<>{};
}

Result<> Writer::flush_chunk() {
    if (buffer_.empty()) return {};
    SELVAGE_CHECK(active_->write(buffer_));
    if (buffer_.capacity() > 4 * kChunkBytes) buffer_ = {};
    buffer_.clear();
    return {};
}

// The unit's last bytes, and then everyone may see it whose queue does not wait for the sync.
Result<> Writer::write_out() {
    SELVAGE_CHECK(flush_chunk());
    {
        const std::lock_guard lock(catalog_.mutex);
        active_entry_->data_end = active_entry_->file_bytes = active_->size();
        ledger_.publish(catalog_, *active_entry_, settings_.durability == Durability::power);
    }
    ledger_.changes_written();
    if (unit_matters_) reports_.written();
    return {};
}

// After a failed write: nobody has seen the unit.
void Writer::abandon_unit() {
    ledger_.undo(nullptr);
    ignore(active_->cut(unit_begins_), "write() refuses until the cut has succeeded");
    buffer_.clear();
    in_unit_ = false;
}

// After a failed sync: readers may have seen the unit. Its numbers stay taken; its place is gone.
void Writer::withdraw_unit() {
    const std::uint64_t end = std::min(unit_begins_, active_->synced_to());
    {
        const std::lock_guard lock(catalog_.mutex);
        ledger_.undo(active_entry_.get());
        active_entry_->data_end = active_entry_->file_bytes = end;
        catalog_.unsynced = true;
    }
    ignore(active_->cut(end), "write() refuses until the cut has succeeded");
    buffer_.clear();
    in_unit_ = false;
}

Result<> Writer::rescue(const Batch& batch, std::size_t from, std::size_t to, Error why) {
    log::error("storage.log", "a sync failed, writing again to a new segment; check the disk: {}", why.detail);
    withdraw_unit();
    InDoubt& doubt = in_doubt_.emplace();
    for (std::size_t i = from; i < to; ++i) {
        BatchEntry entry = batch.entries[i];
        if (entry.task != BatchEntry::Task::append || answers_.outcomes[i] != Completed::kDone) continue;
        const auto targets = std::span(batch.targets).subspan(entry.targets_at, entry.targets);
        const auto payload = std::string_view(batch.payloads).substr(entry.payload_at, entry.payload_bytes);
        entry.targets_at = doubt.targets.size();
        entry.payload_at = doubt.payloads.size();
        doubt.targets.insert(doubt.targets.end(), targets.begin(), targets.end());
        doubt.payloads += payload;
        doubt.entries.push_back(entry);
    }
    return rewrite_in_doubt();
}

Result<> Writer::rewrite_in_doubt() {
    SELVAGE_CHECK(roll());
    SELVAGE_CHECK(begin_unit(0));
    Result<> done;
    for (const BatchEntry& entry : in_doubt_->entries)
        if (done) done = encode(entry, in_doubt_->targets, in_doubt_->payloads);
    if (done) done = write_out();
    if (!done) {
        abandon_unit();
        return done;
    }
    done = active_->sync();
    if (!done) {
        withdraw_unit();
        return done;
    }
    in_doubt_.reset();
    show_synced();
    const std::lock_guard lock(catalog_.mutex);
    catalog_.unsynced = false;
    return {};
}

bool Writer::over_quota(const Batch& batch, const BatchEntry& entry) {
    const std::size_t bytes = Ledger::append_bytes_max(entry.targets, entry.payload_bytes);
    if (disk_bytes() + bytes <= settings_.disk_bytes_max) return false;
    const auto targets = std::span(batch.targets).subspan(entry.targets_at, entry.targets);
    return std::any_of(targets.begin(), targets.end(), [this](const Target& target) {
        const Ledger::Tally* const tally = ledger_.find(target.queue);
        return tally != nullptr && tally->by_cursor();
    });
}

// Frees what can be freed; between units. Ends a segment in which nothing is wanted any more, so that it can go too.
Result<> Writer::make_room() {
    reclaim();
    const auto by_cursor = [this](const segment::QueueSpan& span) {
        const Ledger::Tally* const tally = ledger_.find(span.queue);
        return tally == nullptr || tally->by_cursor();
    };
    const auto& spans = active_entry_->spans;
    const bool used = active_->size() > active_->header_end();
    if (used && std::all_of(spans.begin(), spans.end(), by_cursor) && dead(*active_entry_)) {
        SELVAGE_CHECK(roll());
        reclaim();
    }
    return {};
}

// A follower's refusal starts nothing new: else whoever never pauses would be refused for ever.
void Writer::remember_refusal(const BatchEntry& entry) {
    if (entry.order == kNoOrder || follows_refused(entry)) return;
    if (!std::exchange(refused_here_, true)) ++refusals_;
    refused_orders_[entry.order] = refusals_;
}

bool Writer::follows_refused(const BatchEntry& entry) const {
    if (refused_orders_.empty() || entry.order == kNoOrder) return false;
    const auto refused = refused_orders_.find(entry.order);
    return refused != refused_orders_.end() && refused->second > entry.refusals_known;
}

void Writer::refuse(const Batch& batch, std::size_t index, Error error) {
    remember_refusal(batch.entries[index]);
    answers_.outcomes[index] = static_cast<std::int32_t>(answers_.errors.size());
    answers_.errors.push_back(std::move(error));
}

void Writer::refuse_rest(const Batch& batch, std::size_t from, const Error& error) {
    const auto shared = static_cast<std::int32_t>(answers_.errors.size());
    answers_.errors.push_back(error);
    for (std::size_t i = from; i < batch.entries.size(); ++i) {
        if (answers_.outcomes[i] != Completed::kDone) continue;
        if (batch.entries[i].task == BatchEntry::Task::refused) {
            refuse(batch, i, {batch.entries[i].refusal, "the append was refused"});
        } else {
            remember_refusal(batch.entries[i]);
            answers_.outcomes[i] = shared;
        }
    }
}

// Ends the active segment and begins the next one. May be called again after it failed.
Result<> Writer::roll() {
    if (active_ != nullptr && !active_->sealed()) {
        SELVAGE_CHECK(active_->seal({active_entry_->enqueued_max, active_entry_->spans}));
        const std::lock_guard lock(catalog_.mutex);
        active_entry_->file_bytes = active_->size();
        active_entry_->file.reset();   // readers open it again when they need it
    }
    SELVAGE_TRY(auto next, segment::ActiveSegment::create(disk_, settings_.folder, ledger_.header(last_number_ + 1, now_),
                                                          settings_.segment_bytes));
    if (active_ != nullptr) sealed_bytes_ += active_->size();
    active_ = std::move(next);
    last_number_ = active_->number();
    ledger_.started_segment(active_->header_end());
    active_entry_ = std::make_shared<Segment>();
    active_entry_->number = active_->number();
    active_entry_->path = active_->path();
    active_entry_->salt = active_->salt();
    active_entry_->data_begin = active_entry_->data_end = active_entry_->marked_to = active_->header_end();
    active_entry_->file_bytes = active_->size();
    active_entry_->file = active_->file();
    reclaim_due_ = true;
    const std::lock_guard lock(catalog_.mutex);
    catalog_.segments.push_back(active_entry_);
    return {};
}

// Whether no queue wants anything of a segment. Tally::later_bytes is what newer segments hold of a queue.
bool Writer::dead(const Segment& segment) {
    for (const segment::QueueSpan& span : segment.spans) {
        const Ledger::Tally* const tally = ledger_.find(span.queue);
        if (tally == nullptr) continue;
        const segment::QueueRow& row = tally->row;
        bool wanted = true;
        if (tally->by_cursor()) {
            wanted = span.end > row.cursor && span.expires_max > now_;
        } else {
            const bool aged = row.retention_ms > 0 && segment.enqueued_max + static_cast<Millis>(row.retention_ms) <= now_;
            const bool crowded = row.retention_bytes > 0 && tally->later_bytes >= row.retention_bytes;
            wanted = !aged && !crowded && kept_bytes_ < kept_bytes_max_;
        }
        if (wanted) return false;
    }
    return true;
}

void Writer::reclaim() {
    reclaim_due_ = false;
    reclaimed_at_ = now_;
    kept_bytes_ = kept_bytes_max_ = 0;
    for (auto& [id, tally] : ledger_.all()) {
        tally.later_bytes = 0;
        tally.boundary = std::numeric_limits<Offset>::max();
        // Together they keep what they may keep together: else a quiet queue would keep the segments of a loud one for as
        // long as it takes to fill its own share.
        if (tally.by_cursor()) continue;
        const std::uint64_t most = std::numeric_limits<std::uint64_t>::max() - kept_bytes_max_;
        kept_bytes_max_ += tally.row.retention_bytes == 0 ? most : std::min(most, tally.row.retention_bytes);
    }
    // Only this thread changes the list, so it may look without the lock.
    std::vector<std::shared_ptr<Segment>> victims;
    for (std::size_t i = catalog_.segments.size(); i-- > 0;) {
        const auto& segment = catalog_.segments[i];
        if (segment != active_entry_ && dead(*segment)) {
            victims.push_back(segment);
            continue;
        }
        for (const segment::QueueSpan& span : segment->spans) {
            Ledger::Tally* const tally = ledger_.find(span.queue);
            if (tally == nullptr) continue;
            tally->later_bytes += span.bytes;
            if (!tally->by_cursor()) kept_bytes_ += span.bytes;
            if (segment != active_entry_ && span.end > tally->row.cursor) tally->boundary = span.end;
        }
    }
    if (victims.empty()) return;
    {
        const std::lock_guard lock(catalog_.mutex);
        std::erase_if(catalog_.segments, [&](const auto& segment) {
            return std::find(victims.begin(), victims.end(), segment) != victims.end();
        });
    }
    for (const auto& segment : victims) {
        sealed_bytes_ -= segment->file_bytes;
        ::unlink(segment->path.c_str());
    }
}

}  // namespace selvage::storage
