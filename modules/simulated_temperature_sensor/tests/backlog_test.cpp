#include "simulated_temperature_sensor/backlog.h"

#include <gtest/gtest.h>

#include "base/random.h"

namespace selvage::temperature_sensor {
namespace {

domain::Message message(int number) {
    domain::Message made;
    made.body = std::to_string(number);
    return made;
}

TEST(Backlog, WhatIsLostGoesFirstAgainInItsOldOrder) {
    Backlog backlog(4);
    for (int i = 0; i < 4; ++i) backlog.push(message(i));
    EXPECT_TRUE(backlog.full());
    const auto a = backlog.take(), b = backlog.take(), c = backlog.take();
    backlog.acknowledged(b);
    EXPECT_EQ(backlog.size(), 4u) << "one before it is not acknowledged";
    backlog.lost(a);
    backlog.lost(c);
    std::string order;
    while (const auto* next = backlog.next()) {
        order += next->body;
        backlog.take();
    }
    EXPECT_EQ(order, "023");
}

// Against a hub that acknowledges and loses at random: nothing is lost, nothing stays.
TEST(Backlog, EveryMessageIsAcknowledgedInTheEnd) {
    for (std::uint64_t seed = 1; seed <= 50; ++seed) {
        SCOPED_TRACE(seed);
        SeededRandom dice(seed);
        Backlog backlog(20);
        std::vector<std::pair<Backlog::Ticket, int>> flying;
        std::vector<int> acknowledged(300);
        int made = 0;
        for (int step = 0; step < 100'000 && (made < 300 || !backlog.empty()); ++step) {
            const double roll = dice.fraction();
            if (roll < 0.3 && made < 300 && !backlog.full()) {
                backlog.push(message(made++));
            } else if (roll < 0.6 && backlog.next() != nullptr) {
                const int number = std::stoi(backlog.next()->body);
                flying.emplace_back(backlog.take(), number);
            } else if (roll < 0.95 && !flying.empty()) {
                const auto at = flying.begin() + static_cast<std::ptrdiff_t>(dice.next() % flying.size());
                ++acknowledged[static_cast<std::size_t>(at->second)];
                backlog.acknowledged(at->first);
                flying.erase(at);
            } else if (roll >= 0.99) {
                for (const auto& [ticket, number] : flying) backlog.lost(ticket);
                flying.clear();
            }
        }
        EXPECT_TRUE(backlog.empty());
        EXPECT_EQ(std::ranges::count(acknowledged, 1), 300);
    }
}

}  // namespace
}  // namespace selvage::temperature_sensor
