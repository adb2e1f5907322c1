#include <gtest/gtest.h>

#include "cli/hubctl/commands.h"

namespace selvage::cli::hubctl {
namespace {

constexpr UtcTime kNow{std::chrono::sys_days{std::chrono::year{2026} / 3 / 1}};

TEST(C2dMessage, TheOptionsBecomeTheMessagesProperties) {
    Options options;
    options.ack = "full";
    options.message_id = "m1";
    options.expiry_seconds = 1.5;
    options.properties = {"größe=a=b", "empty="};
    const auto message = message_of(options, "hi", kNow);
    ASSERT_TRUE(message);
    EXPECT_EQ(to_text(Json(*message)),
              R"([{"body":"aGk=","base64Encoded":true,"properties":{"iothub-ack":"full","iothub-messageid":"m1",)"
              R"("iothub-expiry":"2026-03-01T00:00:01.5000000Z","iothub-app-größe":"a=b","iothub-app-empty":""}}])");
}

TEST(C2dMessage, APropertyWithoutANameOrAValueIsRefused) {
    for (const char* property : {"name", "=value"}) {
        Options options;
        options.properties = {property};
        EXPECT_EQ(message_of(options, "", kNow).error().code, Errc::invalid_argument) << property;
    }
}

}  // namespace
}  // namespace selvage::cli::hubctl
