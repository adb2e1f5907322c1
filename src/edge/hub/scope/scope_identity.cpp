#include "edge/hub/scope/scope_identity.h"

#include "base/encoding.h"

namespace selvage::edge::hub {

Result<ScopeIdentity> scope_identity_from_service(const JsonObject& object) {
    ScopeIdentity identity;
    identity.identity.device = find_text(object, "deviceId");
    identity.identity.module = find_text(object, "moduleId");
    if (identity.identity.device.empty()) return fail(Errc::malformed, "an identity of the scope has no deviceId");
    identity.generation_id = find_text(object, "generationId");
    // Modules have no status of their own.
    identity.enabled = !equals_ignoring_case(find_text(object, "status", "enabled"), "disabled");
    const auto* authentication = find_object(object, "authentication");
    if (authentication == nullptr) return identity;
    const auto* keys = find_object(*authentication, "symmetricKey");
    identity.uses_sas = equals_ignoring_case(find_text(*authentication, "type"), "sas") && keys != nullptr;
    if (identity.uses_sas) {
        identity.primary_key = find_text(*keys, "primaryKey");
        identity.secondary_key = find_text(*keys, "secondaryKey");
    }
    return identity;
}

std::string to_stored_text(const ScopeIdentity& identity) {
    JsonObject object;
    object["deviceId"] = identity.identity.device;
    object["moduleId"] = identity.identity.module;
    object["generationId"] = identity.generation_id;
    object["status"] = identity.enabled ? "enabled" : "disabled";
    JsonObject authentication;
    authentication["type"] = identity.uses_sas ? "sas" : "none";
    if (identity.uses_sas)
        authentication["symmetricKey"] =
            JsonObject{{"primaryKey", identity.primary_key}, {"secondaryKey", identity.secondary_key}};
    object["authentication"] = std::move(authentication);
    return to_text(object);
}

Result<ScopeIdentity> scope_identity_from_stored(std::string_view text) {
    SELVAGE_TRY(const auto object, parse_json_object(text));
    return scope_identity_from_service(object);
}

}  // namespace selvage::edge::hub
