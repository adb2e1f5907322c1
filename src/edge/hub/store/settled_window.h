// Which records of one queue are settled, from the first unsettled one on.
//
// Records are settled out of order (senders and windows run side by side); a log's cursor may only pass what is settled
// without a gap. One byte a record between the cursor and the furthest settled one.
#pragma once

#include <deque>

#include "storage/log/message_log.h"

namespace selvage::edge::hub {

class SettledWindow {
public:
    explicit SettledWindow(storage::Offset cursor) : cursor_(cursor) {}

    // The first offset that is not settled.
    storage::Offset cursor() const { return cursor_; }
    bool is_settled(storage::Offset offset) const;
    void settle(storage::Offset offset) { settle_range(offset, offset + 1); }
    // [from, to); settling again changes nothing.
    void settle_range(storage::Offset from, storage::Offset to);

private:
    storage::Offset cursor_;
    std::deque<bool> ahead_;    // of cursor_, cursor_ + 1, …; the first is false or there is none
};

}  // namespace selvage::edge::hub
