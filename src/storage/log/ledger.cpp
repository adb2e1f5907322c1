#include "storage/log/ledger.h"

#include <algorithm>

namespace selvage::storage {

Ledger::Ledger(std::map<QueueId, segment::QueueRow> rows, QueueId next_id, const Segment* active) : next_id_(next_id) {
    for (auto& [id, row] : rows) tallies_[id].row = std::move(row);
    if (active == nullptr) return;
    for (const segment::QueueSpan& span : active->spans) {
        Tally& tally = tallies_[span.queue];
        tally.span = span;
        tally.in_segment = true;
    }
    marked_to_ = active->marked_to;
    enqueued_max_ = active->enqueued_max;
}

void Ledger::declare(const segment::QueueRow& row) {
    Tally& tally = tallies_[row.id];
    tally.row.id = row.id;
    tally.row.name = row.name;
    tally.row.retention_ms = row.retention_ms;
    tally.row.retention_bytes = row.retention_bytes;
    tally.declare = changed_ = declared_ = true;
    next_id_ = std::max(next_id_, row.id + 1);
}

void Ledger::drop(QueueId queue) {
    const auto found = tallies_.find(queue);
    if (found == tallies_.end()) return;
    // Also when the log has never heard of it: its number must not be given to another after a restart.
    dropped_.push_back(queue);
    tallies_.erase(found);
    changed_ = true;
}

bool Ledger::settle(QueueId queue, Offset cursor) {
    Tally* const tally = find(queue);
    if (tally == nullptr) return false;
    cursor = std::min(cursor, tally->row.next);
    if (cursor <= tally->row.cursor) return false;
    tally->row.cursor = cursor;
    tally->moved = changed_ = true;
    return cursor >= tally->boundary;
}

Ledger::Tally* Ledger::find(QueueId queue) {
    const auto found = tallies_.find(queue);
    return found == tallies_.end() ? nullptr : &found->second;
}

segment::Header Ledger::header(std::uint64_t number, Millis now) const {
    segment::Header header{.number = number, .created = now, .next_id = next_id_, .queues = {}};
    for (const auto& [id, tally] : tallies_) header.queues.push_back(tally.row);
    std::sort(header.queues.begin(), header.queues.end(), [](const auto& a, const auto& b) { return a.id < b.id; });
    return header;
}

void Ledger::started_segment(std::uint64_t header_end) {
    for (auto& [id, tally] : tallies_) tally.in_segment = false;
    marked_to_ = header_end;
    enqueued_max_ = 0;
    changes_written();
}

void Ledger::begin_unit() {
    ++unit_;
    before_.clear();
    marks_.clear();
    marked_to_before_ = marked_to_;
    enqueued_max_before_ = enqueued_max_;
}

void Ledger::encode_changes(std::string& out, std::uint64_t position, std::uint32_t salt) {
    const std::size_t base = out.size();
    const auto place = [&](std::size_t frame) { return position + (frame - base); };
    std::size_t moved = 0;
    for (const auto& [id, tally] : tallies_) {
        if (tally.moved) ++moved;
        if (!tally.declare) continue;
        const std::size_t frame = segment::begin_frame(out, segment::Kind::queue);
        segment::put_queue(out, tally.row);
        segment::end_frame(out, frame, place(frame), salt);
    }
    for (const QueueId queue : dropped_) {
        const std::size_t frame = segment::begin_frame(out, segment::Kind::drop);
        segment::put_varint(out, queue);
        segment::end_frame(out, frame, place(frame), salt);
    }
    if (moved == 0) return;
    const std::size_t frame = segment::begin_frame(out, segment::Kind::cursors);
    segment::put_varint(out, moved);
    for (const auto& [id, tally] : tallies_) {
        if (!tally.moved) continue;
        segment::put_varint(out, id);
        segment::put_varint(out, tally.row.cursor);
    }
    segment::end_frame(out, frame, place(frame), salt);
}

void Ledger::changes_written() {
    if (!changed_) return;
    for (auto& [id, tally] : tallies_) tally.declare = tally.moved = false;
    dropped_.clear();
    changed_ = declared_ = false;
}

std::size_t Ledger::append_bytes_max(std::size_t targets, std::size_t payload_bytes) {
    constexpr std::size_t kVarint = 10;
    return segment::kFrameBytes + 1 + 2 * kVarint + targets * (5 + 2 * kVarint) + payload_bytes;
}

void Ledger::touch(Tally& tally) {
    if (tally.unit == unit_) return;
    tally.unit = unit_;
    before_.push_back({&tally, tally.row.next, tally.span, tally.in_segment, tally.row.last_enqueued});
}

bool Ledger::encode_append(std::string& out, std::uint64_t position, std::uint32_t salt, Millis enqueued,
                           std::span<const Target> targets, std::string_view payload) {
    wanted_.clear();
    for (const Target& target : targets)
        if (Tally* const tally = find(target.queue)) wanted_.emplace_back(tally, target.expires.time_since_epoch().count());
    if (wanted_.empty()) return false;

    const bool mark = position >= marked_to_ + kMarkEvery;
    if (mark) marked_to_ = position;
    const std::size_t frame = segment::begin_frame(out, segment::Kind::data);
    segment::put_data_start(out, enqueued, wanted_.size());
    for (const auto& [tally, expires] : wanted_) {
        touch(*tally);
        const Offset offset = tally->row.next;
        if (!tally->in_segment) tally->span = {tally->row.id, offset, offset, 0, 0};
        tally->in_segment = true;
        segment::put_data_target(out, {tally->row.id, offset - tally->span.first, expires}, enqueued);
        tally->row.next = tally->span.end = offset + 1;
        tally->row.last_enqueued = enqueued;
        tally->span.expires_max = std::max(tally->span.expires_max, expires);
        if (mark) marks_.push_back({tally->row.id, offset, position});
    }
    out += payload;
    segment::end_frame(out, frame, position, salt);
    for (const auto& [tally, expires] : wanted_) tally->span.bytes += out.size() - frame;
    enqueued_max_ = std::max(enqueued_max_, enqueued);
    return true;
}

void Ledger::publish(Catalog& catalog, Segment& active, bool synced_later) {
    for (const Before& before : before_) {
        const Tally& tally = *before.tally;
        // Gone when the loop has dropped the queue meanwhile.
        const auto entry = catalog.queues.find(tally.row.id);
        if (entry != catalog.queues.end()) {
            entry->second.last_enqueued = tally.row.last_enqueued;
            // Who reads by offset must never meet another record under a number that it has seen: a power cut would take
            // what is not synced, and its numbers would be given again.
            if (synced_later && !tally.by_cursor()) {
                held_back_.emplace_back(tally.row.id, tally.row.next);
            } else {
                entry->second.end = tally.row.next;
            }
        }
        active.put_span(tally.span);
    }
    active.enqueued_max = enqueued_max_;
    active.marks.insert(active.marks.end(), marks_.begin(), marks_.end());
    active.marked_to = marked_to_;
}

bool Ledger::show(Catalog& catalog) {
    const bool any = !held_back_.empty();
    for (const auto& [queue, end] : held_back_)
        if (const auto entry = catalog.queues.find(queue); entry != catalog.queues.end()) entry->second.end = end;
    held_back_.clear();
    return any;
}

void Ledger::undo(Segment* active) {
    held_back_.clear();
    for (const Before& before : before_) {
        Tally& tally = *before.tally;
        tally.row.next = before.next;
        tally.row.last_enqueued = before.last_enqueued;
        tally.span = before.span;
        tally.in_segment = before.in_segment;
        if (active == nullptr) continue;
        if (before.in_segment) {
            active->put_span(before.span);
        } else {
            active->erase_span(tally.row.id);
        }
    }
    marked_to_ = marked_to_before_;
    enqueued_max_ = enqueued_max_before_;
    if (active != nullptr) {
        active->marks.resize(active->marks.size() - marks_.size());
        active->enqueued_max = enqueued_max_;
        active->marked_to = marked_to_;
    }
    before_.clear();
    marks_.clear();
}

}  // namespace selvage::storage
