#include "base/log.h"

#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <atomic>
#include <memory>
#include <string>

namespace selvage::log {
namespace {

std::atomic<Level> threshold{Level::warn};

struct Form {
    int syslog;
    const char* tag;
    spdlog::level::level_enum spd;
};
Form form(Level level) {
    switch (level) {
        case Level::error: return {3, "ERR", spdlog::level::err};
        case Level::warn: return {4, "WRN", spdlog::level::warn};
        case Level::info: return {6, "INF", spdlog::level::info};
        case Level::debug: return {7, "DBG", spdlog::level::debug};
        default: return {7, "VRB", spdlog::level::trace};
    }
}

spdlog::logger& sink() {
    // The one process-wide object: the standard error stream is process-wide too.
    static const std::shared_ptr<spdlog::logger> logger = [] {
        auto made = std::make_shared<spdlog::logger>("selvage", std::make_shared<spdlog::sinks::stderr_sink_mt>());
        made->set_level(spdlog::level::trace);
        made->set_pattern("%v", spdlog::pattern_time_type::utc);
        return made;
    }();
    return *logger;
}

}  // namespace

void start(Level level) {
    threshold = level;
    sink().set_pattern("%v", spdlog::pattern_time_type::utc);
}

bool parse_level(std::string_view text, Level& level) {
    std::string lower(text);
    std::transform(lower.begin(), lower.end(), lower.begin(),
                   [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
    if (lower == "fatal" || lower == "error" || lower == "err") level = Level::error;
    else if (lower == "warning" || lower == "warn") level = Level::warn;
    else if (lower == "info" || lower == "information") level = Level::info;
    else if (lower == "debug") level = Level::debug;
    else if (lower == "verbose" || lower == "trace") level = Level::trace;
    else return false;
    return true;
}

bool enabled(Level level) { return level >= threshold.load(std::memory_order_relaxed); }

void write(Level level, std::string_view area, std::string_view text) {
    const Form f = form(level);
    const auto now = std::chrono::system_clock::now();
    const auto seconds = std::chrono::floor<std::chrono::seconds>(now);
    const auto millis = std::chrono::duration_cast<std::chrono::milliseconds>(now - seconds).count();
    const auto days = std::chrono::floor<std::chrono::days>(seconds);
    const std::chrono::year_month_day date(days);
    const std::chrono::hh_mm_ss clock(seconds - days);
    sink().log(f.spd, fmt::format("<{}> {:04}-{:02}-{:02} {:02}:{:02}:{:02}.{:03} +00:00 [{}] - {}: {}", f.syslog,
                                  static_cast<int>(date.year()), static_cast<unsigned>(date.month()),
                                  static_cast<unsigned>(date.day()), clock.hours().count(), clock.minutes().count(),
                                  clock.seconds().count(), millis, f.tag, area, text));
}

}  // namespace selvage::log
