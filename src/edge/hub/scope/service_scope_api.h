// The ScopeApi over HTTPS, with the edge hub's own token.
//
// Runs on: the hub's loop. Each call has a deadline; nothing is repeated here, the cache decides when to ask again.
// Wire: docs/wire/edge-hub.md#scope.
#pragma once

#include "async/time_source.h"
#include "device_client/device_client.h"
#include "edge/hub/scope/scope_api.h"
#include "net/http.h"

namespace selvage::edge::hub {

class ServiceScopeApi final : public ScopeApi {
public:
    struct Settings {
        std::string edge_device;
        std::string hub_host;              // for the audience of the token
        net::Target target;                // where to dial
        std::chrono::seconds deadline{20};
    };
    ServiceScopeApi(net::Dialer& dialer, async::TimeSource& time, device_client::TokenSource& tokens, Settings settings);

    async::Awaitable<Result<ScopePage>> list(std::string continuation) override;
    async::Awaitable<Result<ScopeIdentity>> get(domain::Identity identity) override;

private:
    async::Awaitable<Result<net::HttpResponse>> post(std::string operation, JsonObject body);
    async::Awaitable<Result<net::HttpResponse>> post_without_deadline(std::string operation, std::string body);

    async::TimeSource& time_;
    device_client::TokenSource& tokens_;
    Settings settings_;
    net::HttpClient http_;
};

}  // namespace selvage::edge::hub
