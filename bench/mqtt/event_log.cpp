#include "mqtt/event_log.h"

#include <fmt/core.h>

#include <array>
#include <boost/asio/io_context.hpp>

#include "async/event.h"
#include "async/task_group.h"
#include "base/encoding.h"
#include "base/file.h"
#include "base/random.h"
#include "codec/connection_string/connection_string.h"
#include "domain/message.h"
#include "mqtt/sequence.h"
#include "storage/log/message_log.h"
#include "storage/sqlite/sqlite_stores.h"

namespace selvage::bench {
namespace {

using async::Awaitable;

constexpr std::size_t kWorkers = 256;          // so that many devices share one commit
constexpr std::size_t kKeyBytes = 32;
constexpr std::string_view kGeneration = "638000000000000000";

// Runs one coroutine to its end.
Result<> run_on(boost::asio::io_context& loop, Awaitable<Result<>> task) {
    Result<> outcome;
    const auto root = [](Awaitable<Result<>> wanted, Result<>* out) -> Awaitable<> { *out = co_await std::move(wanted); };
    async::spawn_root(loop.get_executor(), root(std::move(task), &outcome), [&loop] { loop.stop(); });
    loop.run();
    return outcome;
}

struct NewDevices {
    NewDevices(storage::RegistryStore& store_, UtcTime now_) : store(store_), now(now_) {}
    storage::RegistryStore& store;
    UtcTime now;
    std::vector<storage::DeviceRecord> records;
    std::size_t next = 0;
    std::size_t working = kWorkers;
    Result<> outcome;
};

Awaitable<> create_some(NewDevices* devices, async::Event* all_done) {
    while (devices->outcome && devices->next < devices->records.size()) {
        const auto& record = devices->records[devices->next++];
        auto created = co_await devices->store.create_device(record, {}, devices->now);
        if (!created) devices->outcome = std::move(created);
    }
    if (--devices->working == 0) all_done->set();
}

Awaitable<Result<>> create_all(async::Executor loop, NewDevices* devices) {
    async::Event all_done(loop);
    async::TaskGroup workers(loop);
    for (std::size_t i = 0; i < kWorkers; ++i) workers.spawn("create devices", create_some(devices, &all_done));
    co_await all_done.wait();
    co_await workers.stop();
    co_await devices->store.stop();
    co_return devices->outcome;
}

// Body and properties as they are, without what a format adds.
std::uint64_t content_bytes(const domain::Message& message) {
    std::uint64_t bytes = message.body.size();
    for (const auto& entry : message.system) bytes += entry.value.size();
    for (const auto& property : message.properties) bytes += property.name.size() + property.value.value_or("").size();
    return bytes;
}

Awaitable<Result<>> read_all(storage::MessageLog* log, SequenceCheck* check, std::uint64_t* content) {
    for (const auto& name : log->queue_names()) {
        const auto queue = log->queue(name, {.age = std::chrono::hours(24), .bytes = 1ull << 40});
        storage::Offset from = log->state(queue).first;
        for (;;) {
            SELVAGE_CO_TRY(const auto batch, co_await log->read(queue, from, 1024, 1 << 20));
            if (batch.records.empty()) break;
            for (const auto& record : batch.records) {
                SELVAGE_CO_TRY(const auto message, domain::read_record(record.payload));
                check->take(message.body);
                *content += content_bytes(message);
            }
            from = batch.next;
        }
    }
    co_await log->stop();
    co_return Result<>{};
}

}  // namespace

Result<> make_devices(const std::string& registry_database, const std::string& host_name, std::size_t count,
                      const std::string& devices_file) {
    SystemRandom random;
    SELVAGE_TRY(const auto store, storage::open_sqlite_registry_store({.path = registry_database}));
    NewDevices devices(*store, SystemClock().utc_now());
    std::string list;
    for (std::size_t i = 0; i < count; ++i) {
        std::array<std::byte, kKeyBytes> key;
        random.fill(key);
        codec::ConnectionString connection;
        connection.host_name = host_name;
        connection.device_id = fmt::format("device-{:05}", i);
        connection.key = to_base64(as_text(key));
        list += codec::to_text(connection) + '\n';
        storage::DeviceRecord record;
        record.device_id = connection.device_id;
        record.generation_id = kGeneration;
        record.authentication.primary_key = record.authentication.secondary_key = connection.key;
        devices.records.push_back(std::move(record));
    }
    boost::asio::io_context loop{1};
    SELVAGE_CHECK(run_on(loop, create_all(loop.get_executor(), &devices)));
    return replace_file(devices_file, list, 0600);
}

Result<JsonObject> check_events(const std::string& log_folder, std::size_t devices, std::uint64_t expected) {
    const SystemClock clock;
    SequenceCheck check(devices);
    boost::asio::io_context loop{1};
    SELVAGE_TRY(const auto log, storage::MessageLog::open(loop.get_executor(), clock, {.folder = log_folder}));
    const std::uint64_t disk = log->state().disk_bytes;
    std::uint64_t content = 0;
    SELVAGE_CHECK(run_on(loop, read_all(log.get(), &check, &content)));
    if (!check.clean() || check.received() != expected)
        return fail(Errc::malformed,
                    fmt::format("the event log has {} messages of {}: {} repeated, {} after a gap, {} strange",
                                check.received(), expected, check.repeated(), check.gaps(), check.strange()));
    const auto each = [&](std::uint64_t bytes) { return static_cast<double>(bytes) / static_cast<double>(std::max<std::uint64_t>(1, expected)); };
    return JsonObject{{"stored", check.received()},
                      {"disk_bytes_per_message", each(disk)},
                      {"content_bytes_per_message", each(content)}};
}

}  // namespace selvage::bench
