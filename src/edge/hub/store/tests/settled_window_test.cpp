#include "edge/hub/store/settled_window.h"

#include <gtest/gtest.h>

#include <set>

#include "base/random.h"

namespace selvage::edge::hub {
namespace {

TEST(SettledWindow, PassesOnlyWhatIsSettledWithoutAGap) {
    SettledWindow window(10);
    window.settle(12);
    EXPECT_EQ(window.cursor(), 10u);
    EXPECT_TRUE(window.is_settled(12));
    EXPECT_FALSE(window.is_settled(11));
    window.settle(10);
    EXPECT_EQ(window.cursor(), 11u);
    window.settle_range(11, 12);
    EXPECT_EQ(window.cursor(), 13u);
    window.settle(3);
    EXPECT_EQ(window.cursor(), 13u);
}

TEST(SettledWindow, AgreesWithASetUnderRandomSettling) {
    SeededRandom random(7);
    SettledWindow window(0);
    std::set<storage::Offset> settled;
    for (int i = 0; i < 5000; ++i) {
        const auto offset = random.next() % 1000;
        window.settle(offset);
        settled.insert(offset);
        storage::Offset first = 0;
        while (settled.contains(first)) ++first;
        ASSERT_EQ(window.cursor(), first);
        const auto probe = random.next() % 1100;
        ASSERT_EQ(window.is_settled(probe), settled.contains(probe));
    }
}

}  // namespace
}  // namespace selvage::edge::hub
