// An identity of this device's scope, as the hub above describes it.
//
// Wire: docs/wire/edge-hub.md#scope.
#pragma once

#include <string>

#include "base/json.h"
#include "base/result.h"
#include "domain/identity.h"

namespace selvage::edge::hub {

struct ScopeIdentity {
    domain::Identity identity;
    std::string generation_id;
    bool enabled = true;
    bool uses_sas = false;             // authentication by symmetric keys
    std::string primary_key;           // base64; secret
    std::string secondary_key;
    bool operator==(const ScopeIdentity&) const = default;
};

// From an element of `devices` or `modules` of a scope answer. Errors: malformed.
Result<ScopeIdentity> scope_identity_from_service(const JsonObject& object);

// For the (encrypted) store.
std::string to_stored_text(const ScopeIdentity& identity);
Result<ScopeIdentity> scope_identity_from_stored(std::string_view text);

}  // namespace selvage::edge::hub
