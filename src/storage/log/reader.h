// Reads records back: a queue's next ones, or the first one from a time on.
//
// Reader thread. A call looks at a few MiB at most, so that one reader that wades through others' records does not keep the
// rest waiting; it says when it wants to be called again. A reader that goes on where it stopped never scans twice: the
// place is remembered for up to 1024 readers.
#pragma once

#include <array>
#include <optional>

#include "storage/log/catalog.h"
#include "storage/log/message_log.h"
#include "storage/log/segment/window.h"

namespace selvage::storage {

class Reader {
public:
    Reader(segment::Disk& disk, Catalog& catalog) : catalog_(catalog), window_(disk) {}

    struct Request {
        QueueId queue = 0;
        Offset from = 0;
        std::size_t records_max = 0;
        std::size_t bytes_max = 0;
        Millis now = 0;
    };
    struct Step {
        LogBatch batch;
        bool again = false;          // nothing yet: call again with from = batch.next
    };
    Result<Step> read(const Request& request);

    // Looks at one segment behind `after`. Nothing found there: `after` is that segment's number, or 0 when it was the last.
    struct FindStep {
        std::optional<Offset> offset;
        std::uint64_t after = 0;
    };
    Result<FindStep> find(QueueId queue, Millis time, std::uint64_t after);

private:
    struct Hint {
        QueueId queue = 0;
        Offset from = 0;
        Catalog::Hint place;
    };
    enum class Scan { segment_done, full, budget_spent, moved };
    Result<Scan> scan(const Request& request, const Catalog::Start& start, Step& step);
    bool take(const Request& request, const Catalog::Start& start, LogBatch& batch);
    void note_marks(std::uint64_t data_begin, std::uint64_t position);
    Hint& slot(QueueId queue, Offset from);
    Error damaged(const Segment& segment, std::uint64_t position) const;

    Catalog& catalog_;
    segment::Window window_;
    segment::Data data_;
    std::vector<Mark> marks_;        // met in this scan; `offset` counts from the queue's first in the segment
    std::size_t batch_bytes_ = 0;
    std::uint64_t budget_ = 0;
    std::array<Hint, 1024> hints_{};
};

}  // namespace selvage::storage
