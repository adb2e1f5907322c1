#include "edge/management/log_query.h"

#include <fmt/core.h>

#include <charconv>
#include <limits>

#include "base/encoding.h"
#include "base/time_text.h"

namespace selvage::edge::management {
namespace {

// The names of the humantime crate, which both Azure's daemon and its command line use.
struct Unit {
    std::string_view names;      // separated by spaces, with one at each end
    std::int64_t nanoseconds;
};
constexpr std::int64_t kSecond = 1'000'000'000;
constexpr Unit kUnits[] = {
    {" nanos nsec ns ", 1},
    {" usec us ", 1'000},
    {" millis msec ms ", 1'000'000},
    {" seconds second secs sec s ", kSecond},
    {" minutes minute min mins m ", 60 * kSecond},
    {" hours hour hrs hr h ", 3600 * kSecond},
    {" days day d ", 86400 * kSecond},
    {" weeks week w ", 7 * 86400 * kSecond},
    {" months month M ", 2630016 * kSecond},   // 30.44 days
    {" years year y ", 31557600 * kSecond},    // 365.25 days
};

bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }

void skip_spaces(std::string_view& text) {
    while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
}

const Unit* find_unit(std::string_view name) {
    const std::string wanted = fmt::format(" {} ", name);
    for (const Unit& unit : kUnits)
        if (unit.names.find(wanted) != std::string_view::npos) return &unit;
    return nullptr;
}

std::unexpected<Error> not_a_duration(std::string_view text) {
    return fail(Errc::invalid_argument,
                fmt::format("\"{}\" is no duration; write it like \"1 day\", \"90m\" or \"2h 30m\"", text));
}

}  // namespace

Result<std::chrono::nanoseconds> parse_duration(std::string_view text) {
    std::string_view rest = trim(text);
    if (rest.empty()) return not_a_duration(text);
    std::int64_t total = 0;
    while (!rest.empty()) {
        std::int64_t number = 0;
        const auto [end, error] = std::from_chars(rest.data(), rest.data() + rest.size(), number);
        if (error != std::errc() || !is_digit(rest.front())) return not_a_duration(text);
        rest.remove_prefix(static_cast<std::size_t>(end - rest.data()));
        skip_spaces(rest);
        std::size_t letters = 0;
        while (letters < rest.size() && is_letter(rest[letters])) ++letters;
        const Unit* unit = letters == 0 ? nullptr : find_unit(rest.substr(0, letters));
        if (unit == nullptr) return not_a_duration(text);
        rest.remove_prefix(letters);
        skip_spaces(rest);
        std::int64_t part = 0;
        if (__builtin_mul_overflow(number, unit->nanoseconds, &part) || __builtin_add_overflow(total, part, &total))
            return fail(Errc::invalid_argument, fmt::format("the duration \"{}\" is too long", text));
    }
    return std::chrono::nanoseconds(total);
}

Result<std::int64_t> parse_moment(std::string_view text, UtcTime now) {
    using std::chrono::duration_cast;
    using std::chrono::floor;
    using std::chrono::seconds;
    // A plain number would be read as a year by a lenient date parser: a date has a hyphen at its fifth place.
    if (text.size() > 4 && text[4] == '-') {
        if (const auto time = from_iso8601(text)) return floor<seconds>(*time).time_since_epoch().count();
    }
    std::int32_t number = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (!text.empty() && error == std::errc() && end == text.data() + text.size()) return number;
    if (const auto duration = parse_duration(text))
        return floor<seconds>(now).time_since_epoch().count() - duration_cast<seconds>(*duration).count();
    return fail(Errc::invalid_argument,
                fmt::format("\"{}\" is neither a time (2026-01-02T03:04:05Z), nor Unix seconds, nor a duration (\"1 day\", "
                            "\"90m\")", text));
}

Result<std::optional<std::uint64_t>> parse_tail(std::string_view text) {
    if (text == "all") return std::nullopt;
    std::uint64_t number = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (text.empty() || error != std::errc() || end != text.data() + text.size())
        return fail(Errc::invalid_argument, fmt::format("\"{}\" is neither \"all\" nor a number of lines", text));
    return number;
}

}  // namespace selvage::edge::management
