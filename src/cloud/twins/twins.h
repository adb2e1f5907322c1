// Twins of devices and modules: what devices report, what back ends desire, and what deployments set.
//
// Every change is one transaction of the store. After a change of desired properties the identity's connection, if it
// listens, gets the patch; versions on one connection rise.
//
// Runs on: the hub's loop. Wire: docs/wire/service-rest.md#twins.
#pragma once

#include <set>
#include <string>

#include "base/clock.h"
#include "base/json.h"
#include "cloud/registry/etag.h"
#include "cloud/registry/registry.h"
#include "cloud/sessions/identity_facts.h"
#include "cloud/sessions/session_table.h"
#include "cloud/twins/configuration_content.h"
#include "domain/twin.h"
#include "storage/registry_store.h"

namespace selvage::cloud::twins {

using async::Awaitable;

enum class ChangeKind { patch, replace };

class Twins {
public:
    Twins(const Clock& clock, storage::RegistryStore& store, storage::MailboxStore& mailboxes,
          sessions::SessionTable& sessions, registry::Registry& registry, domain::TwinLimits limits);

    // ---- for devices ----
    // {"desired":…,"reported":…} as text. Errors: device_not_found, module_not_found.
    Awaitable<Result<std::string>> device_document(domain::Identity identity);
    // The new $version. Errors: malformed, invalid_argument, precondition_failed (another version than `if_version`).
    Awaitable<Result<std::int64_t>> patch_reported(domain::Identity identity, std::string patch,
                                                   std::optional<std::int64_t> if_version);

    // ---- for back ends ----
    Awaitable<Result<JsonObject>> service_document(domain::Identity identity);
    // Takes `tags` and `properties.desired` of `body`; all else in it is ignored. Errors: invalid_argument,
    // precondition_failed, device_not_found, module_not_found.
    Awaitable<Result<JsonObject>> change(domain::Identity identity, JsonObject body, ChangeKind kind,
                                         registry::IfMatch if_match);

    // Applies configuration content to one edge device: makes missing module identities, sets the desired properties of
    // the named modules. All of it is checked before any of it is applied; a module whose document stays the same keeps
    // its $version. Errors: invalid_argument (names module and path; or no edge device), device_not_found,
    // quota_exceeded, already_exists (another call for this device is under way).
    Awaitable<Result<>> apply_configuration(std::string device_id, JsonObject content);

private:
    Awaitable<Result<>> apply_changes(std::string device_id, std::vector<TwinChange> changes);
    Awaitable<Result<>> check_fits(domain::Identity identity, const TwinChange& change);
    Awaitable<Result<>> apply_one(domain::Identity identity, TwinChange change);
    void tell(const domain::Identity& identity, std::int64_t version, JsonObject patch);

    const Clock& clock_;
    storage::RegistryStore& store_;
    sessions::SessionTable& sessions_;
    sessions::IdentityFacts facts_;
    registry::Registry& registry_;
    domain::TwinLimits limits_;
    std::set<std::string> applying_;  // devices with an apply_configuration under way
};

}  // namespace selvage::cloud::twins
