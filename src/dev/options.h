// What `selvage-hub dev` is told on its command line.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "dev/faults/fault.h"

namespace selvage::dev {

struct Ports {
    std::uint16_t mqtt = 8883;
    std::uint16_t amqp = 5671;
    std::uint16_t https = 443;
};
// "0": any that are free; or "8883,5671,443". Errors: invalid_argument.
Result<Ports> parse_ports(const std::string& text);

struct Options {
    std::string data;                        // empty: a temporary folder, removed at the end
    std::string listen = "127.0.0.1";        // of the cloud hub
    std::string edge_listen;                 // of the edge hub; empty: the address after that
    Ports ports;                             // of both
    std::size_t devices = 1;
    std::size_t sensors = 2;
    Duration interval = std::chrono::seconds(5);
    double time_scale = 1;
    std::vector<Fault> faults;
    bool quiet = false;
    bool json = false;
};

// Checks what belongs together and fills in what follows from the rest. Errors: invalid_argument.
Result<> complete(Options& options);

}  // namespace selvage::dev
