// What an edge hub is told at its start; from the environment (environment/) or a test.
#pragma once

#include <chrono>
#include <cstddef>
#include <string>

#include "edge/hub/own/own_twin.h"
#include "edge/hub/scope/scope_cache.h"
#include "net/dial.h"

namespace selvage::edge::hub {

struct HubSettings {
    std::string edge_device;               // this device's id
    std::string hub_host;                  // the IoT hub's name: in user names and audiences
    std::string edge_host;                 // the name that clients dial
    net::Target upstream_mqtt;             // the hub above, or a parent edge hub
    net::Target upstream_https;
    VersionInfo version;
    std::size_t clients_max = 100;
    std::chrono::seconds configuration_refresh{3600};
    std::chrono::seconds upstream_idle_close{3600};
    std::chrono::seconds upstream_patience{20};
    std::chrono::seconds upstream_reconnect_max{60};
    ScopeCache::Settings scope{};
};

}  // namespace selvage::edge::hub
