#include "simulated_temperature_sensor/reading.h"

#include <cmath>

#include "base/json.h"
#include "base/time_text.h"

namespace selvage::temperature_sensor {
namespace {

double rounded(double value) { return std::round(value * 100) / 100; }

}  // namespace

Reading Machine::step(Random& random) {
    if (temperature_ > settings_.temperature_max)
        temperature_ += random.fraction() - 0.5;
    else
        temperature_ += random.fraction() * 1.5 - 0.25;

    const double range = settings_.temperature_max - settings_.temperature_min;
    const double slope = range == 0 ? 0 : (settings_.pressure_max - settings_.pressure_min) / range;
    Reading reading;
    reading.machine_temperature = temperature_;
    reading.machine_pressure = settings_.pressure_min + (temperature_ - settings_.temperature_min) * slope;
    reading.ambient_temperature = settings_.ambient_temperature + random.fraction() - 0.5;
    reading.ambient_humidity = 24 + static_cast<int>(random.fraction() * 3);
    return reading;
}

std::string body_of(const Reading& reading, UtcTime now) {
    const JsonObject body{
        {"machine", {{"temperature", rounded(reading.machine_temperature)}, {"pressure", rounded(reading.machine_pressure)}}},
        {"ambient", {{"temperature", rounded(reading.ambient_temperature)}, {"humidity", reading.ambient_humidity}}},
        {"timeCreated", to_iso8601(now)}};
    return to_text(body);
}

}  // namespace selvage::temperature_sensor
