#include "dev/options.h"

#include <gtest/gtest.h>

#include "dev/fleet.h"

namespace selvage::dev {
namespace {

TEST(Options, PortsAreThreeOrAnyFree) {
    const auto three = parse_ports("8884,5672,8443");
    ASSERT_TRUE(three);
    EXPECT_EQ(three->mqtt, 8884);
    EXPECT_EQ(three->amqp, 5672);
    EXPECT_EQ(three->https, 8443);
    const auto any = parse_ports("0");
    ASSERT_TRUE(any);
    EXPECT_EQ(any->mqtt + any->amqp + any->https, 0);
    for (const char* wrong : {"", "1", "1,2", "1,2,3,4", "1,2,", "0,1,2", "1,2,70000", "-1", "a"})
        EXPECT_FALSE(parse_ports(wrong)) << wrong;
}

TEST(Options, TheEdgeHubHasTheAddressAfterTheCloudHubs) {
    Options options;
    options.listen = "127.0.0.11";
    ASSERT_TRUE(complete(options));
    EXPECT_EQ(options.edge_listen, "127.0.0.12");
}

TEST(Options, AnAddressThatNobodyCanDialIsRefused) {
    for (const char* listen : {"0.0.0.0", "::", "localhost", "", "127.0.0.1:8883"}) {
        Options options;
        options.listen = listen;
        EXPECT_FALSE(complete(options)) << listen;
    }
    Options elsewhere;
    elsewhere.listen = "192.168.1.7";
    EXPECT_FALSE(complete(elsewhere));
    elsewhere.edge_listen = "192.168.1.8";
    EXPECT_TRUE(complete(elsewhere));
}

TEST(Options, OneAddressForBothHubsNeedsFreePorts) {
    Options options;
    options.edge_listen = options.listen;
    EXPECT_FALSE(complete(options));
    options.ports = {0, 0, 0};
    EXPECT_TRUE(complete(options));
}

TEST(Options, SensorsAreDeployedWithTheirInterval) {
    Options options;
    options.sensors = 3;
    options.interval = std::chrono::milliseconds(90'500);
    const auto text = selvage::to_text(deployment(options, true));
    EXPECT_NE(text.find(R"("sensor3")"), text.npos);
    EXPECT_EQ(text.find(R"("sensor4")"), text.npos);
    EXPECT_NE(text.find(R"("MessageDelay":{"value":"0.00:01:30.500"})"), text.npos) << text;
}

}  // namespace
}  // namespace selvage::dev
