// An edge-hub: its stores, its credentials, its object graph, its listeners.
//
//   EdgeProcess hub(around, dialer, environment);
//   SELVAGE_CHECK(hub.open_stores());
//   co_await hub.start();        // waits for the daemon and for a first configuration; listens when this returns
//   co_await hub.stop();
//
// Runs on: the loop given. Once open_stores() has been called, stop() is to be called before destruction.
#pragma once

#include <memory>

#include "assembly/surroundings.h"
#include "edge/hub/environment/hub_environment.h"
#include "net/dial.h"

namespace selvage::assembly {

class EdgeProcess {
public:
    // `dialer`: for the hub above and the daemon; outlives the process.
    EdgeProcess(Surroundings around, net::Dialer& dialer, edge::hub::HubEnvironment environment);
    ~EdgeProcess();

    // Blocks (start-up). Errors: io_error, corrupt, already_exists.
    Result<> open_stores();
    // Errors: cancelled (stop() came first), io_error (a port), those of the credentials.
    async::Awaitable<Result<>> start();
    async::Awaitable<> stop();

    // Of MQTT; with the ports that were bound, 0 for a head that is switched off. After start().
    ListenAt listening_at() const;

private:
    struct Parts;
    std::unique_ptr<Parts> parts_;
};

}  // namespace selvage::assembly
