// Connections that have made their TLS handshake and then say nothing: what a stranger can make a server keep, and for how long.
#pragma once

#include "base/json.h"
#include "mqtt/accounts.h"

namespace selvage::bench {

struct StrangersPlan {
    Peer peer;                           // its devices are not used: nobody says who they are
    std::size_t at_once = 64;            // handshakes at a time
    std::chrono::seconds settle{2};      // from the last handshake to the look at the memory
    std::chrono::seconds wait{0};        // for the server to drop all of them; 0: that is not measured
    int server_pid = 0;
};

// Errors: a handshake that fails; malformed when a connection is dropped before the memory was looked at; timeout when one is
// still open after `wait`.
Result<JsonObject> run_strangers(StrangersPlan plan);

}  // namespace selvage::bench
