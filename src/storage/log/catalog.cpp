#include "storage/log/catalog.h"

#include <fcntl.h>
#include <fmt/core.h>

#include <algorithm>

namespace selvage::storage {
namespace {

auto find_span(auto& spans, QueueId queue) {
    return std::lower_bound(spans.begin(), spans.end(), queue,
                            [](const segment::QueueSpan& span, QueueId id) { return span.queue < id; });
}

}  // namespace

const segment::QueueSpan* Segment::span(QueueId queue) const {
    const auto at = find_span(spans, queue);
    return at != spans.end() && at->queue == queue ? &*at : nullptr;
}

segment::QueueSpan* Segment::span(QueueId queue) {
    const auto at = find_span(spans, queue);
    return at != spans.end() && at->queue == queue ? &*at : nullptr;
}

void Segment::put_span(const segment::QueueSpan& span) {
    const auto at = find_span(spans, span.queue);
    if (at != spans.end() && at->queue == span.queue) {
        *at = span;
    } else {
        spans.insert(at, span);
    }
}

void Segment::erase_span(QueueId queue) {
    const auto at = find_span(spans, queue);
    if (at != spans.end() && at->queue == queue) spans.erase(at);
}

std::string segment_path(const std::string& folder, std::uint64_t number) {
    return fmt::format("{}/{:016x}.log", folder, number);
}

Offset Catalog::first_of(QueueId queue, const QueueEntry& entry) const {
    for (const auto& segment : segments)
        if (const auto* span = std::as_const(*segment).span(queue)) return span->first;
    return entry.end;
}

Result<std::optional<Catalog::Start>> Catalog::locate(QueueId queue, Offset from, std::optional<Hint> hint) const {
    const std::lock_guard lock(mutex);
    const auto found = queues.find(queue);
    if (found == queues.end()) return fail(Errc::not_found, fmt::format("queue {} does not exist", queue));
    const QueueEntry& entry = found->second;
    if (from >= entry.end) return std::optional<Start>{};

    // By number, so that a reader that keeps up looks at the last segments only.
    auto at = segments.begin();
    if (hint)
        at = std::lower_bound(segments.begin(), segments.end(), hint->segment,
                              [](const auto& segment, std::uint64_t number) { return segment->number < number; });
    const segment::QueueSpan* span = nullptr;
    for (; at != segments.end(); ++at) {
        span = std::as_const(**at).span(queue);
        if (span != nullptr && span->end > from) break;
        span = nullptr;
    }
    if (span == nullptr && unsynced)
        return fail(Errc::io_error, "the newest records could not be synced; they can be read once the disk works again");
    // Records behind the cursor and on no disk: their time was over, so their segment went.
    if (span == nullptr || span->first > from) {
        const bool gone = entry.retention.by_cursor() ? from < entry.cursor : from < first_of(queue, entry);
        if (gone)
            return fail(Errc::not_found, fmt::format("queue '{}': record {} is gone; the oldest is {}", entry.name, from,
                                                     first_of(queue, entry)));
    }
    Start start;
    start.end = entry.end;
    if (span == nullptr) {
        start.from = entry.end;
        return start;
    }
    const Segment& segment = **at;
    start.segment = *at;
    start.data_end = segment.data_end;
    start.span = *span;
    start.span.end = std::min(span->end, entry.end);
    start.from = std::max(from, span->first);
    start.position = segment.data_begin;
    for (const Mark& mark : segment.marks)
        if (mark.queue == queue && mark.offset <= start.from) start.position = mark.position;
    const bool hinted = hint && hint->segment == segment.number && hint->position <= segment.data_end;
    if (hinted) start.position = std::max(start.position, hint->position);
    return start;
}

std::optional<Catalog::Start> Catalog::next_segment(QueueId queue, std::uint64_t after, Millis time) const {
    const std::lock_guard lock(mutex);
    for (const auto& segment : segments) {
        if (segment->number <= after || segment->enqueued_max < time) continue;
        if (const auto* span = std::as_const(*segment).span(queue))
            return Start{segment, segment->data_begin, segment->data_end, *span, span->first, span->end};
    }
    return std::nullopt;
}

Result<std::shared_ptr<segment::File>> Catalog::open(const std::shared_ptr<Segment>& segment) {
    {
        const std::lock_guard lock(mutex);
        if (segment->file) return segment->file;
    }
    auto file = segment::open_file(segment->path, O_RDONLY);
    const std::lock_guard lock(mutex);
    if (!file) {
        if (std::find(segments.begin(), segments.end(), segment) == segments.end()) return std::shared_ptr<segment::File>();
        return file;
    }
    segment->file = *file;
    opened_.push_back(segment);
    if (opened_.size() > kOpenFilesMax) {
        // Whoever reads it right now has a share of it; a segment that is being written is not in this list.
        if (const auto oldest = opened_.front().lock()) oldest->file.reset();
        opened_.pop_front();
    }
    return file;
}

bool Catalog::readable(const std::shared_ptr<Segment>& segment, std::uint64_t position) const {
    const std::lock_guard lock(mutex);
    return position < segment->data_end && std::find(segments.begin(), segments.end(), segment) != segments.end();
}

void Catalog::add_marks(const std::shared_ptr<Segment>& segment, std::span<const Mark> marks) {
    const std::lock_guard lock(mutex);
    // The writer marks the active segment itself.
    if (segments.empty() || segments.back() == segment) return;
    for (const Mark& mark : marks) {
        const auto* span = std::as_const(*segment).span(mark.queue);
        if (span == nullptr || mark.position < segment->marked_to) continue;
        segment->marks.push_back({mark.queue, span->first + mark.offset, mark.position});
        segment->marked_to = mark.position;
    }
}

QueueState Catalog::state(QueueId queue) const {
    const std::lock_guard lock(mutex);
    const auto found = queues.find(queue);
    if (found == queues.end()) return {};
    const QueueEntry& entry = found->second;
    return {.first = first_of(queue, entry),
            .end = entry.end,
            .cursor = entry.retention.by_cursor() ? entry.cursor : 0,
            .last_enqueued = UtcTime(std::chrono::milliseconds(entry.last_enqueued))};
}

Offset Catalog::end(QueueId queue) const {
    const std::lock_guard lock(mutex);
    const auto found = queues.find(queue);
    return found == queues.end() ? 0 : found->second.end;
}

bool Catalog::has(QueueId queue) const {
    const std::lock_guard lock(mutex);
    return queues.contains(queue);
}

}  // namespace selvage::storage
