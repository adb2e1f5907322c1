#include "domain/direct_method.h"

#include <gtest/gtest.h>

namespace selvage::domain {
namespace {

using std::chrono::seconds;

struct Row {
    const char* name;
    MethodRequest request;
    bool fits;
};

TEST(DirectMethod, HasLimits) {
    const Row rows[] = {
        {"plain", {"reboot", "{}", seconds(30), seconds(0)}, true},
        {"no payload", {"reboot", "", seconds(30), seconds(0)}, true},
        {"no name", {"", "", seconds(30), seconds(0)}, false},
        {"longest name", {std::string(100, 'm'), "", seconds(30), seconds(0)}, true},
        {"name too long", {std::string(101, 'm'), "", seconds(30), seconds(0)}, false},
        {"slash in the name", {"a/b", "", seconds(30), seconds(0)}, false},
        {"space in the name", {"a b", "", seconds(30), seconds(0)}, false},
        {"dollar in the name", {"$a", "", seconds(30), seconds(0)}, false},
        {"control character in the name", {"a\x01", "", seconds(30), seconds(0)}, false},
        {"a name beyond ASCII", {"\xc3\xa9", "", seconds(30), seconds(0)}, false},
        {"unusual but allowed", {"!#%&'*+-.^_`|~0A", "", seconds(30), seconds(0)}, true},
        {"largest payload", {"m", std::string(131'072, '1'), seconds(30), seconds(0)}, true},
        {"payload too large", {"m", std::string(131'073, '1'), seconds(30), seconds(0)}, false},
        {"no time to answer", {"m", "", seconds(0), seconds(0)}, false},
        {"shortest and longest times", {"m", "", seconds(1), seconds(3600)}, true},
        {"response timeout too long", {"m", "", seconds(3601), seconds(0)}, false},
        {"connect timeout too long", {"m", "", seconds(30), seconds(3601)}, false},
        {"negative connect timeout", {"m", "", seconds(30), seconds(-1)}, false},
    };
    for (const Row& row : rows) {
        const auto checked = check(row.request);
        EXPECT_EQ(checked.has_value(), row.fits) << row.name;
        if (!checked) {
            EXPECT_EQ(checked.error().code, Errc::invalid_argument) << row.name;
        }
    }
}

}  // namespace
}  // namespace selvage::domain
