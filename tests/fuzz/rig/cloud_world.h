// A cloud hub on one loop, with its real stores in a folder of its own and one device, module and edge device registered.
// Stays for many inputs, since making it costs more than most of them.
#pragma once

#include <stdlib.h>

#include <filesystem>
#include <string>

#include "base/encoding.h"
#include "cloud/hub/cloud_hub.h"
#include "cloud/service_http/service.h"
#include "rig/world.h"
#include "storage/log/message_log.h"
#include "storage/sqlite/sqlite_stores.h"

namespace selvage::fuzz {

inline constexpr const char* kCloudHost = "hub.example";

inline std::string make_temp_folder() {
    std::string pattern = (std::filesystem::temp_directory_path() / "selvage-fuzz-XXXXXX").string();
    SELVAGE_ASSERT(::mkdtemp(pattern.data()) != nullptr);
    return pattern;
}

struct CloudWorld : World {
    std::string folder = make_temp_folder();
    std::string key = to_base64(std::string(32, 'k'));
    storage::SqliteSettings database(const char* name) { return {.path = folder + "/" + name, .worker = worker()}; }
    static constexpr cloud::data_folder::Permissions kAll =
        cloud::data_folder::kRegistryWrite | cloud::data_folder::kServiceConnect | cloud::data_folder::kDeviceConnect;

    std::unique_ptr<storage::MessageLog> log =
        storage::MessageLog::open(loop.get_executor(), time, {.folder = folder + "/events", .segment_bytes = 1 << 20, .worker = worker()}).value();
    std::unique_ptr<storage::RegistryStore> store = storage::open_sqlite_registry_store(database("registry.db")).value();
    std::unique_ptr<storage::StateStore> state = storage::open_sqlite_state_store(database("state.db")).value();
    std::unique_ptr<storage::MailboxStore> mail = storage::open_sqlite_mailbox_store(database("mailboxes.db")).value();
    cloud::sessions::SessionTable sessions{loop.get_executor(), 100};
    cloud::sessions::StoredSessions stored_sessions{*state};
    cloud::authorities::Authorities authorities{time, random, *state};
    cloud::auth::Authenticator authenticator{
        *store, authorities, time, kCloudHost,
        {{.name = "iothubowner", .permissions = kAll, .primary_key = key, .secondary_key = key},
         {.name = "registryRead", .permissions = cloud::data_folder::kRegistryRead, .primary_key = key, .secondary_key = key}}};
    cloud::registry::Registry registry{time, random, *store, *mail, sessions, stored_sessions, {.modules_per_device_max = 5}};
    cloud::twins::Twins twins{time, *store, *mail, sessions, registry, {}};
    cloud::methods::DirectMethods methods{loop.get_executor(), time, *store, sessions};
    cloud::c2d::Mailboxes mailboxes{loop.get_executor(), time, random, *mail, *store, {.depth_max = 5}};
    cloud::c2d::FeedbackQueue feedback{time, random, *mail, {}};
    cloud::files::FileNotifications file_notifications{time, random, *state, {.enabled = true}};
    cloud::telemetry::EventLog events{*log, time, 2, {.age = std::chrono::hours(1), .bytes = 1 << 20}};
    cloud::hub::CloudHub hub{loop.get_executor(), kCloudHost,
                             {.time = time,
                              .store = *store,
                              .sessions = sessions,
                              .stored_sessions = stored_sessions,
                              .authenticator = authenticator,
                              .twins = twins,
                              .methods = methods,
                              .mailboxes = mailboxes,
                              .events = events}};
    cloud::service_http::Service service{{.time = time,
                                          .random = random,
                                          .authenticator = authenticator,
                                          .authorities = authorities,
                                          .registry = registry,
                                          .twins = twins,
                                          .methods = methods,
                                          .mailboxes = mailboxes,
                                          .feedback = feedback,
                                          .events = events,
                                          .sessions = sessions,
                                          .file_notifications = &file_notifications}};

    CloudWorld() { run(fill()); }
    ~CloudWorld() {
        run(stop());
        std::error_code ignored;
        std::filesystem::remove_all(folder, ignored);
    }
    CloudWorld(const CloudWorld&) = delete;
    CloudWorld& operator=(const CloudWorld&) = delete;

private:
    async::Awaitable<> fill() {
        SELVAGE_ASSERT(co_await authorities.load());
        SELVAGE_ASSERT(co_await file_notifications.load());
        ignore(co_await file_notifications.add({{"deviceId", "d1"}, {"blobName", "d1/log.txt"}}), "");
        const JsonObject edge{{"capabilities", JsonObject{{"iotEdge", true}}}};
        ignore(co_await registry.put_device("d1", {}, {}), "");
        ignore(co_await registry.put_module("d1", "m1", {}, {}), "");
        ignore(co_await registry.put_device("e1", edge, {}), "");
        domain::Message message;
        message.body = "{\"t\":1}";
        events.append({domain::Identity::of_device("d1"), "1", "{}", ""}, std::move(message), [](const Result<>&) {});
    }
    async::Awaitable<> stop() {
        co_await hub.stop();
        co_await mailboxes.stop();
        co_await log->stop();
        co_await store->stop();
        co_await state->stop();
        co_await mail->stop();
    }
};

}  // namespace selvage::fuzz
