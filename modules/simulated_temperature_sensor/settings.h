// What the sensor is told by its environment.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <string_view>

#include "base/result.h"
#include "simulated_temperature_sensor/reading.h"

namespace selvage::temperature_sensor {

struct Settings {
    std::chrono::milliseconds message_delay{5000};
    std::int64_t message_count = 500;      // negative: without end
    MachineSettings machine;
};

// `get` is getenv-like: null when unset. Errors: invalid_argument naming the variable and what it takes.
Result<Settings> read_settings(const std::function<const char*(const char*)>& get);

// .NET's TimeSpan: `[d.]hh:mm:ss[.fraction]`, not negative. Errors: malformed.
Result<std::chrono::milliseconds> parse_time_span(std::string_view text);

}  // namespace selvage::temperature_sensor
