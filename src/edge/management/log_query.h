// Which part of a module's log: the query of GET /modules/{name}/logs.
//
// Wire: docs/wire/management-api.md#logs.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>

#include "base/clock.h"
#include "base/result.h"

namespace selvage::edge::management {

struct LogQuery {
    bool follow = false;
    std::optional<std::uint64_t> tail{};       // lines from the end; nothing: all
    bool timestamps = false;
    std::int64_t since = 0;                  // Unix seconds
    std::optional<std::int64_t> until{};
};

// Tried in this order: RFC 3339; Unix seconds (signed 32 bits); a duration ("1 day", "90m", "2h 30m"), meaning that long
// before `now`. The result is in Unix seconds. Errors: invalid_argument, with the forms that would be right.
Result<std::int64_t> parse_moment(std::string_view text, UtcTime now);

// "1 day", "2h 30m", "15days 2min": numbers and units from nanoseconds to years. Errors: invalid_argument.
Result<std::chrono::nanoseconds> parse_duration(std::string_view text);

// "all" or an unsigned number. Errors: invalid_argument.
Result<std::optional<std::uint64_t>> parse_tail(std::string_view text);

}  // namespace selvage::edge::management
