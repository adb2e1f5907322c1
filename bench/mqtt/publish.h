// Telemetry from many connections: as much as a window of unacknowledged messages lets through, or at a rate.
#pragma once

#include <boost/asio/io_context.hpp>

#include "base/json.h"
#include "mqtt/accounts.h"

namespace selvage::bench {

struct PublishPlan {
    Peer peer;
    std::size_t window = 16;           // unacknowledged messages a connection
    std::size_t body_bytes = 256;
    double messages_per_second = 0;    // of all connections together; 0: as many as the windows let through
    std::uint64_t messages = 0;        // not 0: so many and no more, measured from the first on; closed loop only
    std::chrono::seconds warm_up{1};
    std::chrono::seconds measured{5};
    std::string subscribe_to;          // not empty: one more connection with this filter receives and checks everything
    int server_pid = 0;
};

// With `messages` the figures have each tenth of them apart: whether a server slows down with what it keeps.
// What counts is what happens between the end of the warm-up and the last message's arrival: at the receiver if there is
// one, else its acknowledgement. Errors: whatever ends a connection; malformed when an acknowledgement is missing or out of
// order, or the receiver misses, doubles or reorders a message: then there is no figure.
Result<JsonObject> run_publish(PublishPlan plan);

}  // namespace selvage::bench
