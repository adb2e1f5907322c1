// Connections that stop before they have said who they are: what a stranger can make a server keep, and for how long.
#pragma once

#include "base/json.h"
#include "mqtt/accounts.h"

namespace selvage::bench {

// Where they stop.
enum class Stage {
    connected,    // TCP, and not a byte
    hello,        // a ClientHello, and no answer to what comes back
    secured,      // the TLS handshake is made
};

struct StrangersPlan {
    Stage stage = Stage::secured;
    Peer peer;                           // its devices are not used: nobody says who they are
    std::size_t at_once = 64;            // being made at a time
    std::chrono::seconds settle{2};      // from the last one to the look at the memory
    std::chrono::seconds wait{0};        // for the server to drop all of them; 0: that is not measured
    int server_pid = 0;
};

// Errors: a connection or handshake that fails; malformed when a connection is dropped before the memory was looked at; timeout when one is
// still open after `wait`.
Result<JsonObject> run_strangers(StrangersPlan plan);

}  // namespace selvage::bench
