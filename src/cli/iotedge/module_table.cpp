#include "cli/iotedge/module_table.h"

#include <fmt/core.h>

#include <algorithm>
#include <array>

namespace selvage::cli {
namespace {

using edge::management::ModuleDetails;
using edge::management::ModuleStatus;
using std::chrono::days;
using std::chrono::hours;
using std::chrono::minutes;
using std::chrono::seconds;

// docs/wire/cli.md#list: from this age on the unit's own words hold; `one` for the first stretch, then counted from two.
struct Stretch {
    seconds above;
    seconds unit;
    const char* one;       // null: counted
    const char* many;
};
constexpr Stretch kStretches[] = {
    {hours(547 * 24), days(365), nullptr, "years"}, {hours(345 * 24), days(365), "a year", nullptr},
    {hours(45 * 24), days(30), nullptr, "months"},  {hours(29 * 24), days(30), "a month", nullptr},
    {hours(252), days(7), nullptr, "weeks"},        {hours(156), days(7), "a week", nullptr},
    {hours(36), days(1), nullptr, "days"},          {hours(22), days(1), "a day", nullptr},
    {minutes(90), hours(1), nullptr, "hours"},      {minutes(45), hours(1), "an hour", nullptr},
    {seconds(90), minutes(1), nullptr, "minutes"},  {seconds(45), minutes(1), "a minute", nullptr},
};
constexpr std::size_t kColumnMin = 15;
constexpr std::size_t kColumnGap = 2;

seconds since(UtcTime then, UtcTime now) { return std::max(seconds(0), std::chrono::floor<seconds>(now - then)); }

}  // namespace

std::string age_text(seconds age) {
    for (const Stretch& stretch : kStretches) {
        if (age <= stretch.above) continue;
        if (stretch.one != nullptr) return stretch.one;
        return fmt::format("{} {}", std::max<std::int64_t>(age / stretch.unit, 2), stretch.many);
    }
    return age.count() == 1 ? "1 second" : fmt::format("{} seconds", age.count());
}

std::string description_text(const ModuleDetails& module, UtcTime now) {
    const std::string ended = module.exit_time ? fmt::format(" {} ago", age_text(since(*module.exit_time, now))) : std::string();
    switch (module.status) {
        case ModuleStatus::running:
            return module.start_time ? "Up " + age_text(since(*module.start_time, now)) : "Up";
        case ModuleStatus::stopped:
        case ModuleStatus::dead: return "Stopped" + ended;
        case ModuleStatus::failed:
            return module.exit_time ? fmt::format("Failed ({}){}", module.exit_code.value_or(0), ended) : "Failed";
        case ModuleStatus::unknown: break;
    }
    return "Unknown";
}

std::string module_table(std::vector<ModuleDetails> modules, UtcTime now) {
    std::ranges::sort(modules, {}, &ModuleDetails::name);
    std::vector<std::array<std::string, 4>> rows{{"NAME", "STATUS", "DESCRIPTION", "Config"}};
    for (const ModuleDetails& module : modules)
        rows.push_back({module.name, std::string(name(module.status)), description_text(module, now), module.image});
    std::array<std::size_t, 3> widths{kColumnMin, kColumnMin, kColumnMin};
    for (const auto& row : rows)
        for (std::size_t i = 0; i < widths.size(); ++i) widths[i] = std::max(widths[i], row[i].size());
    std::string table;
    for (const auto& row : rows) {
        for (std::size_t i = 0; i < widths.size(); ++i)
            table += row[i] + std::string(widths[i] + kColumnGap - row[i].size(), ' ');
        table += row[3] + "\n";
    }
    return table;
}

}  // namespace selvage::cli
