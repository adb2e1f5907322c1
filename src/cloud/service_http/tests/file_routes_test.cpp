#include <gtest/gtest.h>

#include "cloud/files/uploads.h"
#include "cloud/hub/tests/hub_fixture.h"
#include "cloud/service_http/service.h"

namespace selvage::cloud::service_http {
namespace {

struct FileRoutes : cloud::testing::HubFixture {
    std::unique_ptr<storage::BlobStore> blobs;
    std::unique_ptr<files::FileNotifications> notifications;
    std::unique_ptr<files::Container> container;
    std::unique_ptr<Service> service;

    void SetUp() override {
        HubFixture::SetUp();
        blobs = storage::BlobStore::open(time, {.folder = folder + "/files"}).value();
        notifications = std::make_unique<files::FileNotifications>(time, random, *state, files::NotificationSettings{});
        container = std::make_unique<files::Container>(loop.get_executor(), time, *blobs, *store, "key", 1000);
        serve(true);
    }
    void TearDown() override {
        blobs.reset();
        HubFixture::TearDown();
    }
    void serve(bool with_files) {
        service = std::make_unique<Service>(Parts{.time = time,
                                                  .random = random,
                                                  .authenticator = *authenticator,
                                                  .authorities = *authorities,
                                                  .registry = *registry,
                                                  .twins = *twins,
                                                  .methods = *methods,
                                                  .mailboxes = *mailboxes,
                                                  .feedback = *feedback,
                                                  .events = *events,
                                                  .sessions = sessions,
                                                  .files = with_files ? container.get() : nullptr,
                                                  .file_notifications = with_files ? notifications.get() : nullptr});
    }
    net::HttpResponse ask(const std::string& method, const std::string& path, bool may = true) {
        net::HttpRequest request{.method = method, .target = path + (path.contains('?') ? "&" : "?") + "api-version=2021-04-12"};
        request.headers.set("Authorization", may ? token(service_key, cloud::testing::kHubHost, "service")
                                                 : token(reader_key, cloud::testing::kHubHost, "registryRead"));
        return get(service->handle(std::move(request)));
    }
    void put(const std::string& blob, const std::string& bytes) {
        auto file = get(container->put(blob, bytes.size(), false));
        ASSERT_TRUE(file) << file.error().detail;
        ASSERT_TRUE(get((*file)->write(bytes)));
        ASSERT_TRUE(get((*file)->finish()));
    }
    std::string names(const net::HttpResponse& response) {
        std::string text;
        const auto list = parse_json(response.body);
        for (const auto& file : list.value().get_array())
            text += std::string(find_text(file.get_object(), "blobName")) + " ";
        return text;
    }
};

struct Collected final : net::HttpBodyWriter {
    Awaitable<Result<>> write(std::string_view part) override {
        bytes += part;
        co_return Result<>{};
    }
    std::string bytes;
};

TEST_F(FileRoutes, FilesAreListedFetchedAndRemoved) {
    put("d1/a b/c.txt", "hello");
    put("d1/z", "");
    put("d2/x", "1");
    EXPECT_EQ(names(ask("GET", "/selvage/files")), "d1/a b/c.txt d1/z d2/x ");
    EXPECT_EQ(names(ask("GET", "/selvage/files?device=d1&max=1")), "d1/a b/c.txt ");
    EXPECT_EQ(names(ask("GET", "/selvage/files?device=&after=d1%2Fa%20b%2Fc.txt")), "d1/z d2/x ");
    const auto file = ask("GET", "/selvage/files/d1/a%20b/c.txt");
    EXPECT_EQ(file.status, 200);
    EXPECT_EQ(file.stream_bytes, 5u);
    Collected collected;
    EXPECT_TRUE(get(file.stream(collected)));
    EXPECT_EQ(collected.bytes, "hello");
    EXPECT_EQ(ask("DELETE", "/selvage/files/d1/a%20b%2Fc.txt").status, 204);
    EXPECT_EQ(ask("GET", "/selvage/files/d1/a%20b/c.txt").status, 404);
    EXPECT_EQ(ask("DELETE", "/selvage/files/d1/a%20b/c.txt").status, 404);
    EXPECT_EQ(ask("GET", "/selvage/files/d1/../d2/x").status, 400);
    EXPECT_EQ(ask("POST", "/selvage/files").status, 501);
}

TEST_F(FileRoutes, ANotificationIsTakenAndCompleted) {
    const std::string path = "/messages/serviceBound/filenotifications";
    EXPECT_EQ(ask("GET", path).status, 204);
    ASSERT_TRUE(get(notifications->add(JsonObject{{"blobName", "d1/x"}})));
    const auto received = ask("GET", path);
    EXPECT_EQ(received.status, 200);
    EXPECT_EQ(find_text(parse_json_object(received.body).value(), "blobName"), "d1/x");
    std::string lock(received.headers.get("ETag"));
    ASSERT_EQ(lock.size(), 38u);
    lock = lock.substr(1, 36);
    EXPECT_EQ(ask("POST", path + "/" + lock + "/abandon").status, 204);
    EXPECT_EQ(ask("DELETE", path + "/" + lock).headers.get("iothub-errorcode"), "DeviceMessageLockLost");
    lock = std::string(ask("GET", path).headers.get("ETag")).substr(1, 36);
    EXPECT_EQ(ask("DELETE", path + "/" + lock).status, 204);
    EXPECT_EQ(ask("GET", path).status, 204);
    EXPECT_EQ(ask("POST", path).status, 501);
}

TEST_F(FileRoutes, NeedServiceConnectAndAHubThatTakesFiles) {
    for (const char* path : {"/selvage/files", "/selvage/files/d1/x", "/messages/serviceBound/filenotifications"}) {
        serve(true);
        EXPECT_EQ(ask("GET", path, false).status, 401) << path;
        serve(false);
        EXPECT_EQ(ask("GET", path).status, 404) << path;
    }
}

}  // namespace
}  // namespace selvage::cloud::service_http
