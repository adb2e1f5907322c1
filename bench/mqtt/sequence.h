// Every message says who sent it and which of theirs it is, so that whoever reads it can tell that none is lost, doubled or
// out of order.
#pragma once

#include <cstdint>
#include <cstring>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace selvage::bench {

struct Stamp {
    std::uint32_t device = 0;
    std::uint64_t number = 0;
};

inline constexpr std::size_t kStampBytes = sizeof(std::uint32_t) + sizeof(std::uint64_t);

// `body` has at least kStampBytes.
inline void write_stamp(Stamp stamp, std::string& body) {
    std::memcpy(body.data(), &stamp.device, sizeof stamp.device);
    std::memcpy(body.data() + sizeof stamp.device, &stamp.number, sizeof stamp.number);
}

inline std::optional<Stamp> read_stamp(std::string_view body) {
    if (body.size() < kStampBytes) return std::nullopt;
    Stamp stamp;
    std::memcpy(&stamp.device, body.data(), sizeof stamp.device);
    std::memcpy(&stamp.number, body.data() + sizeof stamp.device, sizeof stamp.number);
    return stamp;
}

// Fed with every message that arrived, in order of arrival.
class SequenceCheck {
public:
    explicit SequenceCheck(std::size_t devices) : next_(devices, 0) {}

    void take(std::string_view body) {
        ++received_;
        const auto stamp = read_stamp(body);
        if (!stamp || stamp->device >= next_.size()) {
            ++strange_;
            return;
        }
        auto& next = next_[stamp->device];
        if (stamp->number < next) ++repeated_;
        if (stamp->number > next) ++gaps_;
        if (stamp->number >= next) next = stamp->number + 1;
    }

    std::uint64_t received() const { return received_; }
    // Came twice, or after one that was sent later.
    std::uint64_t repeated() const { return repeated_; }
    // Came while an earlier one was missing.
    std::uint64_t gaps() const { return gaps_; }
    // Not of this run.
    std::uint64_t strange() const { return strange_; }
    bool clean() const { return repeated_ == 0 && gaps_ == 0 && strange_ == 0; }

private:
    std::vector<std::uint64_t> next_;
    std::uint64_t received_ = 0;
    std::uint64_t repeated_ = 0;
    std::uint64_t gaps_ = 0;
    std::uint64_t strange_ = 0;
};

}  // namespace selvage::bench
