// What a deployment tells the edge hub, taken from the desired properties of `$edgeHub`.
//
// `mqttBroker` and `integrity` of later schemas have no effect in the reference either, and are not looked at.
// Pure; any thread. Wire: docs/wire/edge-hub.md#configuration.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <vector>

#include "base/json.h"
#include "base/result.h"
#include "query/routes/route_table.h"

namespace selvage::edge::hub {

struct HubConfiguration {
    query::RouteTable routes;
    // For messages whose route says nothing; nothing: for ever. 0: expires at once, as users of the reference know it.
    std::optional<std::chrono::seconds> time_to_live;
    // Texts behind the sink of a route, which have no effect: worth a line in the log each.
    std::vector<std::string> warnings;
};

// Errors: invalid_argument, malformed, unsupported; the detail is what goes into `lastDesiredStatus` behind "Error while
// parsing desired properties - ".
Result<HubConfiguration> parse_configuration(const JsonObject& desired);

}  // namespace selvage::edge::hub
