// Where the hub is and with which rights we come: out of a data folder or a connection string.
//
// Reads files: for a command line's start.
#pragma once

#include <cstdint>
#include <string>

#include "base/result.h"
#include "cli/hubctl/options.h"

namespace selvage::cli::hubctl {

struct HubAccess {
    std::string host_name;  // what the certificate and the tokens are for
    std::string via;        // where to connect; empty: host_name
    std::uint16_t https_port = 443;
    std::string ca_pem;  // empty: the machine's roots alone
    std::string policy;
    std::string key;     // secret
    std::string remedy;  // what to do when the hub cannot be reached
};

// Errors: not_found, malformed, invalid_argument; each says what to give instead.
Result<HubAccess> find_hub(const Options& options);

// The connection string of a policy: any of the data folder's, or the one that was given.
Result<std::string> policy_connection_string(const Options& options);

}  // namespace selvage::cli::hubctl
