#include "simulation/trace.h"

#include <fmt/core.h>

#include <cstring>

namespace selvage::simulation {

const char* name(Effect effect) {
    switch (effect) {
        case Effect::connection_cut: return "connections cut";
        case Effect::connection_half_open: return "half open";
        case Effect::connection_stalled: return "stalled";
        case Effect::connection_lagging: return "lagging behind others";
        case Effect::dial_failed: return "dials failed";
        case Effect::packet_lost: return "packets lost";
        case Effect::write_refused: return "writes refused for want of space";
        case Effect::write_failed: return "writes failed";
        case Effect::write_torn: return "writes torn";
        case Effect::write_lost: return "writes lost";
        case Effect::sync_failed: return "syncs failed";
        case Effect::process_killed: return "processes killed";
        case Effect::process_restarted: return "processes restarted";
        case Effect::device_restarted: return "devices restarted";
        case Effect::clock_set: return "clocks set";
        case Effect::module_ended: return "modules ended";
        case Effect::engine_call_failed: return "engine calls failed";
        case Effect::pull_failed: return "pulls failed";
    }
    return "?";
}

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
    if (!bytes.empty()) std::memcpy(&word, bytes.data(), bytes.size());
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
