#include "storage/log/reader.h"

#include <fmt/core.h>

#include <algorithm>

namespace selvage::storage {
namespace {

constexpr std::uint64_t kBudgetBytes = 4 << 20;

}  // namespace

Reader::Hint& Reader::slot(QueueId queue, Offset from) {
    // Two readers that meet in a slot cost each other a scan of at most kMarkEvery bytes, nothing else.
    const std::uint64_t mixed = (from + queue * 0x9e3779b97f4a7c15ull) * 0xff51afd7ed558ccdull;
    return hints_[(mixed >> 40) % hints_.size()];
}

Error Reader::damaged(const Segment& segment, std::uint64_t position) const {
    return {Errc::corrupt, fmt::format("segment {}: position {}: a record is damaged", segment.path, position)};
}

Result<Reader::Step> Reader::read(const Request& request) {
    Step step;
    step.batch.next = request.from;
    batch_bytes_ = 0;
    budget_ = kBudgetBytes;
    for (;;) {
        std::optional<Catalog::Hint> hint;
        const Hint& remembered = slot(request.queue, step.batch.next);
        if (remembered.place.segment != 0 && remembered.queue == request.queue && remembered.from == step.batch.next)
            hint = remembered.place;
        const auto located = catalog_.locate(request.queue, step.batch.next, hint);
        // What was read before the trouble is worth handing over; the next call meets the trouble first.
        if (!located && !step.batch.records.empty()) return step;
        if (!located) return fail(located.error());
        if (!*located) return step;
        const Catalog::Start& start = **located;
        step.batch.expired += start.from - step.batch.next;
        step.batch.next = start.from;
        if (start.segment == nullptr) return step;
        const auto scanned = scan(request, start, step);
        if (!scanned && step.batch.records.empty()) return fail(scanned.error());
        if (!scanned || *scanned == Scan::full) return step;
        if (*scanned == Scan::budget_spent) {
            step.again = step.batch.records.empty();
            return step;
        }
    }
}

// Reads `start`'s segment until the queue has no more in it, the batch is full, or the budget is spent.
Result<Reader::Scan> Reader::scan(const Request& request, const Catalog::Start& start, Step& step) {
    SELVAGE_TRY(const auto file, catalog_.open(start.segment));
    if (file == nullptr) return Scan::moved;
    const Segment& segment = *start.segment;
    const segment::Extent extent{file->fd(), segment.number, segment.salt, start.data_end};
    // About what the batch can take: reading more than that each time would cost more than the records are worth.
    const std::size_t wanted = request.bytes_max + 64 * request.records_max;
    const std::size_t ahead = std::clamp<std::size_t>(wanted, 16 * 1024, segment::kWindowBytes);
    std::uint64_t position = start.position;
    Scan ended = Scan::segment_done;
    marks_.clear();
    while (step.batch.next < start.span.end) {
        if (budget_ == 0) {
            ended = Scan::budget_spent;
            break;
        }
        segment::Frame frame;
        const auto found = window_.at(extent, position, ahead, frame);
        if (found == segment::Window::Found::failed)
            return fail(segment::disk_error("read " + segment.path, window_.error()));
        const bool whole = found == segment::Window::Found::record &&
                           (frame.kind != segment::Kind::data || segment::read_data(frame.body, data_));
        if (!whole) {
            // A failed sync has taken the place away, or retention has.
            if (!catalog_.readable(start.segment, position) && found != segment::Window::Found::end) return Scan::moved;
            return fail(damaged(segment, position));
        }
        if (frame.kind == segment::Kind::data) {
            if (!take(request, start, step.batch)) {
                ended = Scan::full;
                break;
            }
            note_marks(segment.data_begin, position);
        }
        position += frame.bytes;
        budget_ -= std::min<std::uint64_t>(budget_, frame.bytes);
    }
    slot(request.queue, step.batch.next) = {request.queue, step.batch.next, {segment.number, position}};
    if (!marks_.empty()) catalog_.add_marks(start.segment, marks_);
    return ended;
}

// Adds the record in data_ to the batch, once for each time that it is in the queue. False: the batch is full.
bool Reader::take(const Request& request, const Catalog::Start& start, LogBatch& batch) {
    for (const segment::DataTarget& target : data_.targets) {
        if (target.queue != request.queue) continue;
        const Offset offset = start.span.first + target.delta;
        if (offset < batch.next || offset >= start.span.end) continue;
        if (target.expires <= request.now) {
            ++batch.expired;
            batch.next = offset + 1;
            continue;
        }
        const bool full = !batch.records.empty() && (batch.records.size() >= request.records_max ||
                                                     batch_bytes_ + data_.payload.size() > request.bytes_max);
        if (full) return false;
        batch.records.push_back({offset, UtcTime(std::chrono::milliseconds(data_.enqueued)), std::string(data_.payload)});
        batch_bytes_ += data_.payload.size();
        batch.next = offset + 1;
    }
    return true;
}

// After a restart the segments of before have no marks; whoever reads one leaves them.
void Reader::note_marks(std::uint64_t data_begin, std::uint64_t position) {
    const std::uint64_t last = marks_.empty() ? data_begin : marks_.back().position;
    if (position < last + kMarkEvery) return;
    for (const segment::DataTarget& target : data_.targets) marks_.push_back({target.queue, target.delta, position});
}

Result<Reader::FindStep> Reader::find(QueueId queue, Millis time, std::uint64_t after) {
    const auto start = catalog_.next_segment(queue, after, time);
    if (!start) return FindStep{};
    FindStep step{std::nullopt, start->segment->number};
    SELVAGE_TRY(const auto file, catalog_.open(start->segment));
    if (file == nullptr) return step;
    const Segment& segment = *start->segment;
    const segment::Extent extent{file->fd(), segment.number, segment.salt, start->data_end};
    for (std::uint64_t position = start->position;;) {
        segment::Frame frame;
        const auto found = window_.at(extent, position, segment::kWindowBytes, frame);
        if (found == segment::Window::Found::failed)
            return fail(segment::disk_error("read " + segment.path, window_.error()));
        if (found == segment::Window::Found::end) return step;
        const bool data = frame.kind == segment::Kind::data;
        if (found == segment::Window::Found::invalid || (data && !segment::read_data(frame.body, data_))) {
            if (!catalog_.readable(start->segment, position)) return step;
            return fail(damaged(segment, position));
        }
        position += frame.bytes;
        if (!data || data_.enqueued < time) continue;
        for (const segment::DataTarget& target : data_.targets)
            if (target.queue == queue) {
                step.offset = start->span.first + target.delta;
                return step;
            }
    }
}

}  // namespace selvage::storage
