#include <gtest/gtest.h>

#include "storage/sqlite/tests/registry_case.h"

namespace selvage::storage {
namespace {

using testing::code_of;
using testing::device_named;
using testing::kNow;
using testing::module_named;

class RegistryDevices : public testing::RegistryCase {
protected:
    std::vector<std::string> ids(const Result<std::vector<DeviceRecord>>& devices) {
        EXPECT_TRUE(devices);
        std::vector<std::string> found;
        if (devices)
            for (const DeviceRecord& device : *devices) found.push_back(device.device_id);
        return found;
    }
};

using Ids = std::vector<std::string>;

TEST_F(RegistryDevices, EveryFieldSurvivesAReopen) {
    DeviceRecord device = device_named("d1");
    device.etag_counter = 5;
    device.enabled = false;
    device.status_reason = "stolen; \xc3\xa9";
    device.status_updated = kNow;
    device.authentication = {AuthenticationType::self_signed, "cHJpbWFyeQ==", "c2Vjb25kYXJ5", "AB12", "CD34"};
    device.iot_edge = true;
    device.device_scope = "ms-azure-iot-edge://d1-1";
    device.parent_scopes = {"ms-azure-iot-edge://z-1", "ms-azure-iot-edge://a-1"};
    ASSERT_TRUE(call(store_->create_device(device, {}, kNow)));
    reopen();
    const auto read = call(store_->device("d1"));
    ASSERT_TRUE(read) << read.error().detail;
    EXPECT_EQ(read->generation_id, device.generation_id);
    EXPECT_EQ(read->etag_counter, 5u);
    EXPECT_FALSE(read->enabled);
    EXPECT_EQ(read->status_reason, device.status_reason);
    EXPECT_EQ(read->status_updated, kNow);
    EXPECT_EQ(read->authentication, device.authentication);
    EXPECT_TRUE(read->iot_edge);
    EXPECT_EQ(read->device_scope, device.device_scope);
    EXPECT_EQ(read->parent_scopes, device.parent_scopes);
}

TEST_F(RegistryDevices, IdsAreCaseSensitiveAndUnique) {
    create({device_named("d1"), device_named("D1")});
    EXPECT_EQ(code_of(call(store_->create_device(device_named("d1"), {}, kNow))), Errc::already_exists);
    EXPECT_EQ(code_of(call(store_->device("d2"))), Errc::device_not_found);
}

TEST_F(RegistryDevices, ADeviceComesWithItsModulesAndTwinsOrNotAtAll) {
    // The module's own idea of its device does not count.
    ASSERT_TRUE(call(store_->create_device(device_named("e1"), {module_named("e1", "$edgeAgent"), module_named("x", "$edgeHub")},
                                           kNow)));
    EXPECT_EQ(call(store_->modules("e1"))->size(), 2u);
    for (const auto& identity : {domain::Identity::of_device("e1"), domain::Identity::of_module("e1", "$edgeAgent"),
                                 domain::Identity::of_module("e1", "$edgeHub")})
        EXPECT_EQ(to_text(domain::to_json(*call(store_->twin(identity)))), to_text(domain::to_json(domain::new_twin(kNow))));

    EXPECT_EQ(code_of(call(store_->create_device(device_named("e2"), {module_named("e2", "m"), module_named("e2", "m")}, kNow))),
              Errc::already_exists);
    EXPECT_EQ(code_of(call(store_->device("e2"))), Errc::device_not_found);
    EXPECT_EQ(code_of(call(store_->twin(domain::Identity::of_device("e2")))), Errc::device_not_found);
}

TEST_F(RegistryDevices, AreListedByIdPageByPage) {
    create({device_named("c"), device_named("a"), device_named("B"), device_named("b")});
    EXPECT_EQ(ids(call(store_->devices("", 2))), (Ids{"B", "a"}));
    EXPECT_EQ(ids(call(store_->devices("a", 2))), (Ids{"b", "c"}));
    EXPECT_EQ(ids(call(store_->devices("c", 2))), Ids());
    EXPECT_EQ(ids(call(store_->devices("", SIZE_MAX))), (Ids{"B", "a", "b", "c"}));
}

TEST_F(RegistryDevices, AScopeHoldsTheChildrenOfItsEdgeDevice) {
    const auto edge = [](const std::string& id, std::vector<std::string> parents) {
        DeviceRecord device = device_named(id);
        device.iot_edge = true;
        device.device_scope = "scope-" + id;
        device.parent_scopes = std::move(parents);
        return device;
    };
    const auto leaf = [](const std::string& id, const std::string& scope) {
        DeviceRecord device = device_named(id);
        device.device_scope = scope;
        if (!scope.empty()) device.parent_scopes = {scope};
        return device;
    };
    DeviceRecord moved = leaf("moved", "scope-low");
    moved.parent_scopes = {"scope-top"};  // stale: a leaf is where its device_scope says
    create({edge("top", {}), edge("low", {"scope-top"}), leaf("leaf1", "scope-top"), leaf("leaf0", "scope-low"),
            leaf("free", ""), moved});
    EXPECT_EQ(ids(call(store_->devices_in_scope("scope-top"))), (Ids{"leaf1", "low"}));
    EXPECT_EQ(ids(call(store_->devices_in_scope("scope-low"))), (Ids{"leaf0", "moved"}));
    EXPECT_EQ(ids(call(store_->devices_in_scope(""))), Ids());

    // A device that leaves its parent leaves the scope.
    const auto orphaned = call(store_->change_device("low", [](const DeviceRecord& current) -> Result<DeviceRecord> {
        DeviceRecord next = current;
        next.parent_scopes.clear();
        return next;
    }));
    ASSERT_TRUE(orphaned);
    EXPECT_EQ(ids(call(store_->devices_in_scope("scope-top"))), (Ids{"leaf1"}));
}

TEST_F(RegistryDevices, AChangeRaisesTheEtagAndKeepsTheId) {
    create({device_named("d1"), device_named("d2")});
    const auto changed = call(store_->change_device("d1", [](const DeviceRecord& current) -> Result<DeviceRecord> {
        DeviceRecord next = current;
        next.device_id = "d2";
        next.etag_counter = 77;
        next.enabled = false;
        next.authentication.primary_key = "bmV3";
        next.parent_scopes = {"s"};
        return next;
    }));
    ASSERT_TRUE(changed);
    EXPECT_EQ(changed->device_id, "d1");
    EXPECT_EQ(changed->etag_counter, 2u);
    const auto read = call(store_->device("d1"));
    EXPECT_FALSE(read->enabled);
    EXPECT_EQ(read->authentication.primary_key, "bmV3");
    EXPECT_EQ(read->parent_scopes, Ids{"s"});
    EXPECT_EQ(read->etag_counter, 2u);
    EXPECT_TRUE(call(store_->device("d2"))->enabled);
}

TEST_F(RegistryDevices, AChangeThatRefusesLeavesEverything) {
    create({device_named("d1")});
    const Change<DeviceRecord> only_at_9 = [](const DeviceRecord& current) -> Result<DeviceRecord> {
        if (current.etag_counter != 9) return fail(Errc::precondition_failed, "changed meanwhile");
        return current;
    };
    EXPECT_EQ(code_of(call(store_->change_device("d1", only_at_9))), Errc::precondition_failed);
    EXPECT_EQ(code_of(call(store_->change_device("d2", only_at_9))), Errc::device_not_found);
    EXPECT_EQ(call(store_->device("d1"))->etag_counter, 1u);
}

TEST_F(RegistryDevices, AreDeletedWithAllThatIsTheirs) {
    const auto device = domain::Identity::of_device("d1");
    const auto module = domain::Identity::of_module("d1", "m1");
    DeviceRecord record = device_named("d1");
    record.parent_scopes = {"s"};
    ASSERT_TRUE(call(store_->create_device(record, {module_named("d1", "m1")}, kNow)));
    create({device_named("d2")});
    ASSERT_TRUE(call(store_->save_connections({{device, {true, kNow, kNow}}})));
    ASSERT_TRUE(call(store_->save_connections({{module, {true, kNow, kNow}}})));

    EXPECT_EQ(code_of(call(store_->delete_device("d1", 2))), Errc::precondition_failed);
    EXPECT_TRUE(call(store_->device("d1")));
    EXPECT_TRUE(call(store_->delete_device("d1", 1)));
    EXPECT_EQ(code_of(call(store_->delete_device("d1", std::nullopt))), Errc::device_not_found);
    EXPECT_EQ(code_of(call(store_->device("d1"))), Errc::device_not_found);
    EXPECT_EQ(code_of(call(store_->module("d1", "m1"))), Errc::device_not_found);
    EXPECT_EQ(code_of(call(store_->twin(device))), Errc::device_not_found);
    EXPECT_EQ(code_of(call(store_->twin(module))), Errc::device_not_found);
    EXPECT_EQ(code_of(call(store_->connection(module))), Errc::device_not_found);
    EXPECT_TRUE(call(store_->device("d2")));

    // Nothing of the old one is left for the next of the same name.
    create({device_named("d1")});
    EXPECT_TRUE(call(store_->modules("d1"))->empty());
    EXPECT_FALSE(call(store_->connection(device))->connected);
    EXPECT_TRUE(call(store_->device("d1"))->parent_scopes.empty());
}

TEST_F(RegistryDevices, RememberTheModelThatWasAnnouncedLast) {
    const auto device = domain::Identity::of_device("d1");
    create({device_named("d1")});
    EXPECT_EQ(call(store_->connection(device))->model_id, "");
    ASSERT_TRUE(call(store_->save_connections({{device, {true, kNow, kNow, "dtmi:a;1"}}})));
    ASSERT_TRUE(call(store_->save_connections({{device, {false, kNow, kNow}}})));
    EXPECT_EQ(call(store_->connection(device))->model_id, "dtmi:a;1");
    ASSERT_TRUE(call(store_->save_connections({{device, {true, kNow, kNow, "dtmi:b;1"}}})));
    EXPECT_EQ(call(store_->connection(device))->model_id, "dtmi:b;1");
}

TEST_F(RegistryDevices, DeletedKeysAreNotLeftInTheFile) {
    DeviceRecord device = device_named("d1");
    device.authentication.primary_key = "a-very-secret-key-of-a-device";
    create({device});
    reopen();
    ASSERT_NE(testing::content_of(path()).find(device.authentication.primary_key), std::string::npos);
    ASSERT_TRUE(call(store_->delete_device("d1", std::nullopt)));
    close();
    EXPECT_EQ(testing::content_of(path()).find(device.authentication.primary_key), std::string::npos);
}

}  // namespace
}  // namespace selvage::storage
