// The edge hub: what the protocol heads see as a hub, over a local store, with the real hub above it.
//
// Owns: authentication by the cached scope, routing into the durable store, delivery to the hub above and to module inputs,
// cached twins, direct methods. Does not own: the listeners and heads (apps/ wires them), the stores, the network.
//
// Runs on: one loop. start() returns when there is a configuration to work by, stored or fetched: only then may heads be
// started. Order of an end: stop the heads, then stop(), then the stores.
#pragma once

#include <memory>

#include "async/time_source.h"
#include "base/random.h"
#include "device_client/device_client.h"
#include "edge/hub/counters.h"
#include "edge/hub/settings.h"
#include "hub_api/hub.h"
#include "net/dial.h"
#include "storage/log/message_log.h"
#include "storage/state_store.h"

namespace selvage::edge::hub {

class EdgeHub final : public hub_api::Hub {
public:
    // What the hub works with; all of it outlives the hub.
    struct Surroundings {
        async::Executor loop;
        async::TimeSource& time;
        Random& random;
        net::Dialer& dialer;
        device_client::TokenSource& tokens;    // of `$edgeHub`
        storage::MessageLog& log;
        storage::StateStore& state;
        std::string data_key;                  // state/data_key.h; secret
        // The clock of those who connect, by which their tokens end and their calls of methods time out; null: `time`.
        async::TimeSource* client_time = nullptr;
    };
    EdgeHub(Surroundings surroundings, HubSettings settings);
    ~EdgeHub() override;

    // Errors: io_error (the stores), cancelled (stop() came first).
    async::Awaitable<Result<>> start();
    async::Awaitable<> stop();

    const HubCounters& counters() const;

    // ---- hub_api::Hub ----
    const std::string& host_name() const override;
    hub_api::Awaitable<Result<hub_api::Grant>> authenticate(hub_api::Credentials credentials) override;
    hub_api::Awaitable<Result<std::unique_ptr<hub_api::DeviceSession>>> open(hub_api::Grant grant, hub_api::ConnectionInfo info,
                                                                             std::weak_ptr<hub_api::DeviceSink> sink) override;
    hub_api::Awaitable<Result<domain::MethodResponse>> invoke_method(domain::Identity target,
                                                                     domain::MethodRequest request) override;
    hub_api::Awaitable<Result<std::optional<std::vector<hub_api::StoredFilter>>>> load_filters(domain::Identity identity) override;
    hub_api::Awaitable<Result<>> save_filters(domain::Identity identity, std::vector<hub_api::StoredFilter> filters) override;
    hub_api::Awaitable<Result<>> forget_filters(domain::Identity identity) override;

private:
    struct Core;
    std::unique_ptr<Core> core_;
};

}  // namespace selvage::edge::hub
