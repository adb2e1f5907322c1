#include "edge/hub/scope/scope_identity.h"

#include <gtest/gtest.h>

namespace selvage::edge::hub {
namespace {

Result<ScopeIdentity> read(std::string_view text) { return scope_identity_from_service(*parse_json_object(text)); }

TEST(ScopeIdentity, ReadsDevicesAndModulesAndComesBackFromTheStore) {
    const auto device = read(R"({"deviceId":"d","generationId":"g","status":"Disabled","capabilities":{"iotEdge":false},
        "authentication":{"type":"SAS","symmetricKey":{"primaryKey":"cA==","secondaryKey":"cw=="}}})");
    ASSERT_TRUE(device.has_value());
    EXPECT_FALSE(device->enabled);
    EXPECT_TRUE(device->uses_sas);
    EXPECT_EQ(device->secondary_key, "cw==");
    EXPECT_EQ(scope_identity_from_stored(to_stored_text(*device)).value(), *device);

    const auto module = read(R"({"deviceId":"d","moduleId":"m","generationId":"g","authentication":{"type":"none"}})");
    ASSERT_TRUE(module.has_value());
    EXPECT_TRUE(module->enabled);
    EXPECT_FALSE(module->uses_sas);
    EXPECT_EQ(module->identity, domain::Identity::of_module("d", "m"));
    EXPECT_EQ(scope_identity_from_stored(to_stored_text(*module)).value(), *module);
}

TEST(ScopeIdentity, WithoutADeviceIsMalformed) { EXPECT_EQ(read(R"({"moduleId":"m"})").error().code, Errc::malformed); }

}  // namespace
}  // namespace selvage::edge::hub
