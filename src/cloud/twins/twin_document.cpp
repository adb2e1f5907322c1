#include "cloud/twins/twin_document.h"

#include "cloud/registry/etag.h"
#include "cloud/registry/identity_json.h"

namespace selvage::cloud::twins {

JsonObject service_twin(const storage::DeviceRecord& device, const storage::ModuleRecord* module,
                        const domain::Twin& twin, const sessions::Facts& facts) {
    const auto& connection = facts.connection;
    const auto& authentication = module != nullptr ? module->authentication : device.authentication;
    JsonObject json;
    json["deviceId"] = device.device_id;
    if (module != nullptr) json["moduleId"] = module->module_id;
    json["modelId"] = connection.model_id;
    json["etag"] = twin.etag();
    json["deviceEtag"] = registry::identity_etag(module != nullptr ? module->etag_counter : device.etag_counter);
    json["status"] = device.enabled ? "enabled" : "disabled";
    json["statusReason"] = device.status_reason.empty() ? Json(nullptr) : Json(device.status_reason);
    json["statusUpdateTime"] = registry::time_or_never(device.status_updated);
    json["connectionState"] = connection.connected ? "Connected" : "Disconnected";
    json["lastActivityTime"] = registry::time_or_never(connection.last_activity);
    json["cloudToDeviceMessageCount"] = facts.messages_waiting;
    json["authenticationType"] = registry::name(authentication.type);
    json["x509Thumbprint"] = registry::thumbprints_json(authentication);
    json["version"] = twin.version;
    json["tags"] = twin.tags;
    json["properties"] = JsonObject{{"desired", domain::section_document(twin.desired, true)},
                                    {"reported", domain::section_document(twin.reported, true)}};
    json["capabilities"] = JsonObject{{"iotEdge", module == nullptr && device.iot_edge}};
    if (module == nullptr) {
        if (!device.device_scope.empty()) json["deviceScope"] = device.device_scope;
        JsonArray parents;
        for (const auto& scope : device.parent_scopes)
            parents.emplace_back(scope);
        json["parentScopes"] = std::move(parents);
    }
    return json;
}

JsonObject replacement_patch(const JsonObject& from, const JsonObject& to) {
    JsonObject patch;
    for (const auto& [key, value] : to) {
        const auto* before = find_object(from, key);
        patch[key] =
            before != nullptr && value.is_object() ? Json(replacement_patch(*before, value.get_object())) : value;
    }
    for (const auto& [key, value] : from) {
        if (!to.contains(key)) patch[key] = nullptr;
    }
    return patch;
}

std::string patch_text(JsonObject patch, std::int64_t version) {
    patch["$version"] = version;
    return to_text(patch);
}

}  // namespace selvage::cloud::twins
