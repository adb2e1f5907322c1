#include "query/routes/route_table.h"

#include <gtest/gtest.h>

namespace selvage::query {
namespace {

using domain::SystemProperty;

domain::Message module_message(std::string_view module, std::string_view output) {
    domain::Message message;
    message.set(SystemProperty::connection_device_id, "edge");
    message.set(SystemProperty::connection_module_id, std::string(module));
    message.set(SystemProperty::output_name, std::string(output));
    return message;
}

TEST(RouteTable, KeepsTheMostUrgentRouteOfEachSink) {
    std::vector<Route> routes;
    routes.push_back(*compile_route("slow", "FROM /* INTO $upstream"));
    routes.push_back(*compile_route("urgent", "FROM /messages/modules/a/* INTO $upstream", 0, std::chrono::seconds(60)));
    routes.push_back(*compile_route("input", "FROM /messages/* INTO BrokeredEndpoint('/modules/b/inputs/i')"));
    const RouteTable table(std::move(routes));

    const auto taken = table.match(module_message("A", "o"));
    ASSERT_EQ(taken.size(), 2u);
    EXPECT_EQ(taken[0]->name, "urgent");
    EXPECT_EQ(taken[0]->time_to_live, std::chrono::seconds(60));
    EXPECT_EQ(taken[1]->name, "input");
    EXPECT_EQ(table.match(module_message("c", "o")).front()->name, "slow");
}

TEST(RouteTable, TakesNothingWhenNoSourceMatches) {
    const RouteTable table({*compile_route("r", "FROM /messages/modules/a/outputs/x INTO $upstream")});
    EXPECT_TRUE(table.match(module_message("a", "y")).empty());
    EXPECT_TRUE(table.match(domain::Message{}).empty());
}

TEST(RouteTable, RefusesAConditionInPlainWords) {
    const auto route = compile_route("r", "FROM /messages/* WHERE a = 'b' INTO $upstream");
    ASSERT_FALSE(route.has_value());
    EXPECT_EQ(route.error().code, Errc::unsupported);
    EXPECT_EQ(route.error().detail, "conditions are not supported by this version: remove 'WHERE a = 'b''");
}

TEST(SourcePath, ComesFromSystemProperties) {
    EXPECT_EQ(source_path(domain::Message{}), "/messages");
    EXPECT_EQ(source_path(module_message("m", "o")), "/messages/modules/m/outputs/o");
    auto twin = module_message("m", "o");
    twin.set(SystemProperty::message_type, "TwinChangeNotification");
    EXPECT_EQ(source_path(twin), "/twinChangeNotifications");
}

}  // namespace
}  // namespace selvage::query
