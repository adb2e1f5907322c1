#include "cli/iotedge/module_table.h"

#include <gtest/gtest.h>

#include "base/time_text.h"

namespace selvage::cli {
namespace {

using edge::management::ModuleDetails;
using edge::management::ModuleStatus;
using std::chrono::seconds;

TEST(AgeText, IsInAzuresWords) {
    struct Row {
        std::int64_t age;
        const char* want;
    };
    constexpr std::int64_t kMinute = 60, kHour = 3600, kDay = 86400;
    const Row rows[] = {
        {0, "0 seconds"},             {1, "1 second"},            {15, "15 seconds"},          {45, "45 seconds"},
        {46, "a minute"},             {90, "a minute"},           {91, "2 minutes"},           {179, "2 minutes"},
        {180, "3 minutes"},           {45 * kMinute, "45 minutes"}, {45 * kMinute + 1, "an hour"}, {90 * kMinute, "an hour"},
        {90 * kMinute + 1, "2 hours"}, {22 * kHour, "22 hours"},  {22 * kHour + 1, "a day"},   {36 * kHour, "a day"},
        {36 * kHour + 1, "2 days"},   {3 * kDay, "3 days"},       {156 * kHour + 1, "a week"}, {252 * kHour + 1, "2 weeks"},
        {21 * kDay, "3 weeks"},       {29 * kDay + 1, "a month"}, {45 * kDay + 1, "2 months"}, {100 * kDay, "3 months"},
        {345 * kDay + 1, "a year"},   {547 * kDay + 1, "2 years"}, {1100 * kDay, "3 years"},
    };
    for (const Row& row : rows) EXPECT_EQ(age_text(seconds(row.age)), row.want) << row.age;
}

ModuleDetails module(const char* name, ModuleStatus status, const char* image) {
    ModuleDetails details;
    details.name = name;
    details.status = status;
    details.image = image;
    return details;
}

TEST(ModuleTable, IsSortedAndAligned) {
    const UtcTime now = *from_iso8601("2026-01-02T12:00:00Z");
    auto agent = module("edgeAgent", ModuleStatus::running, "mcr.example/azureiotedge-agent:1.6");
    agent.start_time = now - seconds(130);
    auto sensor = module("tempSensor", ModuleStatus::failed, "mcr.example/sensor:1.5");
    sensor.exit_time = now - std::chrono::hours(3);
    sensor.exit_code = 139;
    EXPECT_EQ(module_table({sensor, agent}, now),
              "NAME             STATUS           DESCRIPTION               Config\n"
              "edgeAgent        running          Up 2 minutes              mcr.example/azureiotedge-agent:1.6\n"
              "tempSensor       failed           Failed (139) 3 hours ago  mcr.example/sensor:1.5\n");
    EXPECT_EQ(module_table({}, now), "NAME             STATUS           DESCRIPTION      Config\n");
}

TEST(ModuleTable, DescribesEveryState) {
    const UtcTime now = *from_iso8601("2026-01-02T12:00:00Z");
    auto one = module("m", ModuleStatus::running, "i");
    EXPECT_EQ(description_text(one, now), "Up");
    one.status = ModuleStatus::stopped;
    EXPECT_EQ(description_text(one, now), "Stopped");
    one.exit_time = now - seconds(10);
    one.exit_code = 0;
    EXPECT_EQ(description_text(one, now), "Stopped 10 seconds ago");
    one.status = ModuleStatus::dead;
    EXPECT_EQ(description_text(one, now), "Stopped 10 seconds ago");
    one.status = ModuleStatus::failed;
    one.exit_code = 2;
    EXPECT_EQ(description_text(one, now), "Failed (2) 10 seconds ago");
    one.exit_time.reset();
    EXPECT_EQ(description_text(one, now), "Failed");
    one.status = ModuleStatus::unknown;
    EXPECT_EQ(description_text(one, now), "Unknown");
    one.status = ModuleStatus::running;
    one.start_time = now + seconds(5);
    EXPECT_EQ(description_text(one, now), "Up 0 seconds") << "a clock that went back";
}

}  // namespace
}  // namespace selvage::cli
