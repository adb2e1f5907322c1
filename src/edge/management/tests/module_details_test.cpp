#include "edge/management/module_details.h"

#include <gtest/gtest.h>

#include "base/time_text.h"

namespace selvage::edge::management {
namespace {

TEST(ModuleDetails, WritesTheFormThatClientsRead) {
    ModuleDetails details{.name = "edgeHub", .image = "hub:1.6", .image_hash = "sha256:abc"};
    details.create_options = {{"Labels", JsonObject{{"a", "b"}}}};
    details.status = ModuleStatus::failed;
    details.start_time = *from_iso8601("2026-01-02T03:04:05.678Z");
    details.exit_time = *from_iso8601("2026-01-02T03:05:00Z");
    details.exit_code = 139;
    EXPECT_EQ(to_text(to_json(details)),
              R"({"id":"id","name":"edgeHub","type":"docker","config":{"settings":{"image":"hub:1.6","imageHash":"sha256:abc",)"
              R"("createOptions":{"Labels":{"a":"b"}}},"env":[]},"status":{"startTime":"2026-01-02T03:04:05.678Z",)"
              R"("exitStatus":{"exitTime":"2026-01-02T03:05:00Z","statusCode":"139"},"runtimeStatus":{"status":"failed"}}})");
    EXPECT_EQ(details.label("a"), "b");
    EXPECT_EQ(details.label("z"), "");
    const auto again = parse_module_details(Json(to_json(details)));
    ASSERT_TRUE(again) << again.error().detail;
    EXPECT_EQ(to_text(to_json(*again)), to_text(to_json(details)));
}

TEST(ModuleDetails, LeavesOutWhatIsNotKnown) {
    ModuleDetails details{.name = "m", .image = "i"};
    details.status = ModuleStatus::running;
    details.exit_code = 0;
    const std::string text = to_text(to_json(details));
    EXPECT_EQ(text.find("startTime"), std::string::npos);
    EXPECT_EQ(text.find("exitStatus"), std::string::npos);
    EXPECT_EQ(text.find("imageHash"), std::string::npos);
}

TEST(ModuleDetails, NamesTheMemberThatIsWrong) {
    const auto no_name = parse_module_details(*parse_json(R"({"type":"docker"})"));
    ASSERT_FALSE(no_name);
    EXPECT_NE(no_name.error().detail.find("name"), std::string::npos);
    EXPECT_FALSE(parse_module_details(*parse_json(
        R"({"name":"m","type":"docker","status":{"exitStatus":{"exitTime":"2026-01-02T03:05:00Z","statusCode":"x"}}})")));
    EXPECT_FALSE(parse_module_details(*parse_json(R"({"name":"m","type":"docker","status":{"startTime":"soon"}})")));
}

TEST(ModuleIdentity, ReadsWithAndWithoutOwner) {
    const auto identity = parse_module_identity(*parse_json(R"({"moduleId":"$edgeHub","generationId":"g"})"));
    ASSERT_TRUE(identity);
    EXPECT_EQ(identity->managed_by, "iotedge");
    EXPECT_EQ(to_text(to_json(*identity)),
              R"({"moduleId":"$edgeHub","managedBy":"iotedge","generationId":"g","authType":"sas"})");
    EXPECT_FALSE(parse_module_identity(*parse_json(R"({"moduleId":"m"})")));
}

}  // namespace
}  // namespace selvage::edge::management
