// Connections: how many a second, how long until a whole fleet is back, what an idle one costs.
#pragma once

#include "base/json.h"
#include "mqtt/accounts.h"

namespace selvage::bench {

struct ConnectPlan {
    Peer peer;
    std::size_t at_once = 64;            // connections being made at a time
    std::chrono::seconds measured{5};    // churn
    std::chrono::seconds settle{3};      // fleet: from the last subscription to the look at the memory
    int server_pid = 0;
};

// Connects and disconnects, again and again: TLS handshake, CONNECT, CONNACK, DISCONNECT. Errors: the first connection's
// that fails.
Result<JsonObject> run_churn(ConnectPlan plan);

// Makes all connections, each with a subscription; then they stay idle and the server's memory is looked at.
Result<JsonObject> run_fleet(ConnectPlan plan);

}  // namespace selvage::bench
