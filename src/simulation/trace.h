// What happened, in order, as one number: two runs with the same hash were the same run.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include "base/clock.h"

namespace selvage::simulation {

// What faults did: struck is one thing, hit another.
enum class Effect {
    connection_cut, connection_half_open, connection_stalled, connection_lagging, dial_failed, packet_lost,
    write_refused, write_failed, write_torn, write_lost, sync_failed,
    process_killed, process_restarted, device_restarted, clock_set,
    module_ended, engine_call_failed, pull_failed,
};
inline constexpr std::size_t kEffects = 18;
const char* name(Effect effect);
using Effects = std::array<std::uint64_t, kEffects>;

class Trace {
public:
    // Called with a line for each event, when set.
    using Listener = std::function<void(const std::string& line)>;
    explicit Trace(Listener listener = nullptr) : listener_(std::move(listener)) {}

    // `kind` says what, `where` who; `content` enters the hash, not the line.
    void note(TimePoint when, std::string_view kind, std::string_view where, std::int64_t number = 0,
              std::string_view content = {});
    std::uint64_t hash() const { return hash_; }
    std::uint64_t events() const { return events_; }

    void count(Effect effect, std::uint64_t times = 1) { effects_[static_cast<std::size_t>(effect)] += times; }
    const Effects& effects() const { return effects_; }

private:
    void mix(std::string_view bytes);
    void mix(std::uint64_t word);

    Listener listener_;
    std::uint64_t hash_ = 0xcbf29ce484222325u;
    std::uint64_t events_ = 0;
    Effects effects_{};
};

}  // namespace selvage::simulation
