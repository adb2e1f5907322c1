// Who is connected to this hub right now: one live session an identity, with what it listens to.
//
// The table is where the other rooms of the cloud hub find a device to talk to (methods, desired changes), and where
// the registry ends connections that have lost their right to be. It knows no wire, and asks no store.
//
// Runs on: the hub's loop. Bounded: `clients_max` sessions; past that open() fails with quota_exceeded.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include "async/event.h"
#include "base/clock.h"
#include "base/result.h"
#include "domain/direct_method.h"
#include "domain/identity.h"
#include "hub_api/hub.h"
#include "storage/registry_store.h"

namespace selvage::cloud::sessions {

using MethodDone = std::move_only_function<void(Result<domain::MethodResponse>)>;

// One connected identity. Shared between the table and the DeviceSession that a head holds; `ended` once it is neither
// current nor to be used.
struct LiveSession {
    domain::Identity identity;
    // Device ids of an auth chain, when the connection is kept by an edge hub on the identity's behalf.
    std::vector<std::string> chain;
    std::weak_ptr<hub_api::DeviceSink> sink;
    bool wants_methods = false;
    bool wants_desired = false;
    bool ended = false;
    bool transient = false;           // never in the table
    std::string model_id;             // DTMI; empty: none announced
    UtcTime opened{};
    UtcTime last_activity{};
    // Direct methods that the device has not answered yet, by request id.
    std::unordered_map<std::string, MethodDone> methods_waiting;
};

class SessionTable {
public:
    SessionTable(async::Executor loop, std::size_t clients_max) : loop_(std::move(loop)), clients_max_(clients_max) {}

    // Makes the one session of `identity`; an older one is closed first (replaced). Errors: quota_exceeded.
    Result<std::shared_ptr<LiveSession>> open(domain::Identity identity, std::vector<std::string> chain,
                                              std::weak_ptr<hub_api::DeviceSink> sink, UtcTime now);
    // A session for one request, beside the one of the table.
    static std::shared_ptr<LiveSession> make_transient(domain::Identity identity, std::vector<std::string> chain,
                                                       std::weak_ptr<hub_api::DeviceSink> sink, UtcTime now);
    // The head is done with it. Methods that wait for it fail with connection_closed. Idempotent.
    void end(const std::shared_ptr<LiveSession>& session);

    // Null when not connected.
    std::shared_ptr<LiveSession> find(const domain::Identity& identity) const;

    // Closes the connection of one identity; of a device and all its modules; of all that `device` or an edge device
    // above it holds open on behalf of others, or that others hold open on behalf of `device`.
    void revoke(const domain::Identity& identity, hub_api::CloseReason reason);
    void revoke_device(const std::string& device, hub_api::CloseReason reason);
    void revoke_on_behalf(const std::string& device, hub_api::CloseReason reason);
    void close_all(hub_api::CloseReason reason);

    // Called when a session begins to listen for methods: wakes those in wait_for_methods.
    void methods_wanted(const LiveSession& session);
    // Returns once a session of `identity` may listen for methods, or when cancelled; look with find() again.
    async::Awaitable<> wait_for_methods(domain::Identity identity);

    // Connection records that are not in the registry yet, the newest of each identity. The hub keeps them there and stores
    // them now and then; what is here is newer than what is stored.
    std::map<domain::Identity, storage::ConnectionRecord>& unsaved() { return unsaved_; }

    std::vector<domain::Identity> identities() const;
    std::size_t size() const { return sessions_.size(); }
    // How many devices (not modules) are connected.
    std::size_t connected_devices() const;

private:
    using Sessions = std::map<domain::Identity, std::shared_ptr<LiveSession>>;
    void close(std::shared_ptr<LiveSession> session, hub_api::CloseReason reason);
    void close_all_of(std::vector<std::shared_ptr<LiveSession>> sessions, hub_api::CloseReason reason);

    async::Executor loop_;
    std::size_t clients_max_;
    Sessions sessions_;
    std::map<domain::Identity, std::weak_ptr<async::Event>> method_waiters_;
    std::map<domain::Identity, storage::ConnectionRecord> unsaved_;
};

}  // namespace selvage::cloud::sessions
