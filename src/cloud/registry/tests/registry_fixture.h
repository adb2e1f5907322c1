// A registry over real SQLite stores in a temporary folder, on a loop of its own with virtual time.
#pragma once

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <memory>
#include <optional>

#include "async/tests/run.h"
#include "async/time_source.h"
#include "cloud/registry/registry.h"
#include "storage/sqlite/sqlite_stores.h"

namespace selvage::cloud::testing {

inline constexpr UtcTime kStart{std::chrono::sys_days{std::chrono::year{2026} / 3 / 1}};

// What a connection's head would get.
struct RecordingSink final : hub_api::DeviceSink {
    std::optional<hub_api::CloseReason> closed;
    std::vector<std::pair<std::int64_t, std::string>> desired;
    std::vector<std::pair<std::string, domain::MethodRequest>> methods;
    std::vector<hub_api::Delivery> deliveries;
    void deliver(hub_api::Delivery delivery) override { deliveries.push_back(std::move(delivery)); }
    void desired_changed(std::int64_t version, const std::string& patch) override {
        desired.emplace_back(version, patch);
    }
    void invoke_method(const std::string& id, const domain::MethodRequest& request) override {
        methods.emplace_back(id, request);
    }
    void close(hub_api::CloseReason reason) override { closed = reason; }
};

struct RegistryFixture : ::testing::Test {
    std::string folder = (std::filesystem::temp_directory_path() / "selvage-XXXXXX").string();
    boost::asio::io_context loop;
    async::VirtualTime time{loop.get_executor(), kStart};
    SeededRandom random{7};
    std::unique_ptr<storage::RegistryStore> store;
    std::unique_ptr<storage::StateStore> state;
    std::unique_ptr<storage::MailboxStore> mail;
    sessions::SessionTable sessions{loop.get_executor(), 100};
    std::unique_ptr<sessions::StoredSessions> stored_sessions;
    std::unique_ptr<registry::Registry> registry;

    void SetUp() override {
        ASSERT_NE(mkdtemp(folder.data()), nullptr);
        auto opened = storage::open_sqlite_registry_store({.path = folder + "/registry.db"});
        ASSERT_TRUE(opened) << opened.error().detail;
        store = *std::move(opened);
        auto opened_state = storage::open_sqlite_state_store({.path = folder + "/state.db"});
        ASSERT_TRUE(opened_state) << opened_state.error().detail;
        state = *std::move(opened_state);
        auto opened_mail = storage::open_sqlite_mailbox_store({.path = folder + "/mailboxes.db"});
        ASSERT_TRUE(opened_mail) << opened_mail.error().detail;
        mail = *std::move(opened_mail);
        stored_sessions = std::make_unique<sessions::StoredSessions>(*state);
        registry = std::make_unique<registry::Registry>(time, random, *store, *mail, sessions, *stored_sessions,
                                                        registry::RegistryLimits{.modules_per_device_max = 5});
    }
    void TearDown() override {
        const auto stop = [](RegistryFixture& fixture) -> async::Awaitable<> {
            co_await fixture.store->stop();
            co_await fixture.state->stop();
            co_await fixture.mail->stop();
        };
        async::testing::run(loop, stop(*this));
        std::filesystem::remove_all(folder);
    }

    // Runs one call to its end.
    template <class T>
    T get(async::Awaitable<T> call) {
        std::optional<T> result;
        const auto keep = [](async::Awaitable<T> running, std::optional<T>& out) -> async::Awaitable<> {
            out = co_await std::move(running);
        };
        async::testing::run(loop, keep(std::move(call), result));
        return *std::move(result);
    }
    // Starts a call and lets the loop run until it waits for something else than the stores.
    template <class T>
    void begin(async::Awaitable<T> call, std::optional<T>& out) {
        const auto keep = [](async::Awaitable<T> running, std::optional<T>& slot) -> async::Awaitable<> {
            slot = co_await std::move(running);
        };
        async::spawn_root(loop.get_executor(), keep(std::move(call), out), [] {});
    }
    // Runs the loop until `done` says so; false after ten seconds.
    template <class F>
    bool run_until(F done) {
        const auto limit = std::chrono::steady_clock::now() + std::chrono::seconds(10);
        while (!done() && std::chrono::steady_clock::now() < limit) {
            loop.restart();
            loop.run_one_for(std::chrono::milliseconds(20));
        }
        return done();
    }

    static registry::IfMatch any() { return registry::IfMatch::parse("\"*\""); }
    Result<JsonObject> put_device(const std::string& id, JsonObject body = {}, registry::IfMatch if_match = {}) {
        return get(registry->put_device(id, std::move(body), std::move(if_match)));
    }
    Result<JsonObject> put_edge(const std::string& id, const std::string& parent_scope = {}) {
        JsonObject body{{"capabilities", JsonObject{{"iotEdge", true}}}};
        if (!parent_scope.empty()) body["parentScopes"] = JsonArray{Json(parent_scope)};
        return put_device(id, std::move(body));
    }
    Result<JsonObject> put_module(const std::string& device, const std::string& module, JsonObject body = {},
                                  registry::IfMatch if_match = {}) {
        return get(registry->put_module(device, module, std::move(body), std::move(if_match)));
    }
    static std::string primary_key(const JsonObject& identity) {
        return std::string(
            find_text(*find_object(*find_object(identity, "authentication"), "symmetricKey"), "primaryKey"));
    }
    static JsonObject keys(const std::string& primary, const std::string& secondary) {
        return {{"authentication",
                 JsonObject{{"type", "sas"},
                            {"symmetricKey", JsonObject{{"primaryKey", primary}, {"secondaryKey", secondary}}}}}};
    }
    std::shared_ptr<RecordingSink> connect(const domain::Identity& identity, std::vector<std::string> chain = {}) {
        auto sink = std::make_shared<RecordingSink>();
        EXPECT_TRUE(sessions.open(identity, std::move(chain), sink, time.utc_now()));
        return sink;
    }
};

}  // namespace selvage::cloud::testing
