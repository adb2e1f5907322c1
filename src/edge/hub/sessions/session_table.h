// Who is connected to this hub now: at most one session an identity.
//
// Runs on: the hub's loop. Bounded: `clients_max` sessions; past that open() fails with quota_exceeded. Only sessions that
// live count: who was here before has no privilege.
#pragma once

#include <map>
#include <memory>

#include "edge/hub/sessions/client_session.h"

namespace selvage::edge::hub {

// Told of connections. Called on the loop.
class SessionListener {
public:
    virtual ~SessionListener() = default;
    virtual void client_connected(const domain::Identity& identity) = 0;
    virtual void client_disconnected(const domain::Identity& identity) = 0;
};

class SessionTable {
public:
    SessionTable(SessionParts& parts, SessionListener& listener, std::size_t clients_max);

    // The handle ends the session when it is destroyed. An older session of the identity is closed first (replaced).
    Result<std::unique_ptr<hub_api::DeviceSession>> open(hub_api::Grant grant, hub_api::ConnectionInfo info,
                                                         std::weak_ptr<hub_api::DeviceSink> sink);
    // Null when not connected.
    std::shared_ptr<ClientSession> find(const domain::Identity& identity) const;
    void close(const domain::Identity& identity, hub_api::CloseReason reason);
    void close_all(hub_api::CloseReason reason);
    std::size_t size() const { return sessions_.size(); }

private:
    class Handle;
    void ended(const std::shared_ptr<ClientSession>& session);

    SessionParts& parts_;
    SessionListener& listener_;
    std::size_t clients_max_;
    std::map<domain::Identity, std::shared_ptr<ClientSession>> sessions_;
};

}  // namespace selvage::edge::hub
