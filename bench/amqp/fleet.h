// What idle AMQP connections cost a server, by how far they have come.
#pragma once

#include "base/json.h"
#include "mqtt/accounts.h"

namespace selvage::bench {

enum class Stage {
    tls,       // the handshake, and not a byte more
    opened,    // a connection and an AMQP session; nobody has said who they are
    token,     // and a token was put
    links,     // and there are a link for telemetry and one for C2D
};

struct AmqpFleetPlan {
    Peer peer;
    Stage stage = Stage::links;
    std::size_t at_once = 64;            // connections being made at a time
    std::chrono::seconds settle{3};      // from the last connection to the look at the memory
    int server_pid = 0;
};

// Errors: the first connection's that fails.
Result<JsonObject> run_amqp_fleet(AmqpFleetPlan plan);

}  // namespace selvage::bench
