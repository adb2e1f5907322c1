// Tells back ends of uploaded files: a queue of notifications, one for each completed upload.
//
// A notification belongs to one reader until that completes it, abandons it (ten times, then it is dropped), or its lock
// lapses.
//
// Runs on: the hub's loop. Notifications are in the store, locks here: after a crash all wait again. Bounded: `queued_max`,
// past that the oldest goes; each lives for `time_to_live`. Wire: docs/wire/file-upload.md#notifications.
#pragma once

#include <chrono>
#include <map>
#include <optional>
#include <string>

#include "async/time_source.h"
#include "base/json.h"
#include "base/random.h"
#include "storage/state_store.h"

namespace selvage::cloud::files {

using async::Awaitable;

struct NotificationSettings {
    bool enabled = true;
    std::chrono::minutes time_to_live{60};
    std::chrono::seconds lock_time{60};
    std::uint32_t deliveries_max = 10;
    std::size_t queued_max = 10'000;
};

struct FileNotification {
    std::string lock_token;           // a GUID
    std::string body;                 // JSON object
};

class FileNotifications {
public:
    FileNotifications(async::TimeSource& time, Random& random, storage::StateStore& store, NotificationSettings settings)
        : time_(time), random_(random), store_(store), settings_(settings) {}

    // Before all others. Errors: those of the store.
    Awaitable<Result<>> load();

    // Durable when it returns; nothing happens unless enabled. `enqueuedTimeUtc` is added.
    Awaitable<Result<>> add(JsonObject notification);

    // The oldest that nobody holds; nothing when there is none.
    Awaitable<Result<std::optional<FileNotification>>> receive();
    // Errors: precondition_failed (no such lock, or it lapsed).
    Awaitable<Result<>> complete(std::string lock_token);
    Awaitable<Result<>> abandon(std::string lock_token);

private:
    struct Entry {
        std::string body;
        UtcTime enqueued{};
        std::uint32_t abandoned = 0;
        std::string lock_token;       // empty: waits
        TimePoint lapses{};
    };
    using Entries = std::map<std::int64_t, Entry>;
    Result<Entries::iterator> locked(const std::string& lock_token);
    Awaitable<Result<>> erase(Entries::iterator entry);
    Awaitable<Result<>> drop_expired();

    async::TimeSource& time_;
    Random& random_;
    storage::StateStore& store_;
    NotificationSettings settings_;
    Entries entries_;
    std::int64_t last_ = 0;
};

}  // namespace selvage::cloud::files
