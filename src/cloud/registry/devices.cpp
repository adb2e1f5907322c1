// Devices. A change is decided inside the store's transaction, on the current record; what needs other records
// (parents) is checked before it.
#include <fmt/core.h>

#include <array>

#include "base/encoding.h"
#include "cloud/registry/registry.h"
#include "cloud/registry/scopes.h"

namespace selvage::cloud::registry {

using hub_api::CloseReason;
using storage::DeviceRecord;
using storage::ModuleRecord;

namespace {

// .NET ticks (100 ns since the year 1) at the Unix epoch: generations look like ticks, 18 digits.
constexpr std::int64_t kTicksAtEpoch = 621'355'968'000'000'000;

Error unknown_device(const std::string& id) {
    return {Errc::device_not_found, id};
}

}  // namespace

Registry::Registry(const Clock& clock, Random& random, storage::RegistryStore& store, storage::MailboxStore& mailboxes,
                   sessions::SessionTable& sessions, sessions::StoredSessions& stored_sessions, RegistryLimits limits)
    : clock_(clock),
      random_(random),
      store_(store),
      mailboxes_(mailboxes),
      sessions_(sessions),
      stored_sessions_(stored_sessions),
      facts_(store, mailboxes, sessions),
      limits_(limits) {}

FreshKeys Registry::fresh_keys() {
    std::array<std::byte, 32> bytes{};
    random_.fill(bytes);
    std::string primary = to_base64(as_text(bytes));
    random_.fill(bytes);
    return {.primary = std::move(primary), .secondary = to_base64(as_text(bytes))};
}

std::string Registry::fresh_generation() {
    const auto ticks = kTicksAtEpoch + clock_.utc_now().time_since_epoch().count() * 10'000;
    return std::to_string(ticks + static_cast<std::int64_t>(random_.next() % 10'000));
}

ModuleRecord Registry::fresh_module(std::string device_id, std::string module_id) {
    ModuleRecord module;
    module.device_id = std::move(device_id);
    module.module_id = std::move(module_id);
    module.generation_id = fresh_generation();
    // Not 1: an identity that is removed and made again must not have its old tags.
    module.etag_counter = random_.next() % 1'000'000'000 + 1;
    module.managed_by = "IotEdge";
    module.authentication.type = storage::AuthenticationType::none;
    return module;
}

Awaitable<JsonObject> Registry::with_facts(DeviceRecord device) {
    const auto facts = co_await facts_.of(domain::Identity::of_device(device.device_id), device.generation_id);
    co_return device_json(device, facts);
}

Awaitable<Result<JsonObject>> Registry::device(std::string device_id) {
    SELVAGE_CO_TRY(auto record, co_await store_.device(device_id));
    co_return co_await with_facts(std::move(record));
}

Awaitable<Result<JsonArray>> Registry::devices(std::int64_t top) {
    const auto most = static_cast<std::int64_t>(limits_.listed_max);
    const auto limit = static_cast<std::size_t>(top < 1 || top > most ? most : top);
    SELVAGE_CO_TRY(auto records, co_await store_.devices("", limit));
    JsonArray list;
    for (auto& record : records)
        list.push_back(co_await with_facts(std::move(record)));
    co_return list;
}

Awaitable<Result<DeviceCounts>> Registry::count() {
    DeviceCounts counts;
    std::string after;
    while (true) {
        SELVAGE_CO_TRY(const auto records, co_await store_.devices(after, limits_.listed_max));
        for (const auto& record : records)
            ++(record.enabled ? counts.enabled : counts.disabled);
        if (records.size() < limits_.listed_max) co_return counts;
        after = records.back().device_id;
    }
}

Awaitable<Result<JsonObject>> Registry::put_device(std::string device_id, JsonObject body, IfMatch if_match) {
    SELVAGE_CO_CHECK(domain::check_device_id(device_id));
    SELVAGE_CO_TRY(auto input, read_device(body, device_id));
    if (if_match.kind == IfMatch::Kind::absent)
        co_return co_await create_device(std::move(device_id), std::move(input));
    co_return co_await update_device(std::move(device_id), std::move(input), std::move(if_match));
}

Awaitable<Result<JsonObject>> Registry::create_device(std::string device_id, DeviceInput input) {
    const UtcTime now = clock_.utc_now();
    DeviceRecord record;
    record.device_id = device_id;
    record.generation_id = fresh_generation();
    record.etag_counter = random_.next() % 1'000'000'000 + 1;
    record.enabled = input.enabled.value_or(true);
    record.status_reason = input.status_reason.value_or("");
    record.iot_edge = input.iot_edge.value_or(false);
    SELVAGE_CO_TRY(record.authentication, settle(input.authentication, nullptr, fresh_keys()));
    std::vector<ModuleRecord> modules;
    if (record.iot_edge) {
        record.device_scope = edge_scope(device_id, record.generation_id);
        modules.push_back(fresh_module(device_id, std::string(domain::kEdgeAgentModule)));
        modules.push_back(fresh_module(device_id, std::string(domain::kEdgeHubModule)));
        for (auto& module : modules)
            module.managed_by.clear();
    }
    const auto parent = wanted_parent(input, record.iot_edge);
    if (parent && !parent->empty()) SELVAGE_CO_CHECK(co_await check_parent(*parent, device_id, record.iot_edge));
    set_parent(record, parent.value_or(""));
    SELVAGE_CO_CHECK(co_await store_.create_device(record, std::move(modules), now));
    co_return co_await with_facts(std::move(record));
}

// Walks up from the parent: every step is a registered edge device, none is the child, and they are not too many.
Awaitable<Result<>> Registry::check_parent(std::string scope, std::string child_id, bool child_is_edge) {
    std::size_t levels = child_is_edge ? 1 : 0;
    while (!scope.empty()) {
        SELVAGE_CO_TRY(const auto parent_id, device_of_scope(scope));
        const auto parent = co_await store_.device(parent_id);
        if (!parent || !parent->iot_edge || parent->device_scope != scope) {
            co_return fail(Errc::invalid_argument, "the scope '" + scope + "' is that of no edge device of this hub");
        }
        if (parent_id == child_id) {
            co_return fail(Errc::invalid_argument, "device '" + child_id + "' would be its own ancestor");
        }
        if (++levels > limits_.edge_levels_max) {
            co_return fail(Errc::invalid_argument,
                           fmt::format("at most {} levels of edge devices", limits_.edge_levels_max));
        }
        scope = parent_of(*parent);
    }
    co_return Result<>{};
}

namespace {

// The new record of an update; runs inside the transaction.
Result<DeviceRecord> updated(const DeviceRecord& current, const DeviceInput& input, const IfMatch& if_match,
                             const FreshKeys& fresh, UtcTime now) {
    if (!if_match.allows(identity_etag(current.etag_counter))) {
        return fail(Errc::precondition_failed, "the device was changed: its etag differs from If-Match");
    }
    if (current.iot_edge && input.iot_edge == false) {
        return fail(Errc::invalid_argument,
                    "capabilities.iotEdge: an edge device cannot become a leaf; remove and create it");
    }
    DeviceRecord next = current;
    next.enabled = input.enabled.value_or(current.enabled);
    if (next.enabled != current.enabled) next.status_updated = now;
    next.status_reason = input.status_reason.value_or(current.status_reason);
    SELVAGE_TRY(next.authentication, settle(input.authentication, &current.authentication, fresh));
    if (input.iot_edge.value_or(false) && !current.iot_edge) {
        next.iot_edge = true;
        next.device_scope = edge_scope(current.device_id, current.generation_id);
    }
    if (const auto parent = wanted_parent(input, next.iot_edge)) set_parent(next, *parent);
    return next;
}

}  // namespace

Awaitable<Result<JsonObject>> Registry::update_device(std::string device_id, DeviceInput input, IfMatch if_match) {
    SELVAGE_CO_TRY(const auto known, co_await store_.device(device_id));
    const bool edge = known.iot_edge || input.iot_edge.value_or(false);
    const auto parent = wanted_parent(input, edge);
    if (parent && !parent->empty() && *parent != parent_of(known)) {
        SELVAGE_CO_CHECK(co_await check_parent(*parent, device_id, edge));
    }
    const auto before = std::make_shared<DeviceRecord>();
    const auto change = [before, input, if_match, fresh = fresh_keys(),
                         now = clock_.utc_now()](const DeviceRecord& current) -> Result<DeviceRecord> {
        *before = current;
        return updated(current, input, if_match, fresh, now);
    };
    SELVAGE_CO_TRY(auto after, co_await store_.change_device(device_id, change));
    if (after.iot_edge && !before->iot_edge) {
        SELVAGE_CO_CHECK(co_await ensure_module(device_id, std::string(domain::kEdgeAgentModule)));
        SELVAGE_CO_CHECK(co_await ensure_module(device_id, std::string(domain::kEdgeHubModule)));
    }
    close_after_change(*before, after);
    co_return co_await with_facts(std::move(after));
}

void Registry::close_after_change(const DeviceRecord& before, const DeviceRecord& after) {
    const auto& id = after.device_id;
    if (before.enabled && !after.enabled) {
        sessions_.revoke_device(id, CloseReason::identity_disabled);
        sessions_.revoke_on_behalf(id, CloseReason::unauthorized);
    }
    if (before.authentication != after.authentication) {
        sessions_.revoke(domain::Identity::of_device(id), CloseReason::unauthorized);
    }
    if (parent_of(before) != parent_of(after)) sessions_.revoke_on_behalf(id, CloseReason::unauthorized);
}

Awaitable<Result<>> Registry::remove_device(std::string device_id, IfMatch if_match) {
    std::optional<std::uint64_t> counter;
    if (if_match.kind == IfMatch::Kind::tag) {
        counter = counter_of(if_match.tag);
        SELVAGE_CO_CHECK(co_await store_.device(device_id));
        if (!counter) co_return fail(Errc::precondition_failed, "the device's etag differs from If-Match");
    }
    auto modules = co_await store_.modules(device_id);
    if (!modules)
        co_return fail(modules.error().code == Errc::device_not_found ? unknown_device(device_id) : modules.error());
    SELVAGE_CO_CHECK(co_await store_.delete_device(device_id, counter));
    sessions_.revoke_device(device_id, CloseReason::identity_removed);
    sessions_.revoke_on_behalf(device_id, CloseReason::unauthorized);
    ignore(co_await stored_sessions_.forget(domain::Identity::of_device(device_id)), "an orphan costs a few bytes");
    ignore(co_await mailboxes_.remove(device_id), "messages of a generation that is gone expire");
    for (const auto& module : *modules) {
        ignore(co_await stored_sessions_.forget(domain::Identity::of_module(device_id, module.module_id)),
               "an orphan costs a few bytes");
    }
    co_return Result<>{};
}

}  // namespace selvage::cloud::registry
