#include "device_client/send_window.h"

#include <gtest/gtest.h>

namespace selvage::device_client {
namespace {

SendWindow::Done note(std::vector<int>& log, int number) {
    return [&log, number](const Result<>&) { log.push_back(number); };
}

TEST(SendWindow, AcknowledgementsInAnyOrderFindTheirMessage) {
    SendWindow window(10, 1000, 2);
    std::vector<int> log;
    for (int i = 0; i < 4; ++i) window.add(1, note(log, i));
    for (const auto id : std::initializer_list<std::uint16_t>{3, 2, 5, 4}) {
        auto done = window.take(id);
        ASSERT_TRUE(done) << id;
        done(Result<>{});
        EXPECT_FALSE(window.take(id)) << "twice";
    }
    EXPECT_EQ(log, (std::vector<int>{1, 0, 3, 2}));
    EXPECT_TRUE(window.empty());
    EXPECT_FALSE(window.take(0));
    EXPECT_FALSE(window.take(1));
    EXPECT_FALSE(window.take(6));
}

TEST(SendWindow, IsBoundedByCountAndByBytes) {
    SendWindow window(2, 100, 2);
    std::vector<int> log;
    window.add(1, note(log, 0));
    EXPECT_TRUE(window.is_open());
    window.add(1, note(log, 1));
    EXPECT_FALSE(window.is_open());
    EXPECT_TRUE(window.take(3));
    EXPECT_TRUE(window.is_open());
    window.add(500, note(log, 2));
    EXPECT_FALSE(window.is_open());
    EXPECT_TRUE(window.take(2));
    EXPECT_FALSE(window.is_open()) << "bytes";
    EXPECT_TRUE(window.take(4));
    EXPECT_TRUE(window.is_open());
}

TEST(SendWindow, IdsWrapPastZeroAndAreNeverGivenTwice) {
    SendWindow window(100'000, 1 << 30, 2);
    std::vector<int> log;
    window.add(1, note(log, 0));          // id 2 is never acknowledged
    std::size_t given = 1;
    while (window.is_open()) {
        const auto id = window.next_id();
        ASSERT_NE(id, 0);
        ASSERT_TRUE(given == 0 || id != 2);
        window.add(1, note(log, 1));
        ++given;
        ASSERT_TRUE(window.take(id));
    }
    EXPECT_EQ(given, 65'534u);
    EXPECT_TRUE(window.take(2));
    EXPECT_TRUE(window.is_open());
    EXPECT_EQ(window.next_id(), 1);
}

TEST(SendWindow, WhatIsLeftComesOutInOrderOfSending) {
    SendWindow window(10, 1000, 2);
    std::vector<int> log;
    for (int i = 0; i < 5; ++i) window.add(1, note(log, i));
    EXPECT_TRUE(window.take(4));
    for (auto& done : window.take_all()) done(Result<>{});
    EXPECT_EQ(log, (std::vector<int>{0, 1, 3, 4}));
    EXPECT_TRUE(window.empty());
    const auto id = window.next_id();
    window.add(1, note(log, 9));
    EXPECT_TRUE(window.take(id));
}

}  // namespace
}  // namespace selvage::device_client
