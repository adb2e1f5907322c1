#include "cloud/registry/registry.h"

#include <gtest/gtest.h>

#include "cloud/registry/tests/registry_fixture.h"

namespace selvage::cloud::registry {
namespace {

using domain::Identity;
using hub_api::CloseReason;

constexpr const char* kKeyA = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=";
constexpr const char* kKeyB = "AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE=";

struct RegistryRules : cloud::testing::RegistryFixture {};

std::vector<std::string> names(const JsonArray& list, const char* member) {
    std::vector<std::string> found;
    for (const auto& entry : list)
        found.emplace_back(find_text(entry.get_object(), member));
    return found;
}

TEST_F(RegistryRules, ANewDeviceHasGeneratedKeysAndTheMembersOfTheService) {
    const auto device = put_device("d1");
    ASSERT_TRUE(device) << device.error().detail;
    EXPECT_EQ(find_text(*device, "deviceId"), "d1");
    EXPECT_EQ(find_text(*device, "generationId").size(), 18u);
    EXPECT_EQ(find_text(*device, "status"), "enabled");
    EXPECT_EQ(find_text(*device, "connectionState"), "Disconnected");
    EXPECT_EQ(find_text(*device, "lastActivityTime"), "0001-01-01T00:00:00Z");
    EXPECT_EQ(primary_key(*device).size(), 44u);
    const auto* authentication = find_object(*device, "authentication");
    EXPECT_EQ(std::prev(authentication->end())->key(), "type")
        << "one SDK needs the type behind what it would overwrite";
    const auto kept = get(registry->device("d1"));
    ASSERT_TRUE(kept);
    EXPECT_EQ(*kept, *device);
}

TEST_F(RegistryRules, AnEdgeDeviceGetsItsSystemModulesAndAScopeOfItsOwn) {
    const auto edge = put_edge("e1");
    ASSERT_TRUE(edge) << edge.error().detail;
    const auto generation = std::string(find_text(*edge, "generationId"));
    EXPECT_EQ(find_text(*edge, "deviceScope"), "ms-azure-iot-edge://e1-" + generation);
    EXPECT_TRUE(find_array(*edge, "parentScopes")->empty());
    const auto modules = get(registry->modules("e1"));
    ASSERT_TRUE(modules);
    EXPECT_EQ(names(*modules, "moduleId"), (std::vector<std::string>{"$edgeAgent", "$edgeHub"}));
    EXPECT_TRUE(get(store->twin(Identity::of_module("e1", "$edgeAgent"))));
}

struct EtagRow {
    const char* name;
    const char* if_match;
    bool exists;
    std::optional<Errc> put;
    std::optional<Errc> remove;
};
const EtagRow kEtagRows[] = {
    {"none, absent", "", false, std::nullopt, Errc::device_not_found},
    {"none, present", "", true, Errc::already_exists, std::nullopt},
    {"any, absent", "*", false, Errc::device_not_found, Errc::device_not_found},
    {"any, present", "*", true, std::nullopt, std::nullopt},
    {"any in quotes, present", "\"*\"", true, std::nullopt, std::nullopt},
    {"other tag, absent", "\"MTIz\"", false, Errc::device_not_found, Errc::device_not_found},
    {"other tag, present", "\"MTIz\"", true, Errc::precondition_failed, Errc::precondition_failed},
    {"tag that is none, present", "\"xyz!\"", true, Errc::precondition_failed, Errc::precondition_failed},
};

TEST_F(RegistryRules, IfMatchDecidesBetweenCreatingChangingAndRefusing) {
    int number = 0;
    for (const auto& row : kEtagRows) {
        const std::string id = "d" + std::to_string(++number);
        if (row.exists) ASSERT_TRUE(put_device(id));
        const auto put = put_device(id, {}, IfMatch::parse(row.if_match));
        EXPECT_EQ(put ? std::nullopt : std::optional(put.error().code), row.put) << row.name;
        if (!row.exists && put) ASSERT_TRUE(get(registry->remove_device(id, {})));
        const auto removed = get(registry->remove_device(id, IfMatch::parse(row.if_match)));
        EXPECT_EQ(removed ? std::nullopt : std::optional(removed.error().code), row.remove) << row.name;
    }
}

TEST_F(RegistryRules, TheRightTagAllowsAChangeAndChangesWithIt) {
    const auto made = put_device("d1");
    const auto tag = std::string(find_text(*made, "etag"));
    const auto changed = put_device("d1", {{"statusReason", "why"}}, IfMatch::parse("\"" + tag + "\""));
    ASSERT_TRUE(changed) << changed.error().detail;
    EXPECT_NE(find_text(*changed, "etag"), tag);
    EXPECT_FALSE(put_device("d1", {}, IfMatch::parse("\"" + tag + "\""))) << "an old tag was accepted";
}

TEST_F(RegistryRules, ARemovedDeviceMadeAgainHasAnotherGenerationAndTag) {
    const auto first = put_device("d1");
    ASSERT_TRUE(get(registry->remove_device("d1", any())));
    const auto second = put_device("d1");
    ASSERT_TRUE(second);
    EXPECT_NE(find_text(*first, "generationId"), find_text(*second, "generationId"));
    EXPECT_NE(find_text(*first, "etag"), find_text(*second, "etag"));
}

TEST_F(RegistryRules, AChangeWithoutStatusKeysOrParentKeepsThem) {
    const auto edge = put_edge("e1");
    const auto made = put_device("d1", {{"status", "disabled"}, {"deviceScope", find_text(*edge, "deviceScope")}});
    ASSERT_TRUE(made) << made.error().detail;
    // What the Node SDK sends when the caller gave no authentication.
    const auto changed = put_device("d1", keys("", ""), any());
    ASSERT_TRUE(changed) << changed.error().detail;
    EXPECT_EQ(find_text(*changed, "status"), "disabled");
    EXPECT_EQ(primary_key(*changed), primary_key(*made));
    EXPECT_EQ(find_text(*changed, "deviceScope"), find_text(*edge, "deviceScope"));
}

TEST_F(RegistryRules, BodyAndPathMustNameTheSameDevice) {
    const auto other = put_device("d1", {{"deviceId", "d2"}});
    ASSERT_FALSE(other);
    EXPECT_EQ(other.error().code, Errc::invalid_argument);
    EXPECT_FALSE(put_device("has space"));
}

TEST_F(RegistryRules, AParentMustBeAnEdgeDeviceOfThisHubAndNoAncestorOfItself) {
    const auto top = put_edge("top");
    const auto top_scope = std::string(find_text(*top, "deviceScope"));
    const auto low = put_edge("low", top_scope);
    ASSERT_TRUE(low) << low.error().detail;
    EXPECT_EQ(find_array(*low, "parentScopes")->front().get_string(), top_scope);
    EXPECT_NE(find_text(*low, "deviceScope"), top_scope);

    const JsonObject cycle{{"parentScopes", JsonArray{Json(find_text(*low, "deviceScope"))}}};
    const auto refused = put_device("top", cycle, any());
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, Errc::invalid_argument);
    EXPECT_FALSE(put_device("leaf", {{"deviceScope", "ms-azure-iot-edge://nobody-1"}}));
    EXPECT_FALSE(put_device("leaf", {{"deviceScope", "nonsense"}}));
}

TEST_F(RegistryRules, ForALeafTheDeviceScopeWinsOverStaleParentScopes) {
    const auto one = put_edge("one");
    const auto two = put_edge("two");
    const auto leaf = put_device("leaf", {{"deviceScope", find_text(*one, "deviceScope")}});
    ASSERT_TRUE(leaf);
    JsonObject body = *leaf;
    body["deviceScope"] = find_text(*two, "deviceScope");
    const auto moved = put_device("leaf", body, any());
    ASSERT_TRUE(moved) << moved.error().detail;
    EXPECT_EQ(find_array(*moved, "parentScopes")->front().get_string(), find_text(*two, "deviceScope"));
    body["deviceScope"] = "";
    const auto cleared = put_device("leaf", body, any());
    ASSERT_TRUE(cleared) << cleared.error().detail;
    EXPECT_TRUE(find_array(*cleared, "parentScopes")->empty());
}

TEST_F(RegistryRules, DisablingADeviceClosesItAndItsModules) {
    ASSERT_TRUE(put_device("d1"));
    ASSERT_TRUE(put_module("d1", "m1"));
    const auto device = connect(Identity::of_device("d1"));
    const auto module = connect(Identity::of_module("d1", "m1"));
    ASSERT_TRUE(put_device("d1", {{"status", "disabled"}}, any()));
    EXPECT_EQ(device->closed, CloseReason::identity_disabled);
    EXPECT_EQ(module->closed, CloseReason::identity_disabled);
}

TEST_F(RegistryRules, NewKeysCloseTheConnectionThatTheOldOnesOpened) {
    ASSERT_TRUE(put_device("d1"));
    ASSERT_TRUE(put_module("d1", "m1"));
    const auto device = connect(Identity::of_device("d1"));
    const auto module = connect(Identity::of_module("d1", "m1"));
    ASSERT_TRUE(put_device("d1", {{"statusReason", "nothing else"}}, any()));
    EXPECT_FALSE(device->closed) << "closed although its keys are the same";
    ASSERT_TRUE(put_device("d1", keys(kKeyA, kKeyB), any()));
    EXPECT_EQ(device->closed, CloseReason::unauthorized);
    EXPECT_FALSE(module->closed) << "a module has keys of its own";
    ASSERT_TRUE(put_module("d1", "m1", keys(kKeyA, kKeyB), any()));
    EXPECT_EQ(module->closed, CloseReason::unauthorized);
}

TEST_F(RegistryRules, RemovingOrMovingEndsWhatAnEdgeHubHoldsOpenForADevice) {
    const auto edge = put_edge("e1");
    ASSERT_TRUE(put_device("leaf", {{"deviceScope", find_text(*edge, "deviceScope")}}));
    const auto first = connect(Identity::of_device("leaf"), {"leaf", "e1"});
    ASSERT_TRUE(put_device("leaf", {{"deviceScope", ""}}, any()));
    EXPECT_EQ(first->closed, CloseReason::unauthorized);
    const auto second = connect(Identity::of_device("leaf"), {"leaf", "e1"});
    ASSERT_TRUE(get(registry->remove_device("e1", any())));
    EXPECT_EQ(second->closed, CloseReason::unauthorized);
}

TEST_F(RegistryRules, RemovingADeviceTakesItsModulesTwinsAndStoredSessionsAlong) {
    ASSERT_TRUE(put_device("d1"));
    ASSERT_TRUE(put_module("d1", "m1"));
    const auto identity = Identity::of_module("d1", "m1");
    ASSERT_TRUE(get(stored_sessions->save(identity, {{.filter = "x", .qos = 1}})));
    const auto sink = connect(identity);
    ASSERT_TRUE(get(registry->remove_device("d1", any())));
    EXPECT_EQ(sink->closed, CloseReason::identity_removed);
    const auto module = get(registry->module("d1", "m1"));
    ASSERT_FALSE(module);
    EXPECT_EQ(module.error().code, Errc::device_not_found);
    EXPECT_FALSE(get(store->twin(identity)));
    EXPECT_EQ(get(stored_sessions->load(identity)).value(), std::nullopt);
}

TEST_F(RegistryRules, SystemModulesOfAnEdgeDeviceStay) {
    ASSERT_TRUE(put_edge("e1"));
    const auto removed = get(registry->remove_module("e1", "$edgeHub", any()));
    ASSERT_FALSE(removed);
    EXPECT_EQ(removed.error().code, Errc::forbidden);
}

TEST_F(RegistryRules, AModuleNeedsItsDeviceAndRoom) {
    const auto orphan = put_module("nobody", "m1");
    ASSERT_FALSE(orphan);
    EXPECT_EQ(orphan.error().code, Errc::device_not_found);
    ASSERT_TRUE(put_device("d1"));
    for (int i = 0; i < 5; ++i)
        ASSERT_TRUE(put_module("d1", "m" + std::to_string(i)));
    const auto sixth = put_module("d1", "m5");
    ASSERT_FALSE(sixth);
    EXPECT_EQ(sixth.error().code, Errc::quota_exceeded);
    const auto twice = put_module("d1", "m1");
    ASSERT_FALSE(twice);
    EXPECT_EQ(twice.error().code, Errc::already_exists);
}

TEST_F(RegistryRules, AModuleChangeWithoutManagedByKeepsIt) {
    ASSERT_TRUE(put_device("d1"));
    ASSERT_TRUE(put_module("d1", "m1", {{"managedBy", "IotEdge"}}));
    const auto changed = put_module("d1", "m1", keys(kKeyA, kKeyB), any());
    ASSERT_TRUE(changed) << changed.error().detail;
    EXPECT_EQ(find_text(*changed, "managedBy"), "IotEdge");
    EXPECT_EQ(primary_key(*changed), kKeyA);
}

TEST_F(RegistryRules, TheScopeOfAnEdgeDeviceComesPageByPageAndWhole) {
    const auto edge = put_edge("m-edge");
    const auto scope = std::string(find_text(*edge, "deviceScope"));
    ASSERT_TRUE(put_device("a-leaf", {{"deviceScope", scope}}));
    ASSERT_TRUE(put_device("z-leaf", {{"deviceScope", scope}}));
    ASSERT_TRUE(put_module("z-leaf", "zm"));
    const auto below = put_edge("n-edge", scope);
    ASSERT_TRUE(put_device("stranger"));
    ASSERT_TRUE(put_device("grandchild", {{"deviceScope", find_text(*below, "deviceScope")}}));
    for (const std::size_t page : {1u, 2u, 3u, 10u}) {
        std::vector<std::string> devices;
        std::vector<std::string> modules;
        std::string after;
        do {
            const auto part = get(registry->scope_of("m-edge", after, page));
            ASSERT_TRUE(part) << part.error().detail;
            for (auto& name : names(part->devices, "deviceId"))
                devices.push_back(name);
            for (auto& name : names(part->modules, "moduleId"))
                modules.push_back(name);
            after = part->next;
        } while (!after.empty());
        EXPECT_EQ(devices, (std::vector<std::string>{"m-edge", "a-leaf", "n-edge", "z-leaf"})) << page;
        EXPECT_EQ(modules, (std::vector<std::string>{"$edgeAgent", "$edgeHub", "zm"})) << page;
    }
}

}  // namespace
}  // namespace selvage::cloud::registry
