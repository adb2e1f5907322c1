// Keeps the certificate that clients see: fetched at start, renewed long before it ends, swapped while connections live.
//
// Runs on: the hub's loop.
#pragma once

#include <functional>
#include <memory>

#include "async/task_group.h"
#include "async/time_source.h"
#include "edge/workload/workload_client.h"
#include "net/tls.h"

namespace selvage::edge::hub {

class ServerCertificateKeeper {
public:
    // Asks for a certificate that is good until `expires`, or as long as the issuer grants.
    using Fetch = std::function<async::Awaitable<Result<ServerCertificate>>(UtcTime expires)>;

    ServerCertificateKeeper(async::Executor loop, async::TimeSource& time, Fetch fetch);
    ~ServerCertificateKeeper();

    // The first certificate; renewal goes on from here. Errors: as Fetch; malformed.
    async::Awaitable<Result<std::shared_ptr<net::TlsServerContext>>> start();
    async::Awaitable<> stop();

private:
    async::Awaitable<> renew_loop(UtcTime fetched, UtcTime expires);

    async::TimeSource& time_;
    Fetch fetch_;
    std::shared_ptr<net::TlsServerContext> context_;
    async::TaskGroup tasks_;
};

}  // namespace selvage::edge::hub
