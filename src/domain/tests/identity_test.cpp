#include "domain/identity.h"

#include <gtest/gtest.h>

#include <unordered_set>

namespace selvage::domain {
namespace {

TEST(Identity, IsWrittenAsDeviceSlashModule) {
    EXPECT_EQ(to_text(Identity::of_device("d1")), "d1");
    EXPECT_EQ(to_text(Identity::of_module("d1", "m1")), "d1/m1");
}

TEST(Identity, ComparesCaseSensitivelyAndTellsDeviceFromModule) {
    EXPECT_NE(Identity::of_device("d1"), Identity::of_device("D1"));
    EXPECT_NE(Identity::of_device("d1"), Identity::of_module("d1", "m"));
    EXPECT_FALSE(Identity::of_device("d1").is_module());
    const std::unordered_set<Identity> set{Identity::of_module("a", "b"), Identity::of_module("b", "a"),
                                           Identity::of_module("a", "b")};
    EXPECT_EQ(set.size(), 2u);
}

TEST(Identity, TakesEveryCharacterOfTheWireAndNoOther) {
    const std::string_view allowed = "abcxyzABCXYZ0189-:.+%_#*?!(),=@;$'";
    for (int c = 0; c < 256; ++c) {
        const std::string id(1, static_cast<char>(c));
        const bool letter_or_digit = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
        const bool want = letter_or_digit || allowed.find(static_cast<char>(c)) != std::string_view::npos;
        EXPECT_EQ(check_device_id(id).has_value(), want) << "byte " << c;
        EXPECT_EQ(check_module_id(id).has_value(), want) << "byte " << c;
    }
}

TEST(Identity, IsOneTo128Characters) {
    EXPECT_TRUE(check_device_id(std::string(128, 'a')));
    EXPECT_TRUE(check_module_id(kEdgeAgentModule));
    for (const std::string& id : {std::string(), std::string(129, 'a')}) {
        const auto checked = check_device_id(id);
        ASSERT_FALSE(checked);
        EXPECT_EQ(checked.error().code, Errc::invalid_argument);
    }
    const auto checked = check_module_id("m 1");
    ASSERT_FALSE(checked);
    EXPECT_NE(checked.error().detail.find("module id has the byte 0x20 at position 1"), std::string::npos)
        << checked.error().detail;
}

}  // namespace
}  // namespace selvage::domain
