#include "base/time_text.h"

#include <fmt/core.h>

#include <charconv>

namespace selvage {
namespace {

// Reads exactly `digits` digits at the front of `text` and drops them.
bool take_number(std::string_view& text, std::size_t digits, int& value) {
    if (text.size() < digits) return false;
    const auto [end, error] = std::from_chars(text.data(), text.data() + digits, value);
    if (error != std::errc{} || end != text.data() + digits || text.front() == '-') return false;
    text.remove_prefix(digits);
    return true;
}

bool take(std::string_view& text, char c) {
    if (text.empty() || text.front() != c) return false;
    text.remove_prefix(1);
    return true;
}

}  // namespace

std::string to_iso8601(UtcTime time) {
    const auto days = std::chrono::floor<std::chrono::days>(time);
    const std::chrono::year_month_day date(days);
    const std::chrono::hh_mm_ss clock(time - days);
    return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:03}0000Z", static_cast<int>(date.year()),
                       static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()), clock.hours().count(),
                       clock.minutes().count(), clock.seconds().count(), clock.subseconds().count());
}

Result<UtcTime> from_iso8601(std::string_view text) {
    const std::string_view whole = text;
    const auto bad = [&] {
        return fail(Errc::malformed, fmt::format("'{}' is not an ISO 8601 time such as 2026-01-02T03:04:05Z", whole));
    };
    int year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0;
    if (!take_number(text, 4, year) || !take(text, '-') || !take_number(text, 2, month) || !take(text, '-') ||
        !take_number(text, 2, day))
        return bad();
    if (!take(text, 'T') && !take(text, ' ')) return bad();
    if (!take_number(text, 2, hour) || !take(text, ':') || !take_number(text, 2, minute) || !take(text, ':') ||
        !take_number(text, 2, second))
        return bad();
    int millis = 0;
    if (take(text, '.')) {
        int scale = 100;
        if (text.empty() || text.front() < '0' || text.front() > '9') return bad();
        while (!text.empty() && text.front() >= '0' && text.front() <= '9') {
            millis += (text.front() - '0') * scale;
            scale /= 10;
            text.remove_prefix(1);
        }
    }
    int offset_minutes = 0;
    if (!text.empty() && (text.front() == '+' || text.front() == '-')) {
        const int sign = text.front() == '+' ? 1 : -1;
        text.remove_prefix(1);
        int hours = 0, minutes = 0;
        if (!take_number(text, 2, hours) || !take(text, ':') || !take_number(text, 2, minutes)) return bad();
        offset_minutes = sign * (hours * 60 + minutes);
    } else {
        take(text, 'Z');
    }
    const std::chrono::year_month_day date{std::chrono::year(year), std::chrono::month(static_cast<unsigned>(month)),
                                           std::chrono::day(static_cast<unsigned>(day))};
    if (!text.empty() || !date.ok() || hour > 23 || minute > 59 || second > 60) return bad();
    return UtcTime(std::chrono::sys_days(date)) + std::chrono::hours(hour) + std::chrono::minutes(minute - offset_minutes) +
           std::chrono::seconds(second) + std::chrono::milliseconds(millis);
}

}  // namespace selvage
