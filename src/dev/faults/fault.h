// What a developer asks to go wrong: `--fault KIND[:ARGUMENTS]`.
//
// Pure. Kinds and arguments are described in docs/dev.md.
#pragma once

#include <string>
#include <string_view>

#include "base/clock.h"
#include "base/result.h"

namespace selvage::dev {

enum class FaultKind { upstream_down, delay, drop_connection, hub_restart, disk_full, throttle };

struct Fault {
    FaultKind kind = FaultKind::delay;
    Duration every{0};      // from one beginning to the next; 0: from the start on, always
    Duration lasts{0};      // of the kinds that have an end; of `delay`: how long a delay
};

// "upstream-down".
std::string_view name(FaultKind kind);

// Errors: invalid_argument, which names the kinds that there are, or what the kind takes.
Result<Fault> parse_fault(std::string_view text);

// "250ms", "30s", "1.5m", "2h"; a bare number is seconds. Over 0 and up to a year. Errors: invalid_argument.
Result<Duration> parse_duration(std::string_view text, Duration unit = std::chrono::seconds(1));
// The shortest of those forms.
std::string to_text(Duration duration);

}  // namespace selvage::dev
