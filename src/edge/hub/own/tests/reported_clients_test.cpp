#include "edge/hub/own/reported_clients.h"

#include <gtest/gtest.h>

namespace selvage::edge::hub {
namespace {

using domain::Identity;

TEST(ReportedClients, KeysAndPatchesAreTheReferences) {
    const UtcTime now(std::chrono::milliseconds(1'700'000'000'000));
    EXPECT_EQ(client_key(Identity::of_module("my.edge 1", "$m")), "my%2Eedge%201/%24m");
    EXPECT_EQ(to_text(connected_patch(Identity::of_device("d"), now)),
              R"({"clients":{"d":{"status":"Connected","lastConnectedTimeUtc":"2023-11-14T22:13:20.0000000Z"}}})");
    EXPECT_EQ(to_text(disconnected_patch(Identity::of_module("d", "m"), now)),
              R"({"clients":{"d/m":{"status":"Disconnected","lastDisconnectedTimeUtc":"2023-11-14T22:13:20.0000000Z"}}})");
    EXPECT_EQ(to_text(disconnected_patch(Identity::of_device("d"), now)), R"({"clients":{"d":null}})");
}

}  // namespace
}  // namespace selvage::edge::hub
