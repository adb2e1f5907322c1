#include "cloud/files/notifications.h"

#include <fmt/core.h>

#include <algorithm>
#include <charconv>

#include "base/encoding.h"
#include "base/time_text.h"

namespace selvage::cloud::files {

namespace {

constexpr const char* kBucket = "file-notifications";

// Ordered as text like the numbers themselves.
std::string key_of(std::int64_t number) { return fmt::format("{:019}", number); }

}  // namespace

Awaitable<Result<>> FileNotifications::load() {
    SELVAGE_CO_TRY(const auto stored, co_await store_.list(kBucket));
    for (const auto& [key, body] : stored) {
        std::int64_t number = 0;
        std::from_chars(key.data(), key.data() + key.size(), number);
        const auto json = parse_json_object(body);
        const auto enqueued = from_iso8601(json ? find_text(*json, "enqueuedTimeUtc") : std::string_view{});
        entries_[number] = {.body = body, .enqueued = enqueued.value_or(UtcTime{}), .abandoned = 0, .lock_token = {}, .lapses = {}};
        last_ = std::max(last_, number);
    }
    co_return co_await drop_expired();
}

Awaitable<Result<>> FileNotifications::add(JsonObject notification) {
    if (!settings_.enabled) co_return Result<>{};
    SELVAGE_CO_CHECK(co_await drop_expired());
    const UtcTime now = time_.utc_now();
    notification["enqueuedTimeUtc"] = to_iso8601(now);
    const auto number = ++last_;
    std::string body = to_text(notification);
    SELVAGE_CO_CHECK(co_await store_.put(kBucket, key_of(number), body));
    entries_[number] = {.body = std::move(body), .enqueued = now, .abandoned = 0, .lock_token = {}, .lapses = {}};
    while (entries_.size() > settings_.queued_max)
        SELVAGE_CO_CHECK(co_await erase(entries_.begin()));
    co_return Result<>{};
}

Awaitable<Result<>> FileNotifications::drop_expired() {
    const UtcTime limit = time_.utc_now() - settings_.time_to_live;
    while (!entries_.empty() && entries_.begin()->second.enqueued <= limit)
        SELVAGE_CO_CHECK(co_await erase(entries_.begin()));
    co_return Result<>{};
}

Awaitable<Result<>> FileNotifications::erase(Entries::iterator entry) {
    const auto key = key_of(entry->first);
    entries_.erase(entry);
    co_return co_await store_.erase(kBucket, key);
}

Awaitable<Result<std::optional<FileNotification>>> FileNotifications::receive() {
    SELVAGE_CO_CHECK(co_await drop_expired());
    const TimePoint now = time_.now();
    const auto waits = [now](const auto& item) { return item.second.lock_token.empty() || item.second.lapses <= now; };
    const auto first = std::ranges::find_if(entries_, waits);
    if (first == entries_.end()) co_return std::nullopt;
    first->second.lock_token = random_.guid();
    first->second.lapses = now + settings_.lock_time;
    co_return FileNotification{.lock_token = first->second.lock_token, .body = first->second.body};
}

Result<FileNotifications::Entries::iterator> FileNotifications::locked(const std::string& lock_token) {
    const auto held = [&](const auto& item) {
        return !lock_token.empty() && equals_ignoring_case(item.second.lock_token, lock_token);
    };
    const auto found = std::ranges::find_if(entries_, held);
    if (found == entries_.end() || found->second.lapses <= time_.now()) {
        return fail(Errc::precondition_failed, "the lock of the notification is lost");
    }
    return found;
}

Awaitable<Result<>> FileNotifications::complete(std::string lock_token) {
    SELVAGE_CO_TRY(const auto entry, locked(lock_token));
    co_return co_await erase(entry);
}

Awaitable<Result<>> FileNotifications::abandon(std::string lock_token) {
    SELVAGE_CO_TRY(const auto entry, locked(lock_token));
    entry->second.lock_token.clear();
    if (++entry->second.abandoned >= settings_.deliveries_max) co_return co_await erase(entry);
    co_return Result<>{};
}

}  // namespace selvage::cloud::files
