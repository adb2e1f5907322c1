#include "dev/faults/fault.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace selvage::dev {
namespace {

using namespace std::chrono_literals;

struct Row {
    const char* text;
    FaultKind kind;
    Duration every;
    Duration lasts;
};
const Row kRows[] = {
    {"upstream-down:30s:10s", FaultKind::upstream_down, 30s, 10s},
    {"upstream-down:2h:1.5m", FaultKind::upstream_down, 2h, 90s},
    {"delay:250", FaultKind::delay, 0s, 250ms},
    {"delay:2s", FaultKind::delay, 0s, 2s},
    {"drop-connection:5", FaultKind::drop_connection, 5s, 0s},
    {"hub-restart:500ms", FaultKind::hub_restart, 500ms, 0s},
    {"disk-full:10:1", FaultKind::disk_full, 10s, 1s},
    {"throttle:1m:59s", FaultKind::throttle, 1min, 59s},
};

TEST(Fault, IsReadFromItsText) {
    for (const auto& row : kRows) {
        const auto fault = parse_fault(row.text);
        ASSERT_TRUE(fault) << row.text << ": " << fault.error().detail;
        EXPECT_EQ(fault->kind, row.kind) << row.text;
        EXPECT_EQ(fault->every, row.every) << row.text;
        EXPECT_EQ(fault->lasts, row.lasts) << row.text;
    }
}

TEST(Fault, ThatIsUnknownIsRefusedWithTheKnownOnes) {
    for (const char* text : {"", "flood", "flood:1", "Delay:1", "delay2:1"}) {
        const auto fault = parse_fault(text);
        ASSERT_FALSE(fault) << text;
        for (const char* known : {"upstream-down", "delay", "drop-connection", "hub-restart", "disk-full", "throttle"})
            EXPECT_THAT(fault.error().detail, ::testing::HasSubstr(known)) << text;
    }
}

TEST(Fault, WithWrongArgumentsIsRefusedWithItsForm) {
    for (const char* text : {"delay", "delay:", "delay:x", "delay:-1", "delay:0", "delay:1:2", "upstream-down:30s",
                             "upstream-down:30s:30s", "upstream-down:10s:1m", "hub-restart:1y", "hub-restart:nan",
                             "hub-restart:1e30", "drop-connection:5s "}) {
        const auto fault = parse_fault(text);
        ASSERT_FALSE(fault) << text;
        EXPECT_EQ(fault.error().code, Errc::invalid_argument);
        EXPECT_THAT(fault.error().detail, ::testing::HasSubstr("it is written")) << text;
    }
}

TEST(Fault, DurationsAreWrittenInTheShortestForm) {
    EXPECT_EQ(to_text(Duration(2h)), "2h");
    EXPECT_EQ(to_text(Duration(90s)), "90s");
    EXPECT_EQ(to_text(Duration(1500ms)), "1500ms");
}

}  // namespace
}  // namespace selvage::dev
