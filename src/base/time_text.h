// UTC times as text: ISO 8601 as Azure's services write it.
#pragma once

#include <string>
#include <string_view>

#include "base/clock.h"
#include "base/result.h"

namespace selvage {

// 2026-01-02T03:04:05.1230000Z, seven fraction digits: the form that .NET's exact parsers require.
std::string to_iso8601(UtcTime time);
// Accepts any number of fraction digits, `Z`, an offset (+01:00), or neither (read as UTC). Errors: malformed.
Result<UtcTime> from_iso8601(std::string_view text);
// What the service writes for "never".
inline constexpr std::string_view kNeverText = "0001-01-01T00:00:00Z";

}  // namespace selvage
