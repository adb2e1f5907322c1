// What is in the log, as the loop, the writer and the reader see it together: queues and segments.
//
// One mutex, held for short looks only, never across I/O. The writer alone adds, fills and removes segments; the loop alone
// adds, settles and drops queues; the reader adds marks. Memory: 40 bytes a queue a segment that holds something of it,
// and at most a mark for each 256 KiB of a segment; nothing grows with the number of records.
#pragma once

#include <deque>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/result.h"
#include "storage/log/message_log.h"
#include "storage/log/segment/disk.h"
#include "storage/log/segment/format.h"

namespace selvage::storage {

using segment::kNever;
using segment::Millis;

// Where a queue's record with this offset begins: a place to start a scan from.
struct Mark {
    QueueId queue = 0;
    Offset offset = 0;
    std::uint64_t position = 0;
};
inline constexpr std::uint64_t kMarkEvery = 256 * 1024;

struct Segment {
    std::uint64_t number = 0;
    std::string path;
    std::uint32_t salt = 0;
    std::uint64_t data_begin = 0;                 // behind the header
    std::uint64_t data_end = 0;                   // of what may be read
    std::uint64_t file_bytes = 0;                 // with seal and trailer
    Millis enqueued_max = 0;
    std::vector<segment::QueueSpan> spans;        // ordered by queue; fixed once the segment is sealed
    std::vector<Mark> marks;                      // ordered by position
    std::uint64_t marked_to = 0;
    std::shared_ptr<segment::File> file;          // opened when first read; the active segment's from the start

    const segment::QueueSpan* span(QueueId queue) const;
    segment::QueueSpan* span(QueueId queue);
    void put_span(const segment::QueueSpan& span);
    void erase_span(QueueId queue);
};

struct QueueEntry {
    std::string name;
    Retention retention;
    Offset end = 0;                               // of what readers may see
    Offset cursor = 0;
    Millis last_enqueued = 0;
};

std::string segment_path(const std::string& folder, std::uint64_t number);

class Catalog {
public:
    // Where a scan for `queue` from `from` on begins.
    struct Start {
        std::shared_ptr<Segment> segment;
        std::uint64_t position = 0;
        std::uint64_t data_end = 0;
        segment::QueueSpan span;
        Offset from = 0;                          // past what is gone because its time was over
        Offset end = 0;                           // of the queue
    };
    // Nothing: the end was reached (`from` >= end). `hint`: where the reader was last. Errors: not_found, io_error.
    struct Hint {
        std::uint64_t segment = 0;
        std::uint64_t position = 0;
    };
    Result<std::optional<Start>> locate(QueueId queue, Offset from, std::optional<Hint> hint) const;

    // The first segment behind `after` that holds something of `queue` and something that was enqueued at or after `time`.
    std::optional<Start> next_segment(QueueId queue, std::uint64_t after, Millis time) const;
    // The segment's file, opened if need be. Nothing when the segment has gone meanwhile. Errors: io_error.
    Result<std::shared_ptr<segment::File>> open(const std::shared_ptr<Segment>& segment);
    // Whether these bytes of the segment may still be read.
    bool readable(const std::shared_ptr<Segment>& segment, std::uint64_t position) const;
    // `offset` of these counts from the queue's first record in the segment.
    void add_marks(const std::shared_ptr<Segment>& segment, std::span<const Mark> marks);

    QueueState state(QueueId queue) const;
    Offset end(QueueId queue) const;              // 0 for a queue that is not there
    bool has(QueueId queue) const;

    mutable std::mutex mutex;                     // guards all below
    std::map<QueueId, QueueEntry> queues;
    std::vector<std::shared_ptr<Segment>> segments;   // by number; the last is the active one
    bool unsynced = false;                        // a sync failed: the newest records are in no segment until they are rewritten

private:
    static constexpr std::size_t kOpenFilesMax = 16;
    std::deque<std::weak_ptr<Segment>> opened_;   // by open(), oldest first
    Offset first_of(QueueId queue, const QueueEntry& entry) const;
};

}  // namespace selvage::storage
