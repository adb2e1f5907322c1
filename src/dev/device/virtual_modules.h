// What an image means on the virtual device: `…/edge-agent`, `…/edge-hub` and `…/simulated-temperature-sensor`, ours or
// Azure's (`azureiotedge-…`), whatever their registry and tag.
//
// Runs on: the device's loop.
#pragma once

#include <optional>
#include <string>

#include "assembly/surroundings.h"
#include "async/event.h"
#include "dev/device/virtual_runtime.h"
#include "net/dial.h"

namespace selvage::dev {

inline constexpr const char* kVersion = SELVAGE_VERSION;

// What the modules of one device share; outlives them.
struct VirtualDevice {
    VirtualDevice(assembly::Surroundings given, net::Dialer& local_network, net::Dialer& link_to_the_hub)
        : around(std::move(given)), local(local_network), uplink(link_to_the_hub), hub_listens(around.loop) {}

    assembly::Surroundings around;         // of the edge hub
    net::Dialer& local;
    net::Dialer& uplink;
    assembly::ListenAt cloud;              // where the cloud hub listens
    assembly::ListenAt edge;               // where the edge hub is to listen; its ports once it does
    std::string folder;                    // for the modules' own data
    async::Event hub_listens;
};

CheckImage virtual_images();
MakeModule virtual_modules(VirtualDevice& device);

}  // namespace selvage::dev
