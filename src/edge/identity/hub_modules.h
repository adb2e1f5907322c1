// The device's module identities at the hub, over its REST interface and with the device's own key.
//
// Runs on: the caller's loop; calls may overlap. Each has a deadline and is tried again as the settings say.
// Wire: docs/wire/identity-rest.md. Errors: unavailable and timeout (no answer, 5xx, or the parent is offline itself: try
// later), throttled, unauthorized, not_found, precondition_failed, internal (anything else).
#pragma once

#include <chrono>
#include <memory>
#include <string>
#include <vector>

#include "async/time_source.h"
#include "edge/identity/key_store.h"
#include "edge/management/module_details.h"
#include "net/dial.h"
#include "net/http.h"

namespace selvage::edge::identity {

using async::Awaitable;
using management::ModuleIdentity;

struct HubModulesSettings {
    std::string hub_host;              // what the tokens name
    std::string gateway_host;          // who is called: the hub, or the parent device
    std::uint16_t port = 443;
    std::string device_id;
    std::shared_ptr<net::TlsClientContext> tls{};
    std::chrono::milliseconds timeout{70'000};   // a request
    unsigned retries = 1;
    std::chrono::milliseconds pause{3'000};      // before a retry
};

// Base64, as the hub stores them.
struct ModuleKeys {
    std::string primary;
    std::string secondary;
};

class HubModules {
public:
    // All outlive it.
    HubModules(net::Dialer& dialer, async::TimeSource& time, const KeyStore& keys, HubModulesSettings settings);

    Awaitable<Result<std::vector<ModuleIdentity>>> list();
    Awaitable<Result<ModuleIdentity>> get(std::string module_id);
    // Without keys; put_keys follows. Errors: already_exists too.
    Awaitable<Result<ModuleIdentity>> create(std::string module_id);
    Awaitable<Result<ModuleIdentity>> put_keys(std::string module_id, ModuleKeys keys);
    Awaitable<Result<>> remove(std::string module_id);

    const HubModulesSettings& settings() const { return settings_; }

private:
    struct Call {
        std::string method;
        std::string module_id;     // empty: the collection
        std::string body{};
        bool if_match_any = false;
        int success = 200;
    };
    Awaitable<Result<std::string>> send(Call call);
    Awaitable<Result<std::string>> send_once(Call call);
    Awaitable<Result<ModuleIdentity>> send_for_identity(Call call);
    Result<std::string> authorization() const;

    net::Dialer& dialer_;
    async::TimeSource& time_;
    const KeyStore& keys_;
    HubModulesSettings settings_;
};

}  // namespace selvage::edge::identity
