// The message log: an append-only, checksummed, durable log that several queues share. One body a message, whatever the
// number of queues that want it; a cursor a queue; whole segments deleted when every cursor has passed.
//
// Two uses: the edge hub's store and forward (queues with cursors, one an endpoint and priority) and the cloud hub's event
// log (queues without cursors, one a partition, kept by time and size). The log knows nothing of messages: a record's
// payload is opaque bytes.
//
// Threads: append(), settle() and the readers are called on one loop (the one given at open). One writer thread owns the
// files: it takes all that is waiting, writes it in one go, syncs, and reports; while the sync runs the next batch gathers.
// Never a timer. Reads run on a reader thread.
//
// Promises: an append reported done is in the log after kill -9, and with Durability::power after a power cut. Each queue
// has its records in append order, numbered without gaps. After a crash, records that were never reported done may be there
// or not, but only as a prefix of what was written. Start-up reads the last segment, not the whole store.
//
// A full disk refuses appends with quota_exceeded; reads go on, and appends work again once there is space. After a failed
// sync the records in doubt are written again to a new segment before anything else; appends fail with io_error until that
// worked. Segments go when no queue wants anything in them: one slow queue with few records keeps whole segments. Looked at
// when a segment is full, when a cursor passes one, and once a second while there is work: an idle log frees nothing.
// Memory: pending_bytes_max (twice in the worst case), some 300 KiB for reading, and about 40 bytes a queue a segment.
// File format: docs/wire/message-log.md.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "async/awaitable.h"
#include "base/clock.h"
#include "base/result.h"

namespace selvage::async {
class Worker;
}

namespace selvage::storage {

enum class Durability {
    power,     // fdatasync before an append is reported
    process,   // written before an append is reported: survives kill -9, not a power cut
};

// The number of a queue in this log; stable across restarts, never used again for another name.
using QueueId = std::uint32_t;
// Position in a queue: 0, 1, 2, … without gaps.
using Offset = std::uint64_t;
// Stands for one whose records must not overtake each other, say a sender; chosen by the caller. Two that share a number
// share a refusal now and then, and nothing else.
using OrderKey = std::uint64_t;
inline constexpr OrderKey kNoOrder = 0;

struct LogSettings {
    std::string folder;                            // made if absent; one log a folder, locked
    Durability durability = Durability::power;
    std::uint64_t segment_bytes = 16 << 20;
    std::uint64_t disk_bytes_max = 1ull << 30;     // appends past this fail with quota_exceeded; queues with a cursor only
    std::uint64_t pending_bytes_max = 32 << 20;    // appended and not yet written; past this appends fail with throttled
    std::shared_ptr<async::Worker> worker = nullptr;   // does what the threads would do; null: threads of its own
};

// Keeps records after delivery (the cloud hub's event log). With zero for both, a queue is kept by its cursor. Queues share
// segments, so `bytes` of all queues together bound what they keep together: a quiet one may keep less than its own.
struct Retention {
    std::chrono::milliseconds age{0};
    std::uint64_t bytes = 0;
    bool by_cursor() const { return age.count() == 0 && bytes == 0; }
};

// Which queues a record goes to, and until when each wants it.
struct Target {
    QueueId queue = 0;
    UtcTime expires = UtcTime::max();   // max: never. Readers skip expired records and count them
};

struct LogRecord {
    Offset offset = 0;                  // in the queue that was read
    UtcTime enqueued{};                 // the writer's clock when it was appended
    std::string payload;
};

struct LogBatch {
    std::vector<LogRecord> records;
    Offset next = 0;                    // where the next read continues: past the records and past what was expired
    std::uint64_t expired = 0;          // how many were skipped because their time was over
};

struct QueueState {
    Offset first = 0;                   // the oldest record that is still on disk
    Offset end = 0;                     // where readers find nothing yet; at rest the offset that the next append gets
    Offset cursor = 0;                  // the first unsettled record (0 for retention queues)
    UtcTime last_enqueued{};
};

struct LogState {
    std::uint64_t disk_bytes = 0;
    std::uint64_t segments = 0;
    std::uint64_t pending_bytes = 0;    // appended and not yet written
};

class MessageLog {
public:
    // Called once on the loop: durable, or why not.
    using Done = std::move_only_function<void(const Result<>&)>;

    // Opens or makes a log; recovers after a crash. Blocks (start-up). Errors: io_error; corrupt (a damaged record in the
    // middle of the log, with segment and position: nothing is thrown away silently); already_exists (locked by another
    // process).
    static Result<std::unique_ptr<MessageLog>> open(async::Executor loop, const Clock& clock, LogSettings settings);
    virtual ~MessageLog() = default;

    // The queue of that name, made if new. `retention` may change between starts. Durable with the next append.
    // At most 4096 bytes of name.
    virtual QueueId queue(std::string_view name, Retention retention = {}) = 0;
    virtual std::vector<std::string> queue_names() const = 0;
    virtual QueueState state(QueueId queue) const = 0;
    virtual LogState state() const = 0;
    // Forgets a queue and everything in it that no other queue wants. Who waits for it is woken; reading it is not_found.
    virtual void drop(QueueId queue) = 0;

    // Adds one record to all targets (at least one). `payload` is copied before the call returns. Order of calls is order
    // in every queue. Refusals also come through `done`, in order: quota_exceeded (disk_bytes_max, or a full disk), throttled
    // (pending_bytes_max), message_too_large (over 16 MiB), invalid_argument (no target, or over 4096), io_error, unavailable.
    // A target that has been dropped is left out.
    // With an `order`: when a record of it is refused, those of the same order that were appended before its `done` was
    // called are refused too. So whoever begins again at a refusal finds nothing of his behind it: no small record slips in
    // behind a large one for which there was no room.
    virtual void append(std::span<const Target> targets, std::string_view payload, Done done, OrderKey order = kNoOrder) = 0;

    // Reads records of a queue from `from` on: at most `records_max` and about `bytes_max` (at least one record if there is
    // one). Records of a queue with a cursor can be read as soon as they are written; those of a queue with retention once they
    // are durable as LogSettings says, so that an offset names the same record for ever. An empty batch means that the end was reached: wait with
    // wait_for_append. Errors: not_found (from < first: those records are gone), corrupt, io_error, unavailable (stopped).
    // What a queue with a cursor lost because its time was over is skipped and counted as expired, not an error.
    virtual async::Awaitable<Result<LogBatch>> read(QueueId queue, Offset from, std::size_t records_max,
                                                    std::size_t bytes_max) = 0;

    // Returns when the queue's end is past `offset`, or when the waiting coroutine is cancelled.
    virtual async::Awaitable<> wait_for_append(QueueId queue, Offset offset) = 0;

    // Everything before `cursor` is done with. Lazily durable: a crash may set it back, never forward. Going backwards is
    // ignored. Frees segments.
    virtual void settle(QueueId queue, Offset cursor) = 0;

    // Waits for everything appended and settled so far to be durable.
    virtual async::Awaitable<Result<>> flush() = 0;

    // The offset of the first record enqueued at or after `time` (the end if none). For "from this time on".
    virtual async::Awaitable<Result<Offset>> find(QueueId queue, UtcTime time) = 0;

    // flush(), then closes: waits and reads under way end, appends afterwards fail with unavailable. Call before destruction,
    // which ends the threads and releases the folder.
    virtual async::Awaitable<> stop() = 0;
};

}  // namespace selvage::storage
