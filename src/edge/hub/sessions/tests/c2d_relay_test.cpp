#include "edge/hub/sessions/c2d_relay.h"

#include <gtest/gtest.h>

namespace selvage::edge::hub {
namespace {

TEST(C2dRelay, DeliversInOrderWithinTheWindowAndAcknowledgesWhatIsCompleted) {
    C2dRelay relay;
    std::vector<int> acknowledged;
    for (int i = 0; i < 3; ++i) {
        domain::Message message;
        message.body = std::to_string(i);
        relay.arrived(std::move(message), [&acknowledged, i] { acknowledged.push_back(i); });
    }
    EXPECT_FALSE(relay.next().has_value());
    relay.set_window(2);
    const auto first = relay.next(), second = relay.next();
    ASSERT_TRUE(first && second);
    EXPECT_FALSE(relay.next().has_value());
    EXPECT_TRUE(relay.settle(first->ticket, hub_api::Outcome::abandoned));
    const auto again = relay.next();
    EXPECT_EQ(again->message.body, "0");
    EXPECT_EQ(again->delivery_count, 1u);
    EXPECT_TRUE(relay.settle(second->ticket, hub_api::Outcome::completed));
    EXPECT_FALSE(relay.settle(second->ticket, hub_api::Outcome::completed));
    EXPECT_TRUE(relay.settle(again->ticket, hub_api::Outcome::completed));
    EXPECT_EQ(acknowledged, (std::vector<int>{1, 0}));
    EXPECT_TRUE(relay.has_unsettled());
}

}  // namespace
}  // namespace selvage::edge::hub
