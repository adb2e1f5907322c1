// The cloud hub's registry: device and module identities with their twins, and deployments, in a transactional store.
//
// Runs on: called on a loop; the work runs on the store's own thread(s), group-committed. Changes are functions that run
// inside the transaction, on the store's thread: they see the current value and give the new one, touch nothing else, and
// may run more than once (another process changed the row). A change that fails leaves everything as it was, and its error
// is the caller's answer. SQLite is the embedded implementation; PostgreSQL follows.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "async/awaitable.h"
#include "base/clock.h"
#include "base/result.h"
#include "domain/identity.h"
#include "domain/twin.h"

namespace selvage::storage {

enum class AuthenticationType { sas, self_signed, certificate_authority, none };

struct Authentication {
    AuthenticationType type = AuthenticationType::sas;
    std::string primary_key;             // base64; secret
    std::string secondary_key;
    std::string primary_thumbprint;      // hex
    std::string secondary_thumbprint;
    bool operator==(const Authentication&) const = default;
};

struct DeviceRecord {
    std::string device_id;
    std::string generation_id;           // 18 decimal digits, new at each creation
    std::uint64_t etag_counter = 1;      // rises with each write of the identity
    bool enabled = true;
    std::string status_reason;
    UtcTime status_updated{};            // epoch: never
    Authentication authentication;
    bool iot_edge = false;
    std::string device_scope;            // edge: its own; leaf: its parent's; empty: none
    std::vector<std::string> parent_scopes;
};

struct ModuleRecord {
    std::string device_id;
    std::string module_id;
    std::string generation_id;
    std::uint64_t etag_counter = 1;
    std::string managed_by;
    Authentication authentication;
};

// Connection facts, kept apart from identities: they change often and losing the last of them in a crash is harmless.
struct ConnectionRecord {
    bool connected = false;
    UtcTime connected_changed{};         // epoch: never
    UtcTime last_activity{};
    std::string model_id = {};           // the DTMI announced last; saving an empty one keeps it
    bool operator==(const ConnectionRecord&) const = default;
};

template <class T>
using Change = std::function<Result<T>(const T& current)>;

class RegistryStore {
public:
    virtual ~RegistryStore() = default;

    virtual async::Awaitable<Result<DeviceRecord>> device(std::string device_id) = 0;                 // device_not_found
    // At most `limit`, ordered by id, ids greater than `after`.
    virtual async::Awaitable<Result<std::vector<DeviceRecord>>> devices(std::string after, std::size_t limit) = 0;
    // The children of the edge device whose scope this is, ordered by id: leaf devices that have it as their device_scope,
    // edge devices that have it among their parent_scopes. Not that edge device itself, nor children's children.
    virtual async::Awaitable<Result<std::vector<DeviceRecord>>> devices_in_scope(std::string scope) = 0;
    // The device, its modules and a new twin for each, in one transaction. Errors: already_exists.
    virtual async::Awaitable<Result<>> create_device(DeviceRecord device, std::vector<ModuleRecord> modules, UtcTime now) = 0;
    // Gives the record as stored. The store keeps the ids and sets etag_counter to one more than it was, whatever the
    // change says; a change that wants a certain etag compares it and fails with precondition_failed.
    virtual async::Awaitable<Result<DeviceRecord>> change_device(std::string device_id, Change<DeviceRecord> change) = 0;
    // Modules, twins and connection records go too. `if_etag`: only at that etag_counter. Errors: device_not_found,
    // precondition_failed.
    virtual async::Awaitable<Result<>> delete_device(std::string device_id, std::optional<std::uint64_t> if_etag) = 0;

    // For modules: device_not_found when there is not even the device.
    virtual async::Awaitable<Result<ModuleRecord>> module(std::string device_id, std::string module_id) = 0;  // module_not_found
    virtual async::Awaitable<Result<std::vector<ModuleRecord>>> modules(std::string device_id) = 0;           // device_not_found
    // Errors: device_not_found, already_exists, quota_exceeded (`modules_max` on this device).
    virtual async::Awaitable<Result<>> create_module(ModuleRecord module, UtcTime now, std::size_t modules_max) = 0;
    // As change_device.
    virtual async::Awaitable<Result<ModuleRecord>> change_module(std::string device_id, std::string module_id,
                                                                 Change<ModuleRecord> change) = 0;
    virtual async::Awaitable<Result<>> delete_module(std::string device_id, std::string module_id,
                                                     std::optional<std::uint64_t> if_etag) = 0;

    virtual async::Awaitable<Result<domain::Twin>> twin(domain::Identity identity) = 0;    // device_/module_not_found
    // Versions and etag are the change's to raise (domain::patch_section, Twin::mark_changed).
    virtual async::Awaitable<Result<domain::Twin>> change_twin(domain::Identity identity, Change<domain::Twin> change) = 0;

    // All epoch when nothing was saved yet. Errors: device_/module_not_found.
    virtual async::Awaitable<Result<ConnectionRecord>> connection(domain::Identity identity) = 0;
    // Identities that are gone are left out.
    virtual async::Awaitable<Result<>> save_connections(std::vector<std::pair<domain::Identity, ConnectionRecord>> records) = 0;

    // Rises with every call that may change or remove an identity, when it is made: what was read after the number was the
    // same as now has not changed since.
    virtual std::uint64_t changes() const = 0;

    // Waits for work under way and closes. Call before destruction; afterwards everything fails with unavailable.
    virtual async::Awaitable<> stop() = 0;
};

}  // namespace selvage::storage
