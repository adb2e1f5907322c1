// What the sensor is told while it runs: desired properties and control messages. Pure.
//
// Wire: docs/wire/temperature-sensor.md.
#pragma once

#include <chrono>
#include <string>
#include <string_view>

#include "base/json.h"

namespace selvage::temperature_sensor {

struct Sending {
    bool enabled = true;                       // SendData
    std::chrono::milliseconds interval{5000};  // SendInterval, whole seconds on the wire
    bool operator==(const Sending&) const = default;
};

// Takes SendData and SendInterval from desired properties. What is absent, null or no sensible value changes nothing; the
// returned sentence, if not empty, says what was not taken.
std::string apply_desired(const JsonObject& desired, Sending& sending);

// {"SendData":true,"SendInterval":5}
std::string reported_text(const Sending& sending);

// Does the body of a control message ask for a reset? Errors: malformed.
Result<bool> asks_for_reset(std::string_view body);

}  // namespace selvage::temperature_sensor
