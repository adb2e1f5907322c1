// The two things that a measurement needs of a hub's data folder while no hub runs on it: devices in it, and proof of what
// it stored.
#pragma once

#include "base/json.h"
#include "base/result.h"

namespace selvage::bench {

// An edge device that the devices are below of; nothing when `device_id` is empty.
struct EdgeAbove {
    std::string device_id;
    std::string file;                  // for the connection string of its $edgeHub
};

// Registers device-00000, device-00001, … with keys of their own and writes their connection strings, one a line.
Result<> make_devices(const std::string& registry_database, const std::string& host_name, std::size_t count,
                      const std::string& devices_file, const EdgeAbove& edge);

// Reads every event of the log and checks that each device's messages are there, once and in order. Errors: malformed with
// what is wrong; `expected`: how many there must be.
Result<JsonObject> check_events(const std::string& log_folder, std::size_t devices, std::uint64_t expected);

}  // namespace selvage::bench
