// Opens a folder of segments after an earlier run, however that ended.
//
// Blocks; start-up only. Reads the header and the seal of every segment and, whole, the last one alone.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "base/result.h"
#include "storage/log/catalog.h"
#include "storage/log/segment/active_segment.h"
#include "storage/log/segment/window.h"

namespace selvage::storage {

// What reading the last segment gives.
struct Replayed {
    std::map<QueueId, segment::QueueRow> queues;
    QueueId next_id = 1;
    std::vector<segment::QueueSpan> spans;
    std::vector<Mark> marks;
    std::uint64_t marked_to = 0;
    Millis enqueued_max = 0;
    std::uint64_t end = 0;        // behind the last whole record, not counting a seal
    std::uint64_t torn = 0;       // bytes behind it that a crash left of an unfinished write
    bool sealed = false;
};

// `header` was read from the same file. Errors: corrupt (damage in front of a mark, or a whole record that makes no sense),
// io_error.
Result<Replayed> replay(segment::Disk& disk, const segment::Extent& extent, const segment::ReadHeader& header);

struct Recovered {
    std::shared_ptr<segment::File> lock;                      // held as long as it lives
    std::map<QueueId, segment::QueueRow> queues;
    QueueId next_id = 1;
    std::vector<std::shared_ptr<Segment>> segments;           // the last is the active one, unless the folder was empty
    std::unique_ptr<segment::ActiveSegment> active;           // nothing in an empty folder
    std::uint64_t last_number = 0;
};

// Errors: already_exists (locked), corrupt, unsupported, io_error.
Result<Recovered> recover(segment::Disk& disk, const std::string& folder, std::uint64_t segment_bytes);

}  // namespace selvage::storage
