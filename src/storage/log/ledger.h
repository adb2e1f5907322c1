// The writer's own books: every queue's numbers, and what of them changed since the last write succeeded.
//
// Writer thread. Turns appends and changes into records; a write that failed is undone, so that numbers have no gaps.
#pragma once

#include <span>
#include <string>
#include <unordered_map>
#include <vector>

#include "storage/log/catalog.h"
#include "storage/log/message_log.h"
#include "storage/log/segment/format.h"

namespace selvage::storage {

class Ledger {
public:
    struct Tally {
        segment::QueueRow row;
        segment::QueueSpan span;          // in the active segment
        bool in_segment = false;          // span means something
        bool declare = false;             // the log does not know its row yet
        bool moved = false;               // nor its cursor
        std::uint64_t unit = 0;           // the last unit that touched it
        Offset boundary = 0;              // settling from here on may free a segment
        std::uint64_t later_bytes = 0;    // scratch of retention
        bool by_cursor() const { return row.retention_ms == 0 && row.retention_bytes == 0; }
    };

    Ledger(std::map<QueueId, segment::QueueRow> rows, QueueId next_id, const Segment* active);

    void declare(const segment::QueueRow& row);
    void drop(QueueId queue);
    // True when this may free a segment.
    bool settle(QueueId queue, Offset cursor);
    Tally* find(QueueId queue);
    std::unordered_map<QueueId, Tally>& all() { return tallies_; }

    // The whole table, for a new segment. started_segment() follows when that segment has it on disk: nothing is waiting then.
    segment::Header header(std::uint64_t number, Millis now) const;
    void started_segment(std::uint64_t header_end);

    // A unit is what is written and synced in one go. begin, any number of encode_…, then written() or undo().
    // `out` is written at `position` of the segment with this salt.
    void begin_unit();
    bool has_changes() const { return changed_; }
    bool declares() const { return declared_ || !dropped_.empty(); }
    void encode_changes(std::string& out, std::uint64_t position, std::uint32_t salt);
    // False: none of the targets exists any more; nothing was encoded.
    bool encode_append(std::string& out, std::uint64_t position, std::uint32_t salt, Millis enqueued,
                       std::span<const Target> targets, std::string_view payload);
    // Puts the unit's numbers into the catalog and its active segment (the catalog's mutex is held). `synced_later`: queues
    // with retention show the unit only after show().
    void publish(Catalog& catalog, Segment& active, bool synced_later);
    // What publish() held back is synced now (the catalog's mutex is held). False: nothing was held back.
    bool show(Catalog& catalog);
    void changes_written();
    // Back to where begin_unit() was. With `active`, also takes the unit out of a segment that it was published to.
    void undo(Segment* active);

    static std::size_t append_bytes_max(std::size_t targets, std::size_t payload_bytes);

private:
    struct Before {
        Tally* tally = nullptr;
        Offset next = 0;
        segment::QueueSpan span;
        bool in_segment = false;
        Millis last_enqueued = 0;
    };
    void touch(Tally& tally);

    std::unordered_map<QueueId, Tally> tallies_;
    std::vector<QueueId> dropped_;
    QueueId next_id_ = 1;
    bool changed_ = false;
    bool declared_ = false;

    std::uint64_t unit_ = 0;
    std::vector<Before> before_;
    std::vector<std::pair<QueueId, Offset>> held_back_;   // ends that are published after the sync
    std::vector<Mark> marks_;
    std::uint64_t marked_to_ = 0;
    std::uint64_t marked_to_before_ = 0;
    Millis enqueued_max_ = 0;
    Millis enqueued_max_before_ = 0;
    std::vector<std::pair<Tally*, Millis>> wanted_;   // scratch: targets that exist
};

}  // namespace selvage::storage
