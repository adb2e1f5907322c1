// The messages of one sender on their way up: those read and waiting, those sent and not yet acknowledged, and the numbers
// of those that will be read again when there is room.
//
// A plain object without I/O, so that the order can be tested for itself. Order: by rank (0 is the most urgent queue),
// then by offset. Memory: bodies only up to the bounds given; past them a message is an eight-byte number.
#pragma once

#include <cstddef>
#include <deque>
#include <map>
#include <optional>

#include "domain/message.h"
#include "storage/log/message_log.h"

namespace selvage::edge::hub {

struct RecordKey {
    std::uint32_t rank = 0;      // of the queue
    storage::Offset offset = 0;
    auto operator<=>(const RecordKey&) const = default;
};

class SenderLane {
public:
    struct Bounds {
        std::size_t records_max = 512;
        std::size_t bytes_max = 1 << 20;
    };
    explicit SenderLane(Bounds bounds) : bounds_(bounds) {}

    // A record of this sender was read. Keys of one rank come in rising order. `crowded`: memory is short elsewhere, so
    // keep one body at most.
    void add(RecordKey key, domain::Message message, bool crowded = false);

    // The next message to send; null when none is here. It stays the front until mark_sent().
    const domain::Message* front() const;
    RecordKey front_key() const;
    void mark_sent();

    // The hub above has it (or refused it for good).
    void acknowledged(RecordKey key);
    // It was lost with its connection: it waits again, in its old place.
    void lost(RecordKey key);

    // The first record that has to be read again, if there is room for it.
    std::optional<RecordKey> wanted_again(bool crowded = false) const;
    // A record that was read again; ignored unless it is the wanted one.
    void add_again(RecordKey key, domain::Message message, bool crowded = false);
    // Records of `rank` before `next` that were not found again have expired: forgets them and gives their offsets.
    std::deque<storage::Offset> forget_before(std::uint32_t rank, storage::Offset next);

    // Everything that waits (not what is sent): for a sender that is gone.
    std::deque<RecordKey> drop_waiting();

    bool empty() const { return waiting_.empty() && sent_.empty() && parked_count_ == 0; }
    bool has_waiting() const { return !waiting_.empty(); }
    std::size_t resident_bytes() const { return bytes_; }
    std::size_t parked_count() const { return parked_count_; }

private:
    bool has_room(bool crowded) const;
    void keep(RecordKey key, domain::Message message);

    Bounds bounds_;
    std::map<RecordKey, domain::Message> waiting_;
    std::map<RecordKey, domain::Message> sent_;
    std::map<std::uint32_t, std::deque<storage::Offset>> parked_;    // by rank
    std::size_t parked_count_ = 0;
    std::size_t bytes_ = 0;
};

}  // namespace selvage::edge::hub
