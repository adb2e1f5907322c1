// Telemetry over AMQP from many connections, unsettled: as much as a window of unacknowledged messages lets through, or at a
// rate.
#pragma once

#include "base/json.h"
#include "mqtt/accounts.h"

namespace selvage::bench {

struct SendPlan {
    Peer peer;
    std::size_t window = 16;           // unacknowledged messages a connection; less when the server gives less credit
    std::size_t body_bytes = 256;
    double messages_per_second = 0;    // of all connections together; 0: as many as the windows let through
    std::chrono::seconds warm_up{1};
    std::chrono::seconds measured{5};
    std::string address;               // where all send to; empty: each device to its own telemetry
    std::string receive_from;          // not empty: one more connection receives and checks everything while it is sent
    std::string drain_from;            // not empty: the same once all has been sent, which counts for nothing
    int server_pid = 0;
};

// What counts is what happens between the end of the warm-up and the last message's acceptance. Errors: whatever ends a
// connection; malformed when a message is not accepted, or the receiver misses, doubles or reorders one: then there is no
// figure.
Result<JsonObject> run_send(SendPlan plan);

}  // namespace selvage::bench
