#include <gtest/gtest.h>

#include "codec/mqtt/packet.h"

namespace selvage::codec::mqtt {
namespace {

TEST(MqttTopicFilter, MatchesAsTheStandardSays) {
    struct Row {
        const char* filter;
        const char* topic;
        bool match;
    };
    constexpr Row kRows[] = {
        {"sport/tennis/player1/#", "sport/tennis/player1", true},
        {"sport/tennis/player1/#", "sport/tennis/player1/ranking", true},
        {"sport/tennis/player1/#", "sport/tennis/player1/score/wimbledon", true},
        {"sport/#", "sport", true},
        {"#", "sport/tennis", true},
        {"sport/tennis/+", "sport/tennis/player1", true},
        {"sport/tennis/+", "sport/tennis/player1/ranking", false},
        {"sport/+", "sport", false},
        {"sport/+", "sport/", true},
        {"+/+", "/finance", true},
        {"/+", "/finance", true},
        {"+", "/finance", false},
        {"#", "$SYS/x", false},
        {"+/monitor/Clients", "$SYS/monitor/Clients", false},
        {"$SYS/#", "$SYS/", true},
        {"$iothub/twin/res/#", "$iothub/twin/res/200/?$rid=1", true},
        {"a/+/c", "a/b/c", true},
        {"a/+/c", "a/b/d", false},
        {"a/b", "a/b", true},
        {"a/b", "a/b/c", false},
        {"a/b/c", "a/b", false},
        {"a/b/#", "a", false},
        {"a/+/#", "a/b", true},
    };
    for (const Row& row : kRows) EXPECT_EQ(matches(row.filter, row.topic), row.match) << row.filter << " against " << row.topic;
}

TEST(MqttTopicFilter, KnowsWhereWildcardsMayStand) {
    for (const char* good : {"#", "+", "a/#", "+/a/+", "/", "a//b", "$iothub/methods/POST/#"}) EXPECT_TRUE(is_valid_filter(good)) << good;
    for (const char* bad : {"", "a#", "#/a", "a/#/b", "a+", "+a/b", "a/b#", "\xff"}) EXPECT_FALSE(is_valid_filter(bad)) << bad;
    EXPECT_FALSE(is_valid_filter(std::string_view("a\0b", 3)));
    EXPECT_FALSE(is_valid_filter(std::string(65536, 'a')));
}

}  // namespace
}  // namespace selvage::codec::mqtt
