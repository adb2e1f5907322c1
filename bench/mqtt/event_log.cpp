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

struct NewDevice {
    storage::DeviceRecord record;
    std::vector<storage::ModuleRecord> modules;
};

struct NewDevices {
    NewDevices(storage::RegistryStore& store_, UtcTime now_) : store(store_), now(now_) {}
    storage::RegistryStore& store;
    UtcTime now;
    std::vector<NewDevice> records;
    std::size_t next = 0;
    std::size_t working = kWorkers;
    Result<> outcome;
};

Awaitable<> create_some(NewDevices* devices, async::Event* all_done) {
    while (devices->outcome && devices->next < devices->records.size()) {
        const auto& [record, modules] = devices->records[devices->next++];
        auto created = co_await devices->store.create_device(record, modules, devices->now);
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

constexpr const char* kHubModule = "$edgeHub";

// Wire: docs/wire/service-rest.md#scopes.
std::string scope_of(const EdgeAbove& edge) { return fmt::format("ms-azure-iot-edge://{}-{}", edge.device_id, kGeneration); }

NewDevice new_edge(const EdgeAbove& edge, const std::string& device_key, const std::string& hub_key) {
    NewDevice made;
    made.record.device_id = edge.device_id;
    made.record.generation_id = kGeneration;
    made.record.iot_edge = true;
    made.record.device_scope = scope_of(edge);
    made.record.authentication.primary_key = made.record.authentication.secondary_key = device_key;
    for (const char* name : {kHubModule, "$edgeAgent"}) {
        storage::ModuleRecord module;
        module.device_id = edge.device_id;
        module.module_id = name;
        module.generation_id = kGeneration;
        module.managed_by = "iotEdge";
        module.authentication.primary_key = module.authentication.secondary_key = hub_key;
        made.modules.push_back(std::move(module));
    }
    return made;
}

}  // namespace

Result<> make_devices(const std::string& registry_database, const std::string& host_name, std::size_t count,
                      const std::string& devices_file, const EdgeAbove& edge) {
    SystemRandom random;
    const auto new_key = [&random] {
        std::array<std::byte, kKeyBytes> key;
        random.fill(key);
        return to_base64(as_text(key));
    };
    SELVAGE_TRY(const auto store, storage::open_sqlite_registry_store({.path = registry_database}));
    NewDevices devices(*store, SystemClock().utc_now());
    std::string list;
    for (std::size_t i = 0; i < count; ++i) {
        codec::ConnectionString connection;
        connection.host_name = host_name;
        connection.device_id = fmt::format("device-{:05}", i);
        connection.key = new_key();
        list += codec::to_text(connection) + '\n';
        storage::DeviceRecord record;
        record.device_id = connection.device_id;
        record.generation_id = kGeneration;
        record.authentication.primary_key = record.authentication.secondary_key = connection.key;
        if (!edge.device_id.empty()) record.device_scope = scope_of(edge);
        devices.records.push_back({std::move(record), {}});
    }
    if (!edge.device_id.empty()) {
        auto made = new_edge(edge, new_key(), new_key());
        codec::ConnectionString connection;
        connection.host_name = host_name;
        connection.device_id = edge.device_id;
        connection.module_id = kHubModule;
        connection.key = made.modules.front().authentication.primary_key;
        SELVAGE_CHECK(replace_file(edge.file, codec::to_text(connection) + '\n', 0600));
        devices.records.push_back(std::move(made));
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
