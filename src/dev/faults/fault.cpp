#include "dev/faults/fault.h"

#include <fmt/core.h>

#include <charconv>
#include <vector>

namespace selvage::dev {
namespace {

using namespace std::chrono_literals;

struct Kind {
    FaultKind kind;
    std::string_view name;
    std::string_view form;
    std::size_t arguments;
};
constexpr Kind kKinds[] = {
    {FaultKind::upstream_down, "upstream-down", "upstream-down:EVERY:FOR", 2},
    {FaultKind::delay, "delay", "delay:MILLISECONDS", 1},
    {FaultKind::drop_connection, "drop-connection", "drop-connection:EVERY", 1},
    {FaultKind::hub_restart, "hub-restart", "hub-restart:EVERY", 1},
    {FaultKind::disk_full, "disk-full", "disk-full:EVERY:FOR", 2},
    {FaultKind::throttle, "throttle", "throttle:EVERY:FOR", 2},
};

struct Unit {
    std::string_view suffix;
    Duration value;
};
constexpr Unit kUnits[] = {{"ms", 1ms}, {"s", 1s}, {"m", 1min}, {"h", 1h}};

std::vector<std::string_view> split(std::string_view text) {
    std::vector<std::string_view> parts;
    for (;;) {
        const auto colon = text.find(':');
        parts.push_back(text.substr(0, colon));
        if (colon == text.npos) return parts;
        text.remove_prefix(colon + 1);
    }
}

std::string known_forms() {
    std::string forms;
    for (const auto& kind : kKinds) forms += fmt::format("{}{}", forms.empty() ? "" : ", ", kind.form);
    return forms;
}

}  // namespace

std::string_view name(FaultKind kind) {
    for (const auto& known : kKinds)
        if (known.kind == kind) return known.name;
    return "";
}

Result<Duration> parse_duration(std::string_view text, Duration unit) {
    double number = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    const std::string_view suffix(end, static_cast<std::size_t>(text.data() + text.size() - end));
    bool known = suffix.empty();
    for (const auto& candidate : kUnits)
        if (candidate.suffix == suffix) {
            unit = candidate.value;
            known = true;
        }
    const double value = number * static_cast<double>(unit.count());
    constexpr double kMost = 365.0 * 24 * 3600 * 1e9;
    if (error != std::errc() || !known || !(value >= 1) || value > kMost)
        return fail(Errc::invalid_argument,
                    fmt::format("'{}' is no time: give a number over 0 with ms, s, m or h, such as 500ms, 30s or 2h", text));
    return Duration(static_cast<Duration::rep>(value));
}

std::string to_text(Duration duration) {
    for (auto unit = std::rbegin(kUnits); unit != std::rend(kUnits); ++unit)
        if (duration >= unit->value && duration % unit->value == Duration::zero())
            return fmt::format("{}{}", duration / unit->value, unit->suffix);
    return fmt::format("{}ms", std::chrono::duration<double, std::milli>(duration).count());
}

Result<Fault> parse_fault(std::string_view text) {
    const auto parts = split(text);
    const Kind* kind = nullptr;
    for (const auto& known : kKinds)
        if (known.name == parts.front()) kind = &known;
    if (kind == nullptr)
        return fail(Errc::invalid_argument, fmt::format("fault '{}' is not known; known are {}", text, known_forms()));
    const auto wrong = [&](std::string_view why) {
        return fail(Errc::invalid_argument, fmt::format("fault '{}': {}; it is written {}", text, why, kind->form));
    };
    if (parts.size() != kind->arguments + 1)
        return wrong(fmt::format("takes {} argument{}", kind->arguments, kind->arguments == 1 ? "" : "s"));
    Fault fault{.kind = kind->kind};
    auto first = parse_duration(parts[1], kind->kind == FaultKind::delay ? Duration(1ms) : Duration(1s));
    if (!first) return wrong(first.error().detail);
    (kind->kind == FaultKind::delay ? fault.lasts : fault.every) = *first;
    if (kind->arguments == 2) {
        const auto lasts = parse_duration(parts[2]);
        if (!lasts) return wrong(lasts.error().detail);
        if (*lasts >= fault.every) return wrong("FOR must be shorter than EVERY");
        fault.lasts = *lasts;
    }
    return fault;
}

}  // namespace selvage::dev
