// The `clients` part of the edge hub's reported properties.
//
// Pure. Wire: docs/wire/edge-hub.md#own-twin.
#pragma once

#include <string>

#include "base/clock.h"
#include "base/json.h"
#include "domain/identity.h"

namespace selvage::edge::hub {

// '.', '$' and space may not stand in a twin's keys: "%2E", "%24", "%20". The slash stays.
std::string client_key(const domain::Identity& identity);

// The reported patch for a client that came.
JsonObject connected_patch(const domain::Identity& identity, UtcTime now);
// … and for one that left: modules are shown as disconnected, leaf devices are removed.
JsonObject disconnected_patch(const domain::Identity& identity, UtcTime now);

}  // namespace selvage::edge::hub
