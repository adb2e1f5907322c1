// What a request to the device API is about. Private to the room.
#pragma once

#include <optional>
#include <string>

#include "domain/identity.h"
#include "net/http.h"

namespace selvage::heads::http {

enum class Resource {
    events,           // …/messages/events
    devicebound,      // …/messages/devicebound
    locked,           // …/messages/devicebound/{lockToken}
    abandon,          // …/messages/devicebound/{lockToken}/abandon
    files,            // …/files
    file_outcome,     // …/files/notifications[/{correlationId}]
    unknown,
};

struct Route {
    domain::Identity identity;
    Resource resource = Resource::unknown;
    std::string lock_token = {};
    std::string correlation_id = {};
};

// Nothing when the path is not of the device API. Literals compare without case: docs/wire/http-device.md.
std::optional<Route> route_of(const net::HttpTarget& target);

}  // namespace selvage::heads::http
