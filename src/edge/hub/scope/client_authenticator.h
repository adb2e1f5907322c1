// Decides whether a module or leaf device is who it says it is, by its SAS token and the scope cache.
//
// Runs on: the hub's loop. A verdict comes in bounded time: at most one question to the hub above, of `patience` at most.
// Wire: docs/wire/edge-hub.md#authentication.
#pragma once

#include <chrono>
#include <string>

#include "async/time_source.h"
#include "codec/sas/sas_token.h"
#include "edge/hub/scope/scope_cache.h"
#include "hub_api/hub.h"

namespace selvage::edge::hub {

class ClientAuthenticator {
public:
    struct Settings {
        std::string edge_device;
        std::string hub_host;                      // audiences name this one …
        std::string edge_host;                     // … or this one
        std::chrono::seconds patience{10};
    };
    ClientAuthenticator(async::TimeSource& time, ScopeCache& scope, Settings settings);

    // Errors: as hub_api::Hub::authenticate. `unavailable` when the identity is not known and the hub above cannot be asked.
    async::Awaitable<Result<hub_api::Grant>> authenticate(hub_api::Credentials credentials);

    // The same check against what is cached now, without asking: for connections that live while keys change.
    Result<hub_api::Grant> check_cached(const hub_api::Credentials& credentials) const;

private:
    // What the token says for itself: form, audience, expiry.
    Result<codec::SasToken> check_token(const hub_api::Credentials& credentials) const;
    // Whether the identity is known, enabled, and the signature one of its keys'.
    Result<hub_api::Grant> check_identity(const domain::Identity& identity, const codec::SasToken& token) const;

    async::TimeSource& time_;
    ScopeCache& scope_;
    Settings settings_;
};

}  // namespace selvage::edge::hub
