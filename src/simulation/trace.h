// What happened, in order, as one number: two runs with the same hash were the same run.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include "base/clock.h"

namespace selvage::simulation {

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

private:
    void mix(std::string_view bytes);
    void mix(std::uint64_t word);

    Listener listener_;
    std::uint64_t hash_ = 0xcbf29ce484222325u;
    std::uint64_t events_ = 0;
};

}  // namespace selvage::simulation
