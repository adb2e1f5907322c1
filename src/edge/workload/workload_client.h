// The workload API as modules see it: signs, encrypts, hands out certificates for the module that calls.
//
// Wire: docs/wire/workload-api.md. HTTP over the Unix socket of IOTEDGE_WORKLOADURI.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "async/time_source.h"
#include "base/result.h"
#include "device_client/device_client.h"
#include "net/dial.h"

namespace selvage::edge {

// What a module finds in its environment. Read in apps/ and modules/, passed on as a value.
struct ModuleEnvironment {
    std::string workload_uri;          // IOTEDGE_WORKLOADURI
    std::string management_uri;        // IOTEDGE_MANAGEMENTURI (edgeAgent)
    std::string api_version;           // IOTEDGE_APIVERSION; 2018-06-28 when unset, as the SDKs take
    std::string iothub_host;           // IOTEDGE_IOTHUBHOSTNAME
    std::string gateway_host;          // IOTEDGE_GATEWAYHOSTNAME; empty: none
    std::string edge_device_host;      // EdgeDeviceHostName
    std::string device_id;
    std::string module_id;
    std::string generation_id;
};
// Errors: invalid_argument naming the variable that is missing, or an IOTEDGE_AUTHSCHEME other than sasToken. `get` is
// getenv-like: null when unset.
Result<ModuleEnvironment> read_module_environment(const std::function<const char*(const char*)>& get);

struct ServerCertificate {
    std::string chain_pem;
    std::string key_pem;               // secret
    UtcTime expires{};
};

// Each call is tried four times when the daemon cannot be reached or answers 5xx, with 0.1, 0.2 and 0.4 s between. Errors:
// unavailable, timeout; forbidden (the daemon does not take the caller for this module), not_found, invalid_argument,
// malformed (an answer that is not what it should be).
//
// Runs on: one loop.
class WorkloadClient {
public:
    WorkloadClient(net::Dialer& dialer, async::TimeSource& time, ModuleEnvironment environment);
    ~WorkloadClient();

    async::Awaitable<Result<std::string>> sign(std::string data);                       // raw HMAC-SHA256 digest
    async::Awaitable<Result<std::string>> trust_bundle();                               // PEM
    async::Awaitable<Result<ServerCertificate>> server_certificate(std::string common_name, UtcTime expires);
    async::Awaitable<Result<std::string>> encrypt(std::string plaintext, std::string iv);
    async::Awaitable<Result<std::string>> decrypt(std::string sealed, std::string iv);

private:
    struct Impl;
    std::unique_ptr<Impl> impl_;
};

// Tokens signed by the workload API; `client` outlives it.
std::unique_ptr<device_client::TokenSource> token_source_from_workload(WorkloadClient& client);

}  // namespace selvage::edge
