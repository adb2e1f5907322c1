// What lets the edge hub be `$edgeHub`: tokens, its server certificate, whom it trusts, and encryption for its state. From the
// device's security daemon, or from files and a key for developers.
//
// Runs on: the hub's loop.
#pragma once

#include <memory>
#include <string>

#include "async/time_source.h"
#include "device_client/device_client.h"
#include "edge/hub/environment/hub_environment.h"
#include "edge/hub/state/data_key.h"
#include "edge/workload/workload_client.h"

namespace selvage::edge::hub {

class HubCredentials {
public:
    virtual ~HubCredentials() = default;
    virtual device_client::TokenSource& tokens() = 0;
    virtual Sealer& sealer() = 0;
    // PEM. Errors: unavailable, io_error.
    virtual async::Awaitable<Result<std::string>> trusted() = 0;
    // For the name that clients dial. Errors: unavailable, io_error, malformed.
    virtual async::Awaitable<Result<ServerCertificate>> server_certificate(UtcTime expires) = 0;
};

// `dialer` and `time` outlive the credentials.
std::unique_ptr<HubCredentials> credentials_from_daemon(net::Dialer& dialer, async::TimeSource& time,
                                                        edge::ModuleEnvironment environment);
// Files are read anew each time, so a renewed certificate file is taken at the next renewal. Reading blocks for a moment:
// for developers only.
std::unique_ptr<HubCredentials> credentials_for_developer(DeveloperMode developer);

}  // namespace selvage::edge::hub
