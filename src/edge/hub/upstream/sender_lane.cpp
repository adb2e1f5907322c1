#include "edge/hub/upstream/sender_lane.h"

#include "base/result.h"

namespace selvage::edge::hub {
namespace {

// What a message costs in memory, roughly: its own bytes and the containers around them.
std::size_t cost(const domain::Message& message) { return message.counted_bytes() + 256; }

}  // namespace

void SenderLane::keep(RecordKey key, domain::Message message) {
    bytes_ += cost(message);
    waiting_.emplace(key, std::move(message));
}

bool SenderLane::has_room(bool crowded) const {
    const auto resident = waiting_.size() + sent_.size();
    if (crowded) return resident == 0;
    return resident < bounds_.records_max && bytes_ < bounds_.bytes_max;
}

void SenderLane::add(RecordKey key, domain::Message message, bool crowded) {
    // Behind parked records of its own rank nothing may overtake; a more urgent rank does overtake less urgent parked ones.
    const auto parked = parked_.find(key.rank);
    const bool must_park = parked != parked_.end() && !parked->second.empty();
    if (must_park || !has_room(crowded)) {
        parked_[key.rank].push_back(key.offset);
        ++parked_count_;
        return;
    }
    keep(key, std::move(message));
}

const domain::Message* SenderLane::front() const { return waiting_.empty() ? nullptr : &waiting_.begin()->second; }

RecordKey SenderLane::front_key() const {
    SELVAGE_ASSERT(!waiting_.empty());
    return waiting_.begin()->first;
}

void SenderLane::mark_sent() {
    SELVAGE_ASSERT(!waiting_.empty());
    sent_.insert(waiting_.extract(waiting_.begin()));
}

void SenderLane::acknowledged(RecordKey key) {
    const auto found = sent_.find(key);
    if (found == sent_.end()) return;
    bytes_ -= cost(found->second);
    sent_.erase(found);
}

void SenderLane::lost(RecordKey key) {
    auto node = sent_.extract(key);
    if (!node.empty()) waiting_.insert(std::move(node));
}

std::optional<RecordKey> SenderLane::wanted_again(bool crowded) const {
    if (parked_count_ == 0 || !has_room(crowded)) return std::nullopt;
    for (const auto& [rank, offsets] : parked_)
        if (!offsets.empty()) return RecordKey{rank, offsets.front()};
    return std::nullopt;
}

void SenderLane::add_again(RecordKey key, domain::Message message, bool crowded) {
    const auto wanted = wanted_again(crowded);
    if (!wanted || *wanted != key) return;
    parked_[key.rank].pop_front();
    --parked_count_;
    keep(key, std::move(message));
}

std::deque<storage::Offset> SenderLane::forget_before(std::uint32_t rank, storage::Offset next) {
    std::deque<storage::Offset> gone;
    const auto parked = parked_.find(rank);
    if (parked == parked_.end()) return gone;
    while (!parked->second.empty() && parked->second.front() < next) {
        gone.push_back(parked->second.front());
        parked->second.pop_front();
        --parked_count_;
    }
    return gone;
}

std::deque<RecordKey> SenderLane::drop_waiting() {
    std::deque<RecordKey> dropped;
    for (const auto& [key, message] : waiting_) {
        bytes_ -= cost(message);
        dropped.push_back(key);
    }
    waiting_.clear();
    for (const auto& [rank, offsets] : parked_)
        for (const auto offset : offsets) dropped.push_back({rank, offset});
    parked_.clear();
    parked_count_ = 0;
    return dropped;
}

}  // namespace selvage::edge::hub
