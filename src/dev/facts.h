// What a developer needs to know of a system that is ready: as text to paste from, and as JSON for scripts.
//
// Pure. Both hold keys: they are for the terminal of whoever started the system, never for a log.
#pragma once

#include <string>

#include "assembly/surroundings.h"
#include "base/json.h"
#include "dev/fleet.h"

namespace selvage::dev {

struct Facts {
    std::string folder;
    std::string ca_file;
    std::string hub_folder;                  // for hubctl --data
    std::string management_uri;              // for IOTEDGE_HOST
    std::string owner;                       // connection string of the policy iothubowner
    assembly::ListenAt hub;
    assembly::ListenAt edge;
    Fleet fleet;
    double time_scale = 1;
    std::chrono::milliseconds ready_after{0};
};

std::string to_text(const Facts& facts);
JsonObject to_json(const Facts& facts);

}  // namespace selvage::dev
