// The machine that is measured: how its numbers move, and the message body that tells them.
//
// Pure: randomness and time come from the caller. Wire: docs/wire/temperature-sensor.md.
#pragma once

#include <string>

#include "base/clock.h"
#include "base/random.h"

namespace selvage::temperature_sensor {

struct MachineSettings {
    double temperature_min = 21;
    double temperature_max = 100;
    double pressure_min = 1;
    double pressure_max = 10;
    double ambient_temperature = 21;
};

struct Reading {
    double machine_temperature = 0;
    double machine_pressure = 0;
    double ambient_temperature = 0;
    int ambient_humidity = 0;
};

class Machine {
public:
    explicit Machine(MachineSettings settings) : settings_(settings), temperature_(settings.temperature_min) {}

    // One step on. The machine warms up until it is over its maximum and wanders about there.
    Reading step(Random& random);
    // Back to the minimum.
    void reset() { temperature_ = settings_.temperature_min; }

private:
    MachineSettings settings_;
    double temperature_;
};

// JSON, numbers rounded to hundredths.
std::string body_of(const Reading& reading, UtcTime now);

}  // namespace selvage::temperature_sensor
