#include "edge/hub/upstream/sender_lane.h"

#include <gtest/gtest.h>

namespace selvage::edge::hub {
namespace {

domain::Message body(std::string text) {
    domain::Message message;
    message.body = std::move(text);
    return message;
}

std::string take(SenderLane& lane) {
    if (lane.front() == nullptr) return "";
    auto text = lane.front()->body;
    lane.mark_sent();
    return text;
}

TEST(SenderLane, SendsTheUrgentQueueFirstAndEachQueueInOrder) {
    SenderLane lane({});
    lane.add({5, 0}, body("slow 0"));
    lane.add({5, 1}, body("slow 1"));
    lane.add({0, 0}, body("urgent"));
    EXPECT_EQ(take(lane), "urgent");
    EXPECT_EQ(take(lane), "slow 0");
    EXPECT_EQ(take(lane), "slow 1");
}

TEST(SenderLane, WhatWasLostGoesOutAgainInItsOldPlaceWhateverTheOrderOfTheNews) {
    SenderLane lane({});
    for (std::uint64_t i = 0; i < 4; ++i) lane.add({1, i}, body(std::to_string(i)));
    take(lane), take(lane), take(lane);
    lane.acknowledged({1, 0});
    lane.lost({1, 2});
    lane.lost({1, 1});
    EXPECT_EQ(take(lane), "1");
    EXPECT_EQ(take(lane), "2");
    EXPECT_EQ(take(lane), "3");
    for (std::uint64_t i = 1; i < 4; ++i) lane.acknowledged({1, i});
    EXPECT_TRUE(lane.empty());
    EXPECT_EQ(lane.resident_bytes(), 0u);
}

TEST(SenderLane, BeyondItsBoundsKeepsOnlyNumbersAndTakesThemBackInOrder) {
    SenderLane lane({.records_max = 2, .bytes_max = 1 << 20});
    for (std::uint64_t i = 0; i < 5; ++i) lane.add({1, i}, body(std::to_string(i)));
    EXPECT_EQ(lane.parked_count(), 3u);
    EXPECT_FALSE(lane.wanted_again().has_value());
    EXPECT_EQ(take(lane), "0");
    lane.acknowledged({1, 0});
    // New ones queue up behind the parked ones although there is room.
    lane.add({1, 5}, body("5"));
    EXPECT_EQ(lane.parked_count(), 4u);
    ASSERT_EQ(lane.wanted_again(), (RecordKey{1, 2}));
    lane.add_again({1, 3}, body("not yet"));
    lane.add_again({1, 2}, body("2"));
    EXPECT_EQ(take(lane), "1");
    EXPECT_EQ(take(lane), "2");
    EXPECT_EQ(take(lane), "");
}

TEST(SenderLane, ForgetsParkedRecordsThatExpired) {
    SenderLane lane({.records_max = 1, .bytes_max = 1 << 20});
    for (std::uint64_t i = 0; i < 5; ++i) lane.add({1, i}, body(std::to_string(i)));
    const auto gone = lane.forget_before(1, 3);
    EXPECT_EQ(gone, (std::deque<storage::Offset>{1, 2}));
    take(lane);
    lane.acknowledged({1, 0});
    EXPECT_EQ(lane.wanted_again(), (RecordKey{1, 3}));
    EXPECT_EQ(lane.drop_waiting().size(), 2u);
    EXPECT_TRUE(lane.empty());
}

}  // namespace
}  // namespace selvage::edge::hub
