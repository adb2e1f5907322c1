#include "simulated_temperature_sensor/settings.h"

#include <gtest/gtest.h>

#include <map>

namespace selvage::temperature_sensor {
namespace {

using namespace std::chrono_literals;

Result<Settings> read(const std::map<std::string, std::string>& variables) {
    return read_settings([&](const char* name) -> const char* {
        const auto found = variables.find(name);
        return found == variables.end() ? nullptr : found->second.c_str();
    });
}

TEST(Settings, AreThoseOfTheOriginalWhenNothingIsSaid) {
    const auto settings = read({}).value();
    EXPECT_EQ(settings.message_delay, 5s);
    EXPECT_EQ(settings.message_count, 500);
    EXPECT_EQ(settings.machine.temperature_max, 100);
}

TEST(Settings, AreReadAndTheOneThatIsWrongIsNamed) {
    const auto settings = read({{"MessageDelay", " 00:01:30 "}, {"MessageCount", "-1"}, {"machineTempMin", "-3.5"}, {"ambientTemp", "1e1"}}).value();
    EXPECT_EQ(settings.message_delay, 90s);
    EXPECT_EQ(settings.message_count, -1);
    EXPECT_EQ(settings.machine.temperature_min, -3.5);
    EXPECT_EQ(settings.machine.ambient_temperature, 10);
    for (const auto& [name, value] : std::map<std::string, std::string>{
             {"MessageDelay", "5"}, {"MessageCount", "many"}, {"MessageCount", "1.5"}, {"machineTempMax", "hot"}, {"ambientTemp", "inf"}}) {
        const auto refused = read({{name, value}});
        ASSERT_FALSE(refused.has_value()) << name;
        EXPECT_TRUE(refused.error().detail.starts_with(name + ":")) << refused.error().detail;
        EXPECT_NE(refused.error().detail.find(value), std::string::npos);
    }
}

TEST(TimeSpan, IsReadAsDotNetWritesIt) {
    EXPECT_EQ(parse_time_span("00:00:00").value(), 0ms);
    EXPECT_EQ(parse_time_span("1:2:3").value(), 3723s);
    EXPECT_EQ(parse_time_span("2.01:00:00").value(), 49h);
    EXPECT_EQ(parse_time_span("00:00:00.25").value(), 250ms);
    EXPECT_EQ(parse_time_span("00:00:01.0500000").value(), 1050ms);
    for (const char* text : {"", "5", "00:05", "24:00:00", "00:60:00", "00:00:60", "-00:00:05", "00:00:05.", "a:b:c", "1:2:3:4",
                             "00:00:00.12345678", ".00:00:01", "::"})
        EXPECT_FALSE(parse_time_span(text).has_value()) << text;
}

}  // namespace
}  // namespace selvage::temperature_sensor
