#include "edge/hub/own/reported_clients.h"

#include "base/time_text.h"

namespace selvage::edge::hub {
namespace {

JsonObject patch_for(const domain::Identity& identity, Json value) {
    JsonObject clients;
    clients[client_key(identity)] = std::move(value);
    JsonObject patch;
    patch["clients"] = std::move(clients);
    return patch;
}

}  // namespace

std::string client_key(const domain::Identity& identity) {
    std::string key;
    for (const char c : to_text(identity)) {
        switch (c) {
            case '.': key += "%2E"; break;
            case '$': key += "%24"; break;
            case ' ': key += "%20"; break;
            default: key += c;
        }
    }
    return key;
}

JsonObject connected_patch(const domain::Identity& identity, UtcTime now) {
    return patch_for(identity, JsonObject{{"status", "Connected"}, {"lastConnectedTimeUtc", to_iso8601(now)}});
}

JsonObject disconnected_patch(const domain::Identity& identity, UtcTime now) {
    if (!identity.is_module()) return patch_for(identity, nullptr);
    return patch_for(identity, JsonObject{{"status", "Disconnected"}, {"lastDisconnectedTimeUtc", to_iso8601(now)}});
}

}  // namespace selvage::edge::hub
