// Writing. One trap is in the order of members: a C# class that several official clients share sets the authentication
// type as a side effect of reading `symmetricKey` and `x509Thumbprint`, so `type` comes behind both.
#include "cloud/registry/identity_json.h"

#include "base/time_text.h"
#include "cloud/registry/etag.h"

namespace selvage::cloud::registry {

using storage::Authentication;
using storage::AuthenticationType;

namespace {

Json text_or_null(const std::string& text) {
    return text.empty() ? Json(nullptr) : Json(text);
}

JsonObject authentication_json(const Authentication& authentication) {
    const bool keys = authentication.type == AuthenticationType::sas;
    JsonObject symmetric;
    symmetric["primaryKey"] = keys ? text_or_null(authentication.primary_key) : Json(nullptr);
    symmetric["secondaryKey"] = keys ? text_or_null(authentication.secondary_key) : Json(nullptr);
    JsonObject json;
    json["symmetricKey"] = std::move(symmetric);
    json["x509Thumbprint"] = thumbprints_json(authentication);
    json["type"] = name(authentication.type);
    return json;
}

void add_connection(JsonObject& json, const storage::ConnectionRecord& connection) {
    json["connectionState"] = connection.connected ? "Connected" : "Disconnected";
}

}  // namespace

std::string_view name(AuthenticationType type) {
    switch (type) {
        case AuthenticationType::sas:
            return "sas";
        case AuthenticationType::self_signed:
            return "selfSigned";
        case AuthenticationType::certificate_authority:
            return "certificateAuthority";
        case AuthenticationType::none:
            return "none";
    }
    return "none";
}

std::string time_or_never(UtcTime time) {
    return time == UtcTime{} ? std::string(kNeverText) : to_iso8601(time);
}

JsonObject thumbprints_json(const Authentication& authentication) {
    const bool shown = authentication.type == AuthenticationType::self_signed;
    JsonObject json;
    json["primaryThumbprint"] = shown ? text_or_null(authentication.primary_thumbprint) : Json(nullptr);
    json["secondaryThumbprint"] = shown ? text_or_null(authentication.secondary_thumbprint) : Json(nullptr);
    return json;
}

JsonObject device_json(const storage::DeviceRecord& device, const sessions::Facts& facts) {
    const auto& connection = facts.connection;
    JsonObject json;
    json["deviceId"] = device.device_id;
    json["generationId"] = device.generation_id;
    json["etag"] = identity_etag(device.etag_counter);
    add_connection(json, connection);
    json["status"] = device.enabled ? "enabled" : "disabled";
    json["statusReason"] = text_or_null(device.status_reason);
    json["connectionStateUpdatedTime"] = time_or_never(connection.connected_changed);
    json["statusUpdatedTime"] = time_or_never(device.status_updated);
    json["lastActivityTime"] = time_or_never(connection.last_activity);
    json["cloudToDeviceMessageCount"] = facts.messages_waiting;
    json["authentication"] = authentication_json(device.authentication);
    json["capabilities"] = JsonObject{{"iotEdge", device.iot_edge}};
    if (!device.device_scope.empty()) json["deviceScope"] = device.device_scope;
    JsonArray parents;
    for (const auto& scope : device.parent_scopes)
        parents.emplace_back(scope);
    json["parentScopes"] = std::move(parents);
    return json;
}

JsonObject module_json(const storage::ModuleRecord& module, const sessions::Facts& facts) {
    const auto& connection = facts.connection;
    JsonObject json;
    json["moduleId"] = module.module_id;
    json["managedBy"] = text_or_null(module.managed_by);
    json["deviceId"] = module.device_id;
    json["generationId"] = module.generation_id;
    json["etag"] = identity_etag(module.etag_counter);
    add_connection(json, connection);
    json["connectionStateUpdatedTime"] = time_or_never(connection.connected_changed);
    json["lastActivityTime"] = time_or_never(connection.last_activity);
    json["cloudToDeviceMessageCount"] = facts.messages_waiting;
    json["authentication"] = authentication_json(module.authentication);
    return json;
}

}  // namespace selvage::cloud::registry
