// How long a server takes from exec to its first CONNACK.
#pragma once

#include "base/json.h"
#include "mqtt/accounts.h"

namespace selvage::bench {

struct StartUpPlan {
    Peer peer;
    std::vector<std::string> command;    // path and arguments of the server
    int processor = -1;                  // that the server may use; -1: all
    std::string output_file = "/dev/null";
};

// Runs the command, connects as soon as somebody listens, and ends it again (SIGTERM). Errors: timeout, and that the
// command ends by itself.
Result<JsonObject> run_start_up(StartUpPlan plan);

}  // namespace selvage::bench
