// Who the load generator's connections are: devices of a hub with tokens, or plain names for a broker that checks nothing.
#pragma once

#include <string>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "net/dial.h"

namespace selvage::bench {

struct Account {
    std::string client_id;
    std::string username;
    std::string password;
    std::string telemetry_topic;    // what it publishes to
    std::string own_filter;         // what it subscribes to when it is idle
};

// The server under test, and who connects to it.
struct Peer {
    std::string host = "localhost";     // the name in the server's certificate
    std::string address = "127.0.0.1";
    std::uint16_t port = 8883;
    std::string trusted_file;           // PEM; the server's own certificate will do, and saves the generator work
    std::string devices_file;           // one connection string a line; empty: plain names
    std::size_t count = 1;              // connections
};

// With a devices file the first `count` devices of it, each with a token that outlives the run. Without one names are made
// up. Errors: not_found, malformed (with the line), invalid_argument (fewer devices than connections).
Result<std::vector<Account>> make_accounts(const Peer& peer, UtcTime now);
Result<net::Target> make_target(const Peer& peer);

}  // namespace selvage::bench
