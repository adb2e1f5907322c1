#include "cloud/files/uploads.h"

#include "base/encoding.h"
#include "base/time_text.h"
#include "cloud/files/container.h"
#include "cloud/registry/tests/registry_fixture.h"
#include "storage/blobs/blob_store.h"

namespace selvage::cloud::files {
namespace {

using hub_api::FileAccess;

struct UploadsTest : cloud::testing::RegistryFixture {
    std::unique_ptr<storage::BlobStore> blobs;
    std::unique_ptr<FileNotifications> notifications;
    std::unique_ptr<Uploads> uploads;
    std::unique_ptr<Container> container;

    void SetUp() override {
        RegistryFixture::SetUp();
        open();
        ASSERT_TRUE(put_device("d1"));
        ASSERT_TRUE(put_device("d2"));
    }
    void TearDown() override {
        blobs.reset();
        RegistryFixture::TearDown();
    }
    // A hub that starts: with nothing but what is on the disk.
    void open() {
        container.reset();
        blobs.reset();
        blobs = storage::BlobStore::open(time, {.folder = folder + "/files"}).value();
        notifications = std::make_unique<FileNotifications>(time, random, *state, NotificationSettings{});
        uploads = std::make_unique<Uploads>(time, random, Uploads::Stores{*state, *store, *blobs}, *notifications, "key",
                                            UploadSettings{.host_name = "hub.example"});
        ASSERT_TRUE(get(uploads->load()));
        ASSERT_TRUE(get(notifications->load()));
        container = std::make_unique<Container>(loop.get_executor(), time, *blobs, *store, "key", 1000);
    }
    hub_api::UploadPlace begin(const std::string& device, const std::string& name) {
        auto place = get(uploads->begin_upload(device, name));
        EXPECT_TRUE(place) << place.error().detail;
        return place.value_or(hub_api::UploadPlace{});
    }
    std::string end(const std::string& device, const std::string& correlation_id, bool succeeded = true) {
        return code(get(uploads->end_upload(device, {.correlation_id = correlation_id, .succeeded = succeeded})));
    }
    std::string check(const hub_api::UploadPlace& place, const std::string& blob, FileAccess access = FileAccess::write) {
        hub_api::FilePass pass;
        const auto field = [&](const std::string& name) {
            const auto at = place.signature.find(name + "=") + name.size() + 1;
            return percent_decode(place.signature.substr(at, place.signature.find('&', at) - at)).value();
        };
        pass = {.version = field("sv"), .resource = field("sr"), .permissions = field("sp"), .expiry = field("se"),
                .signature = field("sig")};
        return code(get(container->check(blob, std::move(pass), access)));
    }
    void upload(const std::string& blob, const std::string& bytes) {
        auto file = get(container->put(blob, bytes.size(), false));
        ASSERT_TRUE(file) << file.error().detail;
        ASSERT_TRUE(get((*file)->write(bytes)));
        ASSERT_TRUE(get((*file)->finish()));
    }
    std::optional<JsonObject> notified() {
        auto received = get(notifications->receive());
        if (!received || !*received) return std::nullopt;
        return parse_json_object((**received).body).value();
    }
    template <class T>
    static std::string code(const Result<T>& result) {
        return result ? "done" : std::string(name(result.error().code));
    }
};

TEST_F(UploadsTest, AnUploadThatSucceededIsToldToBackEnds) {
    const auto place = begin("d1", "a b/c.txt");
    EXPECT_EQ(place.host_name, "hub.example");
    EXPECT_EQ(place.container, "uploads");
    EXPECT_EQ(place.blob, "d1/a b/c.txt");
    EXPECT_EQ(check(place, place.blob), "done");
    upload(place.blob, "hello");
    EXPECT_EQ(end("d1", place.correlation_id), "done");
    const auto told = notified();
    ASSERT_TRUE(told);
    EXPECT_EQ(find_text(*told, "deviceId"), "d1");
    EXPECT_EQ(find_text(*told, "blobName"), "d1/a b/c.txt");
    EXPECT_EQ(find_text(*told, "blobUri"), "https://hub.example/uploads/d1/a%20b/c.txt");
    EXPECT_EQ(find_integer(*told, "blobSizeInBytes"), 5);
    EXPECT_EQ(find_text(*told, "lastUpdatedTime"), to_iso8601(time.utc_now()));
    EXPECT_EQ(end("d1", place.correlation_id), "not_found") << "it was ended already";
}

TEST_F(UploadsTest, WhatWasAcknowledgedIsThereAfterARestart) {
    const auto done = begin("d1", "x");
    const auto pending = begin("d1", "y");
    upload(done.blob, "hello");
    EXPECT_EQ(end("d1", done.correlation_id), "done");
    open();
    EXPECT_EQ(get(container->facts("d1/x"))->bytes, 5u);
    EXPECT_TRUE(notified());
    EXPECT_EQ(end("d1", done.correlation_id), "not_found");
    EXPECT_EQ(check(pending, pending.blob), "done");
    upload(pending.blob, "hello");
    EXPECT_EQ(end("d1", pending.correlation_id), "done");
}

TEST_F(UploadsTest, AnUploadThatFailedIsOverAndNotToldOf) {
    const auto place = begin("d1", "x");
    EXPECT_EQ(end("d1", place.correlation_id, false), "done");
    EXPECT_EQ(end("d1", place.correlation_id, false), "not_found");
    EXPECT_FALSE(notified());
}

TEST_F(UploadsTest, SuccessWithoutAFileIsRefusedAndCanBeMadeGood) {
    const auto place = begin("d1", "x");
    EXPECT_EQ(end("d1", place.correlation_id), "invalid_argument");
    upload(place.blob, "");
    EXPECT_EQ(end("d1", place.correlation_id), "done");
}

TEST_F(UploadsTest, AnUploadHasItsTime) {
    const auto place = begin("d1", "x");
    time.advance(std::chrono::minutes(59));
    EXPECT_EQ(check(place, place.blob), "done");
    time.advance(std::chrono::minutes(1));
    EXPECT_EQ(check(place, place.blob), "unauthorized");
    EXPECT_EQ(end("d1", place.correlation_id), "precondition_failed");
    open();
    EXPECT_EQ(end("d1", place.correlation_id), "precondition_failed") << "told apart from an unknown one, after a restart too";
    time.advance(std::chrono::minutes(60));
    begin("d1", "y");
    EXPECT_EQ(end("d1", place.correlation_id), "not_found");
}

TEST_F(UploadsTest, ADeviceHasTenAtOnce) {
    std::vector<hub_api::UploadPlace> places;
    for (int i = 0; i < 10; ++i)
        places.push_back(begin("d1", std::to_string(i)));
    open();
    EXPECT_EQ(code(get(uploads->begin_upload("d1", "x"))), "quota_exceeded");
    EXPECT_EQ(code(get(uploads->begin_upload("d2", "x"))), "done");
    EXPECT_EQ(end("d1", places[3].correlation_id, false), "done");
    EXPECT_EQ(code(get(uploads->begin_upload("d1", "x"))), "done");
    EXPECT_EQ(code(get(uploads->begin_upload("d1", "y"))), "quota_exceeded");
    time.advance(std::chrono::minutes(61));
    EXPECT_EQ(code(get(uploads->begin_upload("d1", "y"))), "done");
}

TEST_F(UploadsTest, NoDeviceReachesAnothersFiles) {
    const auto place = begin("d1", "x");
    for (const char* blob : {"d2/x", "d1/y", "d1/../d2/x", "d1", "", "x"})
        EXPECT_EQ(check(place, blob), "unauthorized") << blob;
    EXPECT_EQ(end("d2", place.correlation_id), "not_found");
    EXPECT_EQ(code(get(uploads->begin_upload("d1", "../d2/x"))), "invalid_argument");
    EXPECT_EQ(code(get(uploads->begin_upload("d3", "x"))), "device_not_found");
    // The right goes with the device.
    ASSERT_TRUE(put_device("d1", JsonObject{{"status", "disabled"}}, any()));
    EXPECT_EQ(check(place, place.blob), "unauthorized");
    ASSERT_TRUE(put_device("d1", JsonObject{{"status", "enabled"}}, any()));
    EXPECT_EQ(check(place, place.blob), "done");
    ASSERT_TRUE(get(registry->remove_device("d1", any())));
    ASSERT_TRUE(put_device("d1"));
    EXPECT_EQ(check(place, place.blob), "unauthorized") << "made anew, it is another device";
}

}  // namespace
}  // namespace selvage::cloud::files
