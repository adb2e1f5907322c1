#include "edge/hub/configuration/hub_configuration.h"

#include <gtest/gtest.h>

namespace selvage::edge::hub {
namespace {

using namespace std::chrono_literals;

Result<HubConfiguration> parse(std::string_view text) { return parse_configuration(*parse_json_object(text)); }

TEST(HubConfiguration, ReadsRoutesAsTextAndAsObjects) {
    const auto parsed = parse(R"({"schemaVersion":"1.1","$version":4,
        "routes":{"up":"FROM /messages/* INTO $upstream",
                  "alarm":{"route":"FROM /messages/modules/a/outputs/alarm INTO $upstream","priority":0,"timeToLiveSecs":86400}},
        "storeAndForwardConfiguration":{"timeToLiveSecs":7200}})");
    ASSERT_TRUE(parsed.has_value()) << parsed.error().detail;
    ASSERT_EQ(parsed->routes.routes().size(), 2u);
    EXPECT_EQ(parsed->routes.routes()[0].priority, query::kDefaultPriority);
    EXPECT_EQ(parsed->routes.routes()[1].priority, 0u);
    EXPECT_EQ(parsed->routes.routes()[1].time_to_live, 86400s);
    EXPECT_EQ(parsed->time_to_live, 7200s);
}

TEST(HubConfiguration, NamesAreReadInAnyCaseAndVersionsByMajorAndMinor) {
    const auto parsed = parse(R"({"SchemaVersion":"1.0.0","Routes":{"r":"","s":"FROM /* INTO $upstream","t":null},
        "StoreAndForwardConfiguration":{"TimeToLiveSecs":-1}})");
    ASSERT_TRUE(parsed.has_value()) << parsed.error().detail;
    EXPECT_EQ(parsed->routes.routes().size(), 1u);
    EXPECT_FALSE(parsed->time_to_live.has_value());
}

TEST(HubConfiguration, WarnsOfTextThatARouteIgnores) {
    const auto parsed = parse(R"({"schemaVersion":"1.0","routes":{"r":"FROM /* INTO $upstream WHERE a = 1"}})");
    ASSERT_TRUE(parsed.has_value());
    ASSERT_EQ(parsed->warnings.size(), 1u);
    EXPECT_EQ(parsed->warnings[0], "route r: the text behind its sink has no effect: WHERE a = 1");
}

struct Row {
    const char* desired;
    const char* detail;
};

TEST(HubConfiguration, SaysWhatIsWrong) {
    const Row rows[] = {
        {R"({})", "EdgeHub config missing SchemaVersion"},
        {R"({"schemaVersion":"1"})",
         "Error parsing schema version string: 1, Exception: it must be two to four numbers with dots between, such as 1.1"},
        {R"({"schemaVersion":"2.0"})", "EdgeHub config contains unsupported SchemaVersion: 2.0"},
        {R"({"schemaVersion":"0.1"})", "EdgeHub config contains unsupported SchemaVersion: 0.1"},
        {R"({"schemaVersion":"1.4"})", "EdgeHub config contains unsupported SchemaVersion: 1.4"},
        {R"({"schemaVersion":"1.1"})", "Value cannot be null. (Parameter 'routes')"},
        {R"({"schemaVersion":"1.1","routes":{}})", "Value cannot be null. (Parameter 'storeAndForwardConfiguration')"},
        {R"({"schemaVersion":"1.1","routes":{"r":{"route":"FROM /* INTO $upstream","priority":10}},"storeAndForwardConfiguration":{}})",
         "Invalid priority for route: FROM /* INTO $upstream, priority can only be between 0-9"},
        {R"({"schemaVersion":"1.1","routes":{"r":5},"storeAndForwardConfiguration":{}})",
         "Malformed route specification: \"r\": 5"},
        {R"({"schemaVersion":"1.1","routes":{"r":"FROM /* INTO $down"},"storeAndForwardConfiguration":{}})",
         "Error parsing route r - System endpoint type '$down' not supported."},
        {R"({"schemaVersion":"1.1","routes":{"r":"FROM /* WHERE a = 'b' INTO $upstream"},"storeAndForwardConfiguration":{}})",
         "Error parsing route r - conditions are not supported by this version: remove 'WHERE a = 'b''"},
        {R"({"schemaVersion":"1.1","routes":{},"storeAndForwardConfiguration":{"timeToLiveSecs":"1"}})",
         "'storeAndForwardConfiguration.timeToLiveSecs' must be a whole number of 32 bits, not \"1\""},
        {R"({"schemaVersion":"1.0","routes":{"r":{"route":"FROM /* INTO $upstream"}}})",
         "route r must be a string under schemaVersion 1.0"},
    };
    for (const auto& row : rows) {
        const auto parsed = parse(row.desired);
        ASSERT_FALSE(parsed.has_value()) << row.desired;
        EXPECT_EQ(parsed.error().detail, row.detail);
    }
}

}  // namespace
}  // namespace selvage::edge::hub
