// The identities and the deployment of a developer's system, made where they are missing.
//
// Runs on: the hub's loop.
#pragma once

#include <string>
#include <vector>

#include "assembly/cloud_process.h"
#include "dev/options.h"

namespace selvage::dev {

inline constexpr const char* kEdgeDevice = "edge-device";

// A name and how a client of that name connects.
struct Client {
    std::string name;
    std::string connection_string;           // secret
};

struct Fleet {
    std::string edge_key;                    // base64; secret
    std::vector<Client> devices;             // at the cloud hub: device1, …
    std::vector<Client> leaves;              // below the edge device: leaf1, …
    Client module;                           // of the edge device, for a module of the developer's own
    std::vector<std::string> sensors;        // modules of the deployment
};

// With `deploy` the deployment is applied; without it the one that is there stays. `durable`: stored messages of the edge hub
// survive a power cut. Errors: those of the registry.
async::Awaitable<Result<Fleet>> make_fleet(assembly::CloudProcess& hub, Options options, std::string hub_host, bool deploy,
                                           bool durable);

// The deployment manifest for these options.
JsonObject deployment(const Options& options, bool durable);

}  // namespace selvage::dev
