// Identities as the service API writes and reads them.
//
// Pure. Wire: docs/wire/service-rest.md#identities.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/json.h"
#include "cloud/sessions/identity_facts.h"
#include "storage/registry_store.h"

namespace selvage::cloud::registry {

JsonObject device_json(const storage::DeviceRecord& device, const sessions::Facts& facts);
JsonObject module_json(const storage::ModuleRecord& module, const sessions::Facts& facts);

// The name of an authentication type on the wire: "sas", "selfSigned", …
std::string_view name(storage::AuthenticationType type);
// {"primaryThumbprint":…,"secondaryThumbprint":…}, null where there is none.
JsonObject thumbprints_json(const storage::Authentication& authentication);
// ISO 8601, or the service's "never" for the epoch.
std::string time_or_never(UtcTime time);

// What a client asked for; absent members say nothing. Keys and thumbprints have been checked.
struct AuthenticationInput {
    std::optional<storage::AuthenticationType> type;
    std::string primary_key;
    std::string secondary_key;
    std::string primary_thumbprint;
    std::string secondary_thumbprint;
};
struct DeviceInput {
    std::optional<bool> enabled;
    std::optional<std::string> status_reason;  // empty: cleared
    std::optional<AuthenticationInput> authentication;
    std::optional<bool> iot_edge;
    std::optional<std::string> device_scope;  // empty: cleared
    std::optional<std::vector<std::string>> parent_scopes;
};
struct ModuleInput {
    std::optional<std::string> managed_by;
    std::optional<AuthenticationInput> authentication;
};

// Ids in the body must be those of the path. Members that only the hub sets are ignored: some SDKs send back all they
// got. Errors: invalid_argument, naming the member and the rule.
Result<DeviceInput> read_device(const JsonObject& body, std::string_view device_id);
Result<ModuleInput> read_module(const JsonObject& body, std::string_view device_id, std::string_view module_id);

struct FreshKeys {
    std::string primary;
    std::string secondary;
};
// What the registry keeps: a missing type follows from what is given; sas without keys keeps `current`'s or takes the
// fresh ones. `current` null: a new identity. Errors: invalid_argument (keys and thumbprints together).
Result<storage::Authentication> settle(const std::optional<AuthenticationInput>& input,
                                       const storage::Authentication* current, const FreshKeys& fresh);

}  // namespace selvage::cloud::registry
