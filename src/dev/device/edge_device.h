// The edge device: the security daemon over a virtual runtime, which brings up agent, edge hub and sensors by the deployment
// that the cloud hub has for it.
//
// Runs on: one loop. `uplink` is how the device reaches the cloud hub, `local` how its modules reach each other.
#pragma once

#include <memory>
#include <string>

#include "async/blocking_pool.h"
#include "dev/device/virtual_modules.h"
#include "edge/daemon/daemon.h"

namespace selvage::dev {

struct EdgeDeviceSettings {
    std::string folder;                    // absolute; made if absent
    std::string hub_host;
    std::string hub_ca_file;
    std::string device_id;
    std::string device_key;                // base64; secret
    assembly::ListenAt cloud;
    assembly::ListenAt edge;               // its address is the name that clients dial, too
};

class EdgeDevice {
public:
    EdgeDevice(assembly::Surroundings around, net::Dialer& local, net::Dialer& uplink, EdgeDeviceSettings settings);
    ~EdgeDevice();

    // Errors: io_error (files, sockets), invalid_argument (a folder whose name is too long for sockets).
    async::Awaitable<Result<>> start();
    async::Awaitable<> stop();

    // Returns when the edge hub listens, or when cancelled.
    async::Awaitable<> listens() { return device_.hub_listens.wait(); }
    bool is_listening() const { return device_.hub_listens.is_set(); }
    const assembly::ListenAt& listening_at() const { return device_.edge; }

    // For IOTEDGE_HOST.
    std::string management_uri() const;
    // The CA of this device, PEM; after start().
    std::string ca_file() const;

private:
    Result<edge::daemon::DaemonSettings> daemon_settings() const;

    EdgeDeviceSettings settings_;
    VirtualDevice device_;
    VirtualRuntime runtime_;
    async::BlockingPool blocking_;
    std::unique_ptr<edge::daemon::Daemon> daemon_;
};

}  // namespace selvage::dev
