#include "cloud/auth/chain.h"

#include <gtest/gtest.h>

namespace selvage::cloud::auth {
namespace {

struct Row {
    const char* chain;
    std::vector<std::string> devices;  // empty: refused
};
const Row kRows[] = {
    {"edge", {"edge"}},
    {"leaf;edge", {"leaf", "edge"}},
    {"leaf;low;top", {"leaf", "low", "top"}},
    {"low/m1;low;top", {"low", "top"}},
    {"edge/m1;edge", {"edge"}},
    {"", {}},
    {"leaf;;top", {}},
    {"leaf;", {}},
    {"edge/m1", {}},
    {"other/m1;edge", {}},
    {"edge/;edge", {}},
    {"leaf;edge/m1;edge", {}},
    {"1;2;3;4;5;6;7;8;9", {}},
};

TEST(AuthChain, GoesFromTheTargetsDeviceUpToTheActor) {
    for (const auto& row : kRows) {
        const auto members = split_chain(row.chain);
        const auto devices =
            members ? devices_of_chain(*members) : Result<std::vector<std::string>>(fail(members.error()));
        EXPECT_EQ(devices.value_or(std::vector<std::string>{}), row.devices) << row.chain;
        if (!devices) {
            EXPECT_EQ(devices.error().code, Errc::invalid_argument) << row.chain;
        }
    }
}

}  // namespace
}  // namespace selvage::cloud::auth
