#include "simulated_temperature_sensor/control.h"

#include <gtest/gtest.h>

namespace selvage::temperature_sensor {
namespace {

using namespace std::chrono_literals;

struct DesiredRow {
    std::string_view desired;
    Sending want;
    bool all_taken;
};

TEST(Desired, TakesWhatMakesSenseAndSaysWhatDoesNot) {
    const DesiredRow rows[] = {
        {R"({"SendInterval":2,"SendData":false,"$version":3})", {false, 2s}, true},
        {R"({"SendInterval":2})", {true, 2s}, true},
        {R"({"SendData":false})", {false, 5s}, true},
        {R"({})", {true, 5s}, true},
        {R"({"SendInterval":null,"SendData":null})", {true, 5s}, true},
        {R"({"SendInterval":0})", {true, 5s}, false},
        {R"({"SendInterval":-1,"SendData":false})", {false, 5s}, false},
        {R"({"SendInterval":"7"})", {true, 5s}, false},
        {R"({"SendInterval":1.5})", {true, 5s}, false},
        {R"({"SendData":1})", {true, 5s}, false},
    };
    for (const auto& row : rows) {
        SCOPED_TRACE(row.desired);
        Sending sending;
        const auto not_taken = apply_desired(parse_json_object(row.desired).value(), sending);
        EXPECT_EQ(sending, row.want);
        EXPECT_EQ(not_taken.empty(), row.all_taken) << not_taken;
    }
}

TEST(Reported, EchoesBoth) {
    EXPECT_EQ(reported_text({false, 2s}), R"({"SendData":false,"SendInterval":2})");
}

TEST(Control, ResetIsWhatIsAskedForUnlessTheCommandSaysOtherwise) {
    for (const char* body : {R"({"command":"reset"})", R"([{"command":"Reset"}])", R"({"Command":"RESET"})", R"({"command":0})", R"({})",
                             R"([{"command":1},{"command":"reset"}])"})
        EXPECT_EQ(asks_for_reset(body), true) << body;
    for (const char* body : {R"({"command":"noOperation"})", R"({"command":1})", R"([])", R"([{"command":"NoOperation"}])"})
        EXPECT_EQ(asks_for_reset(body), false) << body;
    for (const char* body : {"", "reset", "7", R"({"command":"dance"})", R"({"command":2})", R"({"command":null})", R"([7])"})
        EXPECT_FALSE(asks_for_reset(body).has_value()) << body;
}

}  // namespace
}  // namespace selvage::temperature_sensor
