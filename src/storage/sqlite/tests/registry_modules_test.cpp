#include <gtest/gtest.h>

#include "storage/sqlite/tests/registry_case.h"

namespace selvage::storage {
namespace {

using domain::Identity;
using testing::code_of;
using testing::device_named;
using testing::kNow;
using testing::module_named;

class RegistryModules : public testing::RegistryCase {
protected:
    RegistryModules() { create({device_named("d1"), device_named("d2")}); }
};
class RegistryTwins : public RegistryModules {};
class RegistryConnections : public RegistryModules {};

TEST_F(RegistryModules, EveryFieldSurvivesAReopen) {
    ModuleRecord module = module_named("d1", "m1");
    module.etag_counter = 4;
    module.managed_by = "IotEdge";
    module.authentication = {AuthenticationType::none, "a", "b", "c", "d"};
    ASSERT_TRUE(call(store_->create_module(module, kNow, 50)));
    reopen();
    const auto read = call(store_->module("d1", "m1"));
    ASSERT_TRUE(read) << read.error().detail;
    EXPECT_EQ(read->device_id, "d1");
    EXPECT_EQ(read->module_id, "m1");
    EXPECT_EQ(read->generation_id, module.generation_id);
    EXPECT_EQ(read->etag_counter, 4u);
    EXPECT_EQ(read->managed_by, "IotEdge");
    EXPECT_EQ(read->authentication, module.authentication);
}

TEST_F(RegistryModules, TellAMissingDeviceFromAMissingModule) {
    EXPECT_EQ(code_of(call(store_->module("d1", "m"))), Errc::module_not_found);
    EXPECT_EQ(code_of(call(store_->module("dx", "m"))), Errc::device_not_found);
    EXPECT_EQ(code_of(call(store_->modules("dx"))), Errc::device_not_found);
    EXPECT_EQ(code_of(call(store_->create_module(module_named("dx", "m"), kNow, 50))), Errc::device_not_found);
    EXPECT_EQ(code_of(call(store_->delete_module("dx", "m", std::nullopt))), Errc::device_not_found);
    EXPECT_EQ(code_of(call(store_->delete_module("d1", "m", std::nullopt))), Errc::module_not_found);
    EXPECT_EQ(code_of(call(store_->twin(Identity::of_module("d1", "m")))), Errc::module_not_found);
    EXPECT_EQ(code_of(call(store_->twin(Identity::of_module("dx", "m")))), Errc::device_not_found);
    EXPECT_EQ(code_of(call(store_->connection(Identity::of_module("d1", "m")))), Errc::module_not_found);
}

TEST_F(RegistryModules, AreListedByIdOfTheirDeviceOnly) {
    for (const char* id : {"b", "a", "$edgeHub"}) ASSERT_TRUE(call(store_->create_module(module_named("d1", id), kNow, 50)));
    ASSERT_TRUE(call(store_->create_module(module_named("d2", "c"), kNow, 50)));
    const auto modules = call(store_->modules("d1"));
    ASSERT_TRUE(modules);
    std::string ids;
    for (const ModuleRecord& module : *modules) ids += module.module_id + " ";
    EXPECT_EQ(ids, "$edgeHub a b ");
}

TEST_F(RegistryModules, AreBoundedOnEachDevice) {
    ASSERT_TRUE(call(store_->create_module(module_named("d1", "m1"), kNow, 2)));
    ASSERT_TRUE(call(store_->create_module(module_named("d1", "m2"), kNow, 2)));
    EXPECT_EQ(code_of(call(store_->create_module(module_named("d1", "m3"), kNow, 2))), Errc::quota_exceeded);
    EXPECT_EQ(code_of(call(store_->create_module(module_named("d1", "m2"), kNow, 2))), Errc::already_exists);
    EXPECT_TRUE(call(store_->create_module(module_named("d2", "m3"), kNow, 2)));
}

TEST_F(RegistryModules, ChangeAndGoByEtag) {
    ASSERT_TRUE(call(store_->create_module(module_named("d1", "m1"), kNow, 50)));
    const auto changed = call(store_->change_module("d1", "m1", [](const ModuleRecord& current) -> Result<ModuleRecord> {
        ModuleRecord next = current;
        next.module_id = "m9";
        next.managed_by = "me";
        return next;
    }));
    ASSERT_TRUE(changed);
    EXPECT_EQ(changed->etag_counter, 2u);
    EXPECT_EQ(call(store_->module("d1", "m1"))->managed_by, "me");
    EXPECT_EQ(code_of(call(store_->delete_module("d1", "m1", 1))), Errc::precondition_failed);
    ASSERT_TRUE(call(store_->save_connections({{Identity::of_module("d1", "m1"), {true, kNow, kNow}}})));
    EXPECT_TRUE(call(store_->delete_module("d1", "m1", 2)));
    EXPECT_EQ(code_of(call(store_->module("d1", "m1"))), Errc::module_not_found);
    // A module of the same name starts anew; the device keeps its own twin.
    ASSERT_TRUE(call(store_->create_module(module_named("d1", "m1"), kNow, 50)));
    EXPECT_FALSE(call(store_->connection(Identity::of_module("d1", "m1")))->connected);
    EXPECT_TRUE(call(store_->twin(Identity::of_device("d1"))));
}

TEST_F(RegistryTwins, ChangeAndSurviveAReopen) {
    const auto identity = Identity::of_device("d1");
    const auto changed = call(store_->change_twin(identity, [](const domain::Twin& current) -> Result<domain::Twin> {
        domain::Twin next = current;
        SELVAGE_TRY(const auto patch, parse_json_object(R"({"interval":5,"nested":{"text":"é\n\u0000"}})"));
        SELVAGE_CHECK(domain::patch_section(next.desired, patch, domain::SectionKind::desired, {}, kNow));
        next.mark_changed();
        return next;
    }));
    ASSERT_TRUE(changed) << changed.error().detail;
    reopen();
    const auto read = call(store_->twin(identity));
    ASSERT_TRUE(read);
    EXPECT_EQ(to_text(domain::to_json(*read)), to_text(domain::to_json(*changed)));
    EXPECT_EQ(read->desired.version, 2);
    EXPECT_EQ(read->etag(), "AAAAAAAAAAI=");
}

TEST_F(RegistryTwins, AChangeThatRefusesLeavesTheTwin) {
    const auto identity = Identity::of_device("d1");
    const Change<domain::Twin> only_at_other_etag = [](const domain::Twin& current) -> Result<domain::Twin> {
        if (current.etag() != "AAAAAAAAAAk=") return fail(Errc::precondition_failed, "changed meanwhile");
        return current;
    };
    EXPECT_EQ(code_of(call(store_->change_twin(identity, only_at_other_etag))), Errc::precondition_failed);
    EXPECT_EQ(code_of(call(store_->change_twin(Identity::of_device("dx"), only_at_other_etag))), Errc::device_not_found);
    EXPECT_EQ(call(store_->twin(identity))->version, 2);
}

TEST_F(RegistryTwins, ConcurrentChangesAreNeverLost) {
    const auto identity = Identity::of_device("d1");
    async::TaskGroup group(loop_.get_executor());
    int done = 0;
    const auto patch_once = [](RegistryStore& store, Identity who, int& count) -> async::Awaitable<> {
        const auto changed = co_await store.change_twin(who, [](const domain::Twin& current) -> Result<domain::Twin> {
            domain::Twin next = current;
            JsonObject patch;
            patch["count"] = find_integer(current.reported.values, "count") + 1;
            SELVAGE_CHECK(domain::patch_section(next.reported, patch, domain::SectionKind::reported, {}, kNow));
            return next;
        });
        EXPECT_TRUE(changed);
        ++count;
    };
    for (int i = 0; i < 500; ++i) group.spawn("patch", patch_once(*store_, identity, done));
    while (done < 500) {
        loop_.restart();
        ASSERT_GT(loop_.run_one_for(std::chrono::seconds(10)), 0u);
    }
    const auto twin = call(store_->twin(identity));
    EXPECT_EQ(find_integer(twin->reported.values, "count"), 500);
    EXPECT_EQ(twin->reported.version, 501);
    async::testing::run(loop_, group.stop());
}

TEST_F(RegistryTwins, ADamagedDocumentIsNamedByItsIdentity) {
    close();
    testing::meddle(path(), "UPDATE twins SET document='{\"tags\":{}' WHERE device_id='d1'");
    reopen();
    const auto twin = call(store_->twin(Identity::of_device("d1")));
    ASSERT_FALSE(twin);
    EXPECT_EQ(twin.error().code, Errc::corrupt);
    EXPECT_NE(twin.error().detail.find("'d1'"), std::string::npos) << twin.error().detail;
    EXPECT_TRUE(call(store_->twin(Identity::of_device("d2"))));
}

TEST_F(RegistryConnections, AreEpochUntilSaved) {
    const auto identity = Identity::of_device("d1");
    const auto fresh = call(store_->connection(identity));
    ASSERT_TRUE(fresh);
    EXPECT_FALSE(fresh->connected);
    EXPECT_EQ(fresh->last_activity, UtcTime{});
    ASSERT_TRUE(call(store_->save_connections({{identity, {true, kNow, kNow}}})));
    const auto gone = Identity::of_device("dx");
    ASSERT_TRUE(call(store_->save_connections({{gone, {}}, {identity, {false, kNow, kNow + std::chrono::seconds(1)}}})));
    EXPECT_EQ(code_of(call(store_->connection(gone))), Errc::device_not_found);
    reopen();
    const auto saved = call(store_->connection(identity));
    ASSERT_TRUE(saved);
    EXPECT_FALSE(saved->connected);
    EXPECT_EQ(saved->connected_changed, kNow);
    EXPECT_EQ(saved->last_activity, kNow + std::chrono::seconds(1));
}

}  // namespace
}  // namespace selvage::storage
