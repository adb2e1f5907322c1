// Modules, and what edge hubs ask of the registry.
#include <algorithm>

#include "cloud/registry/registry.h"
#include "cloud/registry/scopes.h"

namespace selvage::cloud::registry {

using domain::Identity;
using hub_api::CloseReason;
using storage::ModuleRecord;

namespace {

bool is_system_module(std::string_view module_id) {
    return module_id == domain::kEdgeAgentModule || module_id == domain::kEdgeHubModule;
}

}  // namespace

Awaitable<JsonObject> Registry::with_facts(ModuleRecord module) {
    const auto facts = co_await facts_.of(Identity::of_module(module.device_id, module.module_id), module.generation_id);
    co_return module_json(module, facts);
}

Awaitable<Result<JsonObject>> Registry::module(std::string device_id, std::string module_id) {
    SELVAGE_CO_CHECK(co_await store_.device(device_id));
    SELVAGE_CO_TRY(auto record, co_await store_.module(device_id, module_id));
    co_return co_await with_facts(std::move(record));
}

Awaitable<Result<JsonArray>> Registry::modules(std::string device_id) {
    SELVAGE_CO_TRY(auto records, co_await store_.modules(device_id));
    JsonArray list;
    for (auto& record : records)
        list.push_back(co_await with_facts(std::move(record)));
    co_return list;
}

Awaitable<Result<JsonObject>> Registry::put_module(std::string device_id, std::string module_id, JsonObject body,
                                                   IfMatch if_match) {
    SELVAGE_CO_CHECK(domain::check_module_id(module_id));
    SELVAGE_CO_TRY(auto input, read_module(body, device_id, module_id));
    if (if_match.kind == IfMatch::Kind::absent) {
        co_return co_await create_module(std::move(device_id), std::move(module_id), std::move(input));
    }
    co_return co_await update_module(std::move(device_id), std::move(module_id), std::move(input), std::move(if_match));
}

Awaitable<Result<JsonObject>> Registry::create_module(std::string device_id, std::string module_id, ModuleInput input) {
    auto record = fresh_module(std::move(device_id), std::move(module_id));
    record.managed_by = input.managed_by.value_or("");
    SELVAGE_CO_TRY(record.authentication, settle(input.authentication, nullptr, fresh_keys()));
    SELVAGE_CO_CHECK(co_await store_.create_module(record, clock_.utc_now(), limits_.modules_per_device_max));
    co_return co_await with_facts(std::move(record));
}

Awaitable<Result<JsonObject>> Registry::update_module(std::string device_id, std::string module_id, ModuleInput input,
                                                      IfMatch if_match) {
    SELVAGE_CO_CHECK(co_await store_.device(device_id));
    const auto before = std::make_shared<ModuleRecord>();
    const auto change = [before, input, if_match,
                         fresh = fresh_keys()](const ModuleRecord& current) -> Result<ModuleRecord> {
        *before = current;
        if (!if_match.allows(identity_etag(current.etag_counter))) {
            return fail(Errc::precondition_failed, "the module was changed: its etag differs from If-Match");
        }
        ModuleRecord next = current;
        next.managed_by = input.managed_by.value_or(current.managed_by);
        SELVAGE_TRY(next.authentication, settle(input.authentication, &current.authentication, fresh));
        return next;
    };
    SELVAGE_CO_TRY(auto after, co_await store_.change_module(device_id, module_id, change));
    if (before->authentication != after.authentication) {
        sessions_.revoke(Identity::of_module(device_id, module_id), CloseReason::unauthorized);
        if (module_id == domain::kEdgeHubModule) sessions_.revoke_on_behalf(device_id, CloseReason::unauthorized);
    }
    co_return co_await with_facts(std::move(after));
}

Awaitable<Result<>> Registry::remove_module(std::string device_id, std::string module_id, IfMatch if_match) {
    SELVAGE_CO_TRY(const auto device, co_await store_.device(device_id));
    SELVAGE_CO_CHECK(co_await store_.module(device_id, module_id));
    if (device.iot_edge && is_system_module(module_id)) {
        co_return fail(Errc::forbidden,
                       "module '" + module_id + "' belongs to every edge device and cannot be removed");
    }
    std::optional<std::uint64_t> counter;
    if (if_match.kind == IfMatch::Kind::tag) {
        counter = counter_of(if_match.tag);
        if (!counter) co_return fail(Errc::precondition_failed, "the module's etag differs from If-Match");
    }
    SELVAGE_CO_CHECK(co_await store_.delete_module(device_id, module_id, counter));
    const Identity identity = Identity::of_module(device_id, module_id);
    sessions_.revoke(identity, CloseReason::identity_removed);
    ignore(co_await stored_sessions_.forget(identity), "an orphan costs a few bytes");
    co_return Result<>{};
}

Awaitable<> Registry::close_certified() {
    for (const auto& identity : sessions_.identities()) {
        std::optional<storage::AuthenticationType> type;
        if (identity.is_module()) {
            if (const auto module = co_await store_.module(identity.device, identity.module)) type = module->authentication.type;
        } else if (const auto device = co_await store_.device(identity.device)) {
            type = device->authentication.type;
        }
        if (type != storage::AuthenticationType::certificate_authority) continue;
        sessions_.revoke(identity, CloseReason::unauthorized);
        if (identity.module == domain::kEdgeHubModule) sessions_.revoke_on_behalf(identity.device, CloseReason::unauthorized);
    }
}

Awaitable<Result<>> Registry::ensure_module(std::string device_id, std::string module_id) {
    const auto known = co_await store_.module(device_id, module_id);
    if (known) co_return Result<>{};
    if (known.error().code != Errc::module_not_found) co_return fail(known.error());
    SELVAGE_CO_CHECK(domain::check_module_id(module_id));
    auto record = fresh_module(device_id, module_id);
    if (is_system_module(module_id)) record.managed_by.clear();
    const auto made =
        co_await store_.create_module(std::move(record), clock_.utc_now(), limits_.modules_per_device_max);
    // Another call made it in between: that is as good.
    if (!made && made.error().code != Errc::already_exists) co_return fail(made.error());
    co_return Result<>{};
}

Awaitable<Result<Registry::Scope>> Registry::scope_of(std::string device_id, std::string after,
                                                      std::size_t devices_max) {
    SELVAGE_CO_TRY(auto edge, co_await store_.device(device_id));
    if (!edge.iot_edge) co_return fail(Errc::forbidden, "device '" + device_id + "' is not an edge device");
    SELVAGE_CO_TRY(auto children, co_await store_.devices_in_scope(edge.device_scope));
    std::vector<storage::DeviceRecord> page;
    if (after.empty()) page.push_back(std::move(edge));
    for (auto& child : children) {
        if (child.device_id != device_id && child.device_id > after) page.push_back(std::move(child));
    }
    const std::size_t firsts = after.empty() ? 1 : 0;
    std::sort(page.begin() + static_cast<std::ptrdiff_t>(firsts), page.end(),
              [](const auto& a, const auto& b) { return a.device_id < b.device_id; });

    Scope scope;
    if (page.size() > devices_max) {
        page.resize(devices_max);
        // The edge device itself stands first whatever its name: behind it the names begin.
        scope.next = page.size() == 1 && firsts == 1 ? " " : page.back().device_id;
    }
    for (auto& device : page) {
        const bool with_modules = device.device_id == device_id || !device.iot_edge;
        if (with_modules) {
            SELVAGE_CO_TRY(auto modules, co_await store_.modules(device.device_id));
            for (auto& module : modules)
                scope.modules.push_back(co_await with_facts(std::move(module)));
        }
        scope.devices.push_back(co_await with_facts(std::move(device)));
    }
    co_return scope;
}

}  // namespace selvage::cloud::registry
