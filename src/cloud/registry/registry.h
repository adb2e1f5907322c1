// The registry: devices and modules created, read, changed and removed by the service's rules.
//
// Identities go out as the JSON of the service API and come in as it. A change that takes away an identity's right to
// be connected (removed, disabled, other keys, another parent) closes its connections.
//
// Runs on: the hub's loop. Wire: docs/wire/service-rest.md#identities.
#pragma once

#include <string>

#include "base/clock.h"
#include "base/json.h"
#include "base/random.h"
#include "cloud/registry/etag.h"
#include "cloud/registry/identity_json.h"
#include "cloud/sessions/identity_facts.h"
#include "cloud/sessions/session_table.h"
#include "cloud/sessions/stored_sessions.h"
#include "storage/registry_store.h"

namespace selvage::cloud::registry {

using async::Awaitable;

struct RegistryLimits {
    std::size_t modules_per_device_max = 50;
    std::size_t listed_max = 1000;
    std::size_t edge_levels_max = 5;
};

struct DeviceCounts {
    std::int64_t enabled = 0;
    std::int64_t disabled = 0;
};

class Registry {
public:
    Registry(const Clock& clock, Random& random, storage::RegistryStore& store, storage::MailboxStore& mailboxes,
             sessions::SessionTable& sessions, sessions::StoredSessions& stored_sessions, RegistryLimits limits);

    // Errors: device_not_found.
    Awaitable<Result<JsonObject>> device(std::string device_id);
    // `top` outside 1 to listed_max means listed_max.
    Awaitable<Result<JsonArray>> devices(std::int64_t top);
    Awaitable<Result<DeviceCounts>> count();
    // Creates without If-Match, else changes. Errors: already_exists, device_not_found, precondition_failed,
    // invalid_argument.
    Awaitable<Result<JsonObject>> put_device(std::string device_id, JsonObject body, IfMatch if_match);
    Awaitable<Result<>> remove_device(std::string device_id, IfMatch if_match);

    // Errors: device_not_found, module_not_found.
    Awaitable<Result<JsonObject>> module(std::string device_id, std::string module_id);
    Awaitable<Result<JsonArray>> modules(std::string device_id);
    // Errors: those of put_device, and module_not_found; quota_exceeded (modules of this device).
    Awaitable<Result<JsonObject>> put_module(std::string device_id, std::string module_id, JsonObject body,
                                             IfMatch if_match);
    // Errors: also forbidden for the two system modules of an edge device.
    Awaitable<Result<>> remove_module(std::string device_id, std::string module_id, IfMatch if_match);

    // A CA is no longer trusted: ends the connections of all who came by any. Those whose CA is trusted still come back.
    Awaitable<> close_certified();

    // For deployments: makes the identity, without keys and managed by IotEdge, if there is none.
    Awaitable<Result<>> ensure_module(std::string device_id, std::string module_id);

    // The edge device `device_id`, its direct children and their modules, ordered by device id behind the edge device
    // itself; at most `devices_max` devices after `after`. For edge hubs' scope calls.
    struct Scope {
        JsonArray devices;
        JsonArray modules;
        std::string next;  // the `after` of the next page; empty: that was all
    };
    Awaitable<Result<Scope>> scope_of(std::string device_id, std::string after, std::size_t devices_max);

private:
    Awaitable<Result<JsonObject>> create_device(std::string device_id, DeviceInput input);
    Awaitable<Result<JsonObject>> update_device(std::string device_id, DeviceInput input, IfMatch if_match);
    Awaitable<Result<JsonObject>> create_module(std::string device_id, std::string module_id, ModuleInput input);
    Awaitable<Result<JsonObject>> update_module(std::string device_id, std::string module_id, ModuleInput input,
                                                IfMatch if_match);
    Awaitable<Result<>> check_parent(std::string scope, std::string child_id, bool child_is_edge);
    void close_after_change(const storage::DeviceRecord& before, const storage::DeviceRecord& after);

    FreshKeys fresh_keys();
    std::string fresh_generation();
    storage::ModuleRecord fresh_module(std::string device_id, std::string module_id);
    Awaitable<JsonObject> with_facts(storage::DeviceRecord device);
    Awaitable<JsonObject> with_facts(storage::ModuleRecord module);

    const Clock& clock_;
    Random& random_;
    storage::RegistryStore& store_;
    storage::MailboxStore& mailboxes_;
    sessions::SessionTable& sessions_;
    sessions::StoredSessions& stored_sessions_;
    sessions::IdentityFacts facts_;
    RegistryLimits limits_;
};

}  // namespace selvage::cloud::registry
