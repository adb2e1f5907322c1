// Publishes taken from the client and not yet acknowledged, in the order in which they came: MQTT wants PUBACKs in that
// order (MQTT-4.6.0-2), while the hub and the twin requests finish at their own pace.
//
// Pure. Owns no memory while empty.
#pragma once

#include <cstdint>
#include <vector>

#include "base/result.h"

namespace selvage::heads::mqtt {

class PendingAcks {
public:
    // `packet_id` 0: QoS 0, held for its bytes only. Returns the number to give to done().
    std::uint64_t add(std::uint16_t packet_id, std::size_t bytes) {
        entries_.push_back({static_cast<std::uint32_t>(bytes), packet_id, false});
        bytes_ += bytes;
        return first_ + (entries_.size() - 1 - head_);
    }
    void done(std::uint64_t number) {
        SELVAGE_ASSERT(number >= first_ && number - first_ < size());
        entries_[head_ + (number - first_)].done = true;
    }
    // Removes what is done at the front, and calls `acknowledge(packet_id)` for each that wants it.
    template <class F>
    void take_done(F acknowledge) {
        while (head_ < entries_.size() && entries_[head_].done) {
            const Entry entry = entries_[head_++];
            ++first_;
            bytes_ -= entry.bytes;
            if (entry.packet_id != 0) acknowledge(entry.packet_id);
        }
        if (head_ == entries_.size()) {
            std::vector<Entry>().swap(entries_);
            head_ = 0;
        } else if (head_ >= kCompactAt) {
            entries_.erase(entries_.begin(), entries_.begin() + static_cast<std::ptrdiff_t>(head_));
            head_ = 0;
        }
    }
    std::size_t size() const { return entries_.size() - head_; }
    std::size_t bytes() const { return bytes_; }

private:
    struct Entry {
        std::uint32_t bytes;
        std::uint16_t packet_id;
        bool done;
    };
    static constexpr std::size_t kCompactAt = 1024;   // one move of the rest per so many acknowledgements
    std::vector<Entry> entries_;
    std::size_t head_ = 0;
    std::uint64_t first_ = 0;   // number of entries_[head_]
    std::size_t bytes_ = 0;
};

}  // namespace selvage::heads::mqtt
