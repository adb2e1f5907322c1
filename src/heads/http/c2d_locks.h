// C2D messages that were handed out over HTTP and wait for their settlement, which comes in another request.
//
// Each holds the transient session it came by, since a session's end gives its messages back. Runs on: the hub's loop.
// Bounded: `locks_max`; what is over its time goes when the next one is looked at.
#pragma once

#include <memory>
#include <string>
#include <unordered_map>

#include "async/time_source.h"
#include "base/random.h"
#include "heads/http/http_head.h"
#include "hub_api/hub.h"

namespace selvage::heads::http {

// Takes the one message that a window of one lets through.
class C2dReceiver final : public hub_api::DeviceSink {
public:
    void deliver(hub_api::Delivery delivery) override {
        if (!received) received = std::move(delivery);
    }
    // Feeds that are never switched on.
    void desired_changed(std::int64_t, const std::string&) override {}
    void invoke_method(const std::string&, const domain::MethodRequest&) override {}
    // The session's own calls say that it has ended.
    void close(hub_api::CloseReason) override {}

    std::optional<hub_api::Delivery> received;
};

class C2dLocks {
public:
    C2dLocks(async::TimeSource& time, Random& random, HttpHeadSettings settings)
        : time_(time), random_(random), settings_(settings) {}

    // Errors: throttled (as many messages are out as may be).
    Result<> check_room();

    // Keeps the session that holds the message (but not the message). Returns its lock token: a GUID, the hub's own when it
    // gave one.
    std::string keep(domain::Identity identity, const hub_api::Delivery& delivery,
                     std::unique_ptr<hub_api::DeviceSession> session);

    // Errors: precondition_failed (the lock is lost, or never was this identity's).
    Result<> settle(const domain::Identity& identity, const std::string& lock_token, hub_api::Outcome outcome);

private:
    struct Lock {
        domain::Identity identity;
        TimePoint ends;
        hub_api::LockToken token = 0;
        std::unique_ptr<hub_api::DeviceSession> session;
    };
    void drop_ended();

    async::TimeSource& time_;
    Random& random_;
    HttpHeadSettings settings_;
    std::unordered_map<std::string, Lock> locks_;
};

}  // namespace selvage::heads::http
