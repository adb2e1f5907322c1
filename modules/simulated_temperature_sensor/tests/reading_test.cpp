#include "simulated_temperature_sensor/reading.h"

#include <gtest/gtest.h>

#include "base/json.h"

namespace selvage::temperature_sensor {
namespace {

TEST(Machine, WarmsUpToItsMaximumAndStaysThere) {
    SeededRandom random(1);
    Machine machine({});
    double last = 21;
    int over = 0;
    for (int i = 0; i < 2000; ++i) {
        const auto reading = machine.step(random);
        const double step = reading.machine_temperature - last;
        if (last > 100) {
            EXPECT_GE(step, -0.5);
            EXPECT_LT(step, 0.5);
            ++over;
        } else {
            EXPECT_GE(step, -0.25);
            EXPECT_LT(step, 1.25);
        }
        EXPECT_NEAR(reading.machine_pressure, 1 + (reading.machine_temperature - 21) * 9 / 79, 1e-9);
        EXPECT_GE(reading.ambient_temperature, 20.5);
        EXPECT_LT(reading.ambient_temperature, 21.5);
        EXPECT_GE(reading.ambient_humidity, 24);
        EXPECT_LE(reading.ambient_humidity, 26);
        last = reading.machine_temperature;
    }
    EXPECT_GT(over, 500);
    EXPECT_NEAR(last, 100, 20);
    machine.reset();
    EXPECT_LT(machine.step(random).machine_temperature, 22.25);
}

TEST(Machine, AFlatRangeGivesAFlatPressure) {
    SeededRandom random(1);
    Machine machine({.temperature_min = 5, .temperature_max = 5});
    EXPECT_EQ(machine.step(random).machine_pressure, 1);
}

TEST(Body, HasTheShapeThatRoutesAndDashboardsKnow) {
    const Reading reading{.machine_temperature = 22.1000001, .machine_pressure = 1.1234, .ambient_temperature = 20.8,
                          .ambient_humidity = 25};
    EXPECT_EQ(body_of(reading, UtcTime(std::chrono::milliseconds(1767323045123))),
              R"({"machine":{"temperature":22.1,"pressure":1.12},"ambient":{"temperature":20.8,"humidity":25},)"
              R"("timeCreated":"2026-01-02T03:04:05.1230000Z"})");
}

}  // namespace
}  // namespace selvage::temperature_sensor
