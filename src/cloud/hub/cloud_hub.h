// The cloud hub behind the protocol heads: joins authentication, sessions, telemetry, twins and methods to
// hub_api::Hub.
//
// Runs on: one loop, which is the hub's. start nothing by itself; stop() closes all connections and waits for its own
// work.
#pragma once

#include <string>

#include "async/task_group.h"
#include "async/time_source.h"
#include "cloud/auth/authenticator.h"
#include "cloud/c2d/mailboxes.h"
#include "cloud/methods/direct_methods.h"
#include "cloud/sessions/session_table.h"
#include "cloud/sessions/stored_sessions.h"
#include "cloud/telemetry/event_log.h"
#include "cloud/twins/twins.h"
#include "hub_api/hub.h"
#include "storage/registry_store.h"

namespace selvage::cloud::hub {

using async::Awaitable;

// What a hub is made of; all of it outlives the hub and its sessions.
struct Parts {
    async::TimeSource& time;
    storage::RegistryStore& store;
    sessions::SessionTable& sessions;
    sessions::StoredSessions& stored_sessions;
    auth::Authenticator& authenticator;
    twins::Twins& twins;
    methods::DirectMethods& methods;
    c2d::Mailboxes& mailboxes;
    telemetry::EventLog& events;
};

class CloudHub final : public hub_api::Hub {
public:
    CloudHub(async::Executor loop, std::string host_name, Parts parts);

    const std::string& host_name() const override { return host_name_; }
    Awaitable<Result<hub_api::Grant>> authenticate(hub_api::Credentials credentials) override;
    Awaitable<Result<std::unique_ptr<hub_api::DeviceSession>>> open(hub_api::Grant grant, hub_api::ConnectionInfo info,
                                                                    std::weak_ptr<hub_api::DeviceSink> sink) override;
    Awaitable<Result<domain::MethodResponse>> invoke_method(domain::Identity target,
                                                            domain::MethodRequest request) override;
    Awaitable<Result<std::optional<std::vector<hub_api::StoredFilter>>>> load_filters(
        domain::Identity identity) override;
    Awaitable<Result<>> save_filters(domain::Identity identity, std::vector<hub_api::StoredFilter> filters) override;
    Awaitable<Result<>> forget_filters(domain::Identity identity) override;

    // Closes every connection, ends the hub's own work and stores when connections came and went.
    Awaitable<> stop();

private:
    friend class CloudSession;
    void remember_connection(const sessions::LiveSession& session, bool connected);
    // The same for a session that is no connection.
    void remember_activity(const domain::Identity& identity);
    Awaitable<> save_activity(domain::Identity identity, UtcTime when);
    // While there is something to save.
    Awaitable<> save_now_and_then();
    Awaitable<> save_unsaved();
    Awaitable<Result<>> still_allowed(hub_api::Grant grant);

    std::string host_name_;
    Parts parts_;
    bool saving_ = false;
    async::TaskGroup tasks_;
};

}  // namespace selvage::cloud::hub
