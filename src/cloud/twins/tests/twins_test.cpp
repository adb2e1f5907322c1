#include "cloud/twins/twins.h"

#include <gtest/gtest.h>

#include "base/time_text.h"
#include "cloud/registry/tests/registry_fixture.h"

namespace selvage::cloud::twins {
namespace {

using domain::Identity;
using registry::IfMatch;

struct TwinsOfAHub : cloud::testing::RegistryFixture {
    std::unique_ptr<Twins> twins;
    const Identity d1 = Identity::of_device("d1");
    void SetUp() override {
        RegistryFixture::SetUp();
        twins = std::make_unique<Twins>(time, *store, *mail, sessions, *registry, domain::TwinLimits{});
        ASSERT_TRUE(put_device("d1"));
        ASSERT_TRUE(put_edge("e1"));
    }
    Result<JsonObject> change(const std::string& body, ChangeKind kind = ChangeKind::patch, IfMatch if_match = {}) {
        return get(twins->change(d1, *parse_json_object(body), kind, std::move(if_match)));
    }
    std::shared_ptr<cloud::testing::RecordingSink> listen(const Identity& identity) {
        auto sink = connect(identity);
        sessions.find(identity)->wants_desired = true;
        return sink;
    }
    static const JsonObject& desired(const JsonObject& twin) {
        return *find_object(*find_object(twin, "properties"), "desired");
    }
    Result<> apply(const std::string& device, const std::string& content) {
        return get(twins->apply_configuration(device, *parse_json_object(content)));
    }
};

TEST_F(TwinsOfAHub, ANewTwinHasTheServicesFirstNumbers) {
    const auto twin = get(twins->service_document(d1));
    ASSERT_TRUE(twin) << twin.error().detail;
    EXPECT_EQ(find_text(*twin, "etag"), "AAAAAAAAAAE=");
    EXPECT_EQ(find_integer(*twin, "version"), 2);
    EXPECT_EQ(find_integer(desired(*twin), "$version"), 1);
    EXPECT_FALSE(twin->contains("moduleId"));
    EXPECT_EQ(get(twins->device_document(d1)).value(), R"({"desired":{"$version":1},"reported":{"$version":1}})");
}

TEST_F(TwinsOfAHub, APatchMergesAndTellsTheConnectedDeviceWhatChanged) {
    ASSERT_TRUE(change(R"({"properties":{"desired":{"a":{"x":1,"y":2}}}})"));
    const auto sink = listen(d1);
    const auto twin =
        change(R"({"tags":{"site":"s"},"properties":{"desired":{"a":{"y":null,"z":3}},"reported":{"no":1}}})");
    ASSERT_TRUE(twin) << twin.error().detail;
    EXPECT_EQ(to_text(*find(desired(*twin), "a")), R"({"x":1,"z":3})");
    EXPECT_EQ(find_integer(desired(*twin), "$version"), 3);
    EXPECT_EQ(find_integer(*twin, "version"), 4);
    ASSERT_EQ(sink->desired.size(), 1u);
    EXPECT_EQ(sink->desired[0].first, 3);
    EXPECT_EQ(sink->desired[0].second, R"({"a":{"y":null,"z":3},"$version":3})");
    EXPECT_EQ(get(twins->device_document(d1)).value().find("\"no\""), std::string::npos)
        << "a back end wrote reported properties";
}

TEST_F(TwinsOfAHub, TagsAloneLeaveTheDesiredVersionAndTheDeviceInPeace) {
    const auto sink = listen(d1);
    const auto twin = change(R"({"tags":{"site":"s"}})");
    ASSERT_TRUE(twin);
    EXPECT_EQ(find_integer(desired(*twin), "$version"), 1);
    EXPECT_NE(find_text(*twin, "etag"), "AAAAAAAAAAE=");
    EXPECT_TRUE(sink->desired.empty());
}

TEST_F(TwinsOfAHub, AReplacementDropsTheRestAndTellsItSoThatMergingIsReplacing) {
    ASSERT_TRUE(change(R"({"tags":{"t":1},"properties":{"desired":{"old":1,"both":{"a":1,"b":2}}}})"));
    const auto sink = listen(d1);
    const auto twin = change(R"({"properties":{"desired":{"both":{"b":3},"none":null}}})", ChangeKind::replace);
    ASSERT_TRUE(twin) << twin.error().detail;
    EXPECT_TRUE(find_object(*twin, "tags")->empty());
    EXPECT_FALSE(desired(*twin).contains("old"));
    EXPECT_FALSE(desired(*twin).contains("none"));
    ASSERT_EQ(sink->desired.size(), 1u);
    EXPECT_EQ(sink->desired[0].second, R"({"both":{"b":3,"a":null},"old":null,"$version":3})");
}

TEST_F(TwinsOfAHub, AnotherTagThanTheTwinsIsRefused) {
    ASSERT_TRUE(change(R"({"tags":{"a":1}})", ChangeKind::patch, IfMatch::parse("\"AAAAAAAAAAE=\"")));
    const auto stale = change(R"({"tags":{"a":2}})", ChangeKind::patch, IfMatch::parse("\"AAAAAAAAAAE=\""));
    ASSERT_FALSE(stale);
    EXPECT_EQ(stale.error().code, Errc::precondition_failed);
    EXPECT_TRUE(change(R"({"tags":{"a":2}})", ChangeKind::patch, IfMatch::parse("\"*\"")));
}

TEST_F(TwinsOfAHub, WhatBreaksALimitChangesNothing) {
    const std::string big(9000, 'x');
    for (const auto& body :
         {R"({"tags":{"a.b":1}})" + std::string(), R"({"properties":{"desired":{"a b":1}}})" + std::string(),
          R"({"tags":{"a":")" + big.substr(0, 5000) + R"("}})",
          R"({"tags":{"a":")" + big.substr(0, 4000) + R"(","b":")" + big.substr(0, 4000) + R"(","c":")" +
              big.substr(0, 1000) + R"("}})"}) {
        const auto refused = change(body);
        ASSERT_FALSE(refused) << body.substr(0, 60);
        EXPECT_EQ(refused.error().code, Errc::invalid_argument);
    }
    EXPECT_EQ(find_text(*get(twins->service_document(d1)), "etag"), "AAAAAAAAAAE=");
}

TEST_F(TwinsOfAHub, ReportedPatchesCountVersionsAndMindTheExpectedOne) {
    EXPECT_EQ(get(twins->patch_reported(d1, R"({"a":1})", std::nullopt)).value(), 2);
    EXPECT_EQ(get(twins->patch_reported(d1, R"({"b":{"c":2}})", 2)).value(), 3);
    const auto stale = get(twins->patch_reported(d1, R"({"a":9})", 2));
    ASSERT_FALSE(stale);
    EXPECT_EQ(stale.error().code, Errc::precondition_failed);
    EXPECT_EQ(get(twins->patch_reported(d1, "[1]", std::nullopt)).error().code, Errc::malformed);
    EXPECT_EQ(get(twins->patch_reported(d1, R"({"a.b":1})", std::nullopt)).error().code, Errc::invalid_argument);
    EXPECT_EQ(get(twins->device_document(d1)).value(),
              R"({"desired":{"$version":1},"reported":{"a":1,"b":{"c":2},"$version":3}})");
}

constexpr const char* kContent =
    R"({"modulesContent":{"$edgeAgent":{"properties.desired":{"schemaVersion":"1.1","modules":{"m1":{"v":1}}}},
        "$edgeHub":{"properties.desired":{"routes":{}}},"m1":{"properties.desired":{"setting":1}}}})";

TEST_F(TwinsOfAHub, ContentSetsTheNamedTwinsAndMakesTheirModules) {
    const auto agent = Identity::of_module("e1", "$edgeAgent");
    const auto sink = listen(agent);
    const auto applied = apply("e1", kContent);
    ASSERT_TRUE(applied) << applied.error().detail;
    const auto module = get(registry->module("e1", "m1"));
    ASSERT_TRUE(module);
    EXPECT_EQ(find_text(*module, "managedBy"), "IotEdge");
    EXPECT_EQ(find_text(*find_object(*module, "authentication"), "type"), "none");
    EXPECT_EQ(get(twins->device_document(agent)).value(),
              R"({"desired":{"schemaVersion":"1.1","modules":{"m1":{"v":1}},"$version":2},"reported":{"$version":1}})");
    ASSERT_EQ(sink->desired.size(), 1u);
}

TEST_F(TwinsOfAHub, TheSameContentAgainChangesNoVersion) {
    ASSERT_TRUE(apply("e1", kContent));
    const auto before = get(twins->service_document(Identity::of_module("e1", "$edgeAgent")));
    const auto sink = listen(Identity::of_module("e1", "$edgeAgent"));
    ASSERT_TRUE(apply("e1", kContent));
    EXPECT_EQ(*get(twins->service_document(Identity::of_module("e1", "$edgeAgent"))), [&] {
        auto same = *before;
        same["connectionState"] = "Connected";
        same["lastActivityTime"] = to_iso8601(time.utc_now());
        return same;
    }());
    EXPECT_TRUE(sink->desired.empty());
}

TEST_F(TwinsOfAHub, AModuleThatLeavesTheContentIsToldAsNull) {
    ASSERT_TRUE(apply("e1", kContent));
    const auto sink = listen(Identity::of_module("e1", "$edgeAgent"));
    ASSERT_TRUE(apply(
        "e1", R"({"modulesContent":{"$edgeAgent":{"properties.desired":{"schemaVersion":"1.1","modules":{}}}}})"));
    ASSERT_EQ(sink->desired.size(), 1u);
    EXPECT_EQ(sink->desired[0].second, R"({"schemaVersion":"1.1","modules":{"m1":null},"$version":3})");
    EXPECT_TRUE(get(registry->module("e1", "m1"))) << "identities are the device's to remove";
}

TEST_F(TwinsOfAHub, ContentWithOneBadModuleIsNotAppliedAtAll) {
    const auto refused = apply(
        "e1",
        R"({"modulesContent":{"$edgeAgent":{"properties.desired":{"a":1}},"m1":{"properties.desired":{"b.c":1}}}})");
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, Errc::invalid_argument);
    EXPECT_NE(refused.error().detail.find("m1"), std::string::npos) << refused.error().detail;
    EXPECT_EQ(get(twins->device_document(Identity::of_module("e1", "$edgeAgent"))).value(),
              R"({"desired":{"$version":1},"reported":{"$version":1}})");
    EXPECT_FALSE(get(registry->module("e1", "m1")));
}

TEST_F(TwinsOfAHub, ContentIsForEdgeDevices) {
    EXPECT_EQ(apply("d1", kContent).error().code, Errc::invalid_argument);
    EXPECT_EQ(apply("nobody", kContent).error().code, Errc::device_not_found);
}

TEST_F(TwinsOfAHub, TwoContentsForOneDeviceDoNotMix) {
    std::optional<Result<>> first;
    std::optional<Result<>> second;
    begin(twins->apply_configuration("e1", *parse_json_object(kContent)), first);
    begin(twins->apply_configuration("e1", *parse_json_object(kContent)), second);
    ASSERT_TRUE(run_until([&] { return first && second; }));
    EXPECT_TRUE(*first);
    ASSERT_FALSE(*second);
    EXPECT_EQ(second->error().code, Errc::already_exists);
    EXPECT_TRUE(apply("e1", kContent)) << "the device is still held";
}

}  // namespace
}  // namespace selvage::cloud::twins
