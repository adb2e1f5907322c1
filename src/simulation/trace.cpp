#include "simulation/trace.h"

#include <fmt/core.h>

#include <cstring>

namespace selvage::simulation {

// FNV-1a's multiplication over words, then a shift so that high bits reach low ones.
void Trace::mix(std::uint64_t word) {
    hash_ = (hash_ ^ word) * 0x100000001b3u;
    hash_ ^= hash_ >> 29;
}

void Trace::mix(std::string_view bytes) {
    mix(bytes.size());
    for (; bytes.size() >= 8; bytes.remove_prefix(8)) {
        std::uint64_t word = 0;
        std::memcpy(&word, bytes.data(), 8);
        mix(word);
    }
    std::uint64_t word = 0;
    std::memcpy(&word, bytes.data(), bytes.size());
    mix(word);
}

void Trace::note(TimePoint when, std::string_view kind, std::string_view where, std::int64_t number,
                 std::string_view content) {
    ++events_;
    mix(static_cast<std::uint64_t>(when.time_since_epoch().count()));
    mix(kind);
    mix(where);
    mix(static_cast<std::uint64_t>(number));
    mix(content);
    if (!listener_) return;
    const double seconds = std::chrono::duration<double>(when.time_since_epoch()).count();
    listener_(fmt::format("{:14.6f} {:<12} {} {} {:016x}", seconds, kind, where, number, hash_));
}

}  // namespace selvage::simulation
