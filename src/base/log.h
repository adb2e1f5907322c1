// Logging facade: an area, a short verb phrase, then key=value.
//
//   log::warn("mqtt.connect", "refused device={} reason={}", id, reason);
//
// error = someone must act; warn = degraded and recovered; info = life cycle, one line per connection open and close;
// debug = per message; trace = bytes. Never a key, token, password, or (above trace) a message body. Safe from any thread.
#pragma once

#include <fmt/core.h>

#include <string_view>
#include <utility>

namespace selvage::log {

enum class Level { trace, debug, info, warn, error, off };

// Lines go to standard error as `<N> 2026-01-02 03:04:05.678 +00:00 [INF] - area: text` (N = syslog level), the form that
// `iotedge logs` and log collectors of IoT Edge parse: error 3, warn 4, info 6, debug and trace 7.
// Call once, in main. Without it nothing below warn is written.
void start(Level threshold);

// fatal, error, warning, info(rmation), debug, verbose, trace as users write them, in any case; false when unknown.
bool parse_level(std::string_view text, Level& level);

bool enabled(Level level);
void write(Level level, std::string_view area, std::string_view text);

template <class... Args>
void at(Level level, std::string_view area, fmt::format_string<Args...> format, Args&&... args) {
    if (enabled(level)) write(level, area, fmt::format(format, std::forward<Args>(args)...));
}
template <class... Args>
void error(std::string_view area, fmt::format_string<Args...> format, Args&&... args) {
    at(Level::error, area, format, std::forward<Args>(args)...);
}
template <class... Args>
void warn(std::string_view area, fmt::format_string<Args...> format, Args&&... args) {
    at(Level::warn, area, format, std::forward<Args>(args)...);
}
template <class... Args>
void info(std::string_view area, fmt::format_string<Args...> format, Args&&... args) {
    at(Level::info, area, format, std::forward<Args>(args)...);
}
template <class... Args>
void debug(std::string_view area, fmt::format_string<Args...> format, Args&&... args) {
    at(Level::debug, area, format, std::forward<Args>(args)...);
}
template <class... Args>
void trace(std::string_view area, fmt::format_string<Args...> format, Args&&... args) {
    at(Level::trace, area, format, std::forward<Args>(args)...);
}

}  // namespace selvage::log
