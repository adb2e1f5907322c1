// THE contract: what a protocol head asks of a hub, and what a hub asks of a connected device.
//
// The life of a connection: the head collects credentials and calls Hub::authenticate; with the Grant it calls Hub::open,
// giving a DeviceSink; it gets a DeviceSession, and talks through that until it destroys the session. A DeviceSession
// belongs to one identity, not to one connection: an AMQP connection holds many, an HTTP request one.
//
// Runs on: the hub's loop, all of it. Calls in either direction may happen inside calls in the other; implementations
// tolerate that. Nothing here throws.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "async/awaitable.h"
#include "base/clock.h"
#include "base/result.h"
#include "domain/direct_method.h"
#include "domain/identity.h"
#include "domain/message.h"

namespace selvage::hub_api {

using async::Awaitable;

// ---- who is there -------------------------------------------------------------------------------------------------

// What a client presented. Texts are as received; the hub parses and checks them.
struct Credentials {
    domain::Identity identity;                       // who the client says it is
    std::string sas_token;                           // empty: none presented
    std::vector<std::string> certificate_chain_pem;  // leaf first; empty: none presented
    std::string auth_chain;                          // "leaf;edge1;…": acting on behalf of; empty: for itself
};

// Proof that Hub::authenticate said yes.
struct Grant {
    domain::Identity identity;
    // When the token (or certificate) ends; the head closes the connection then, with the grace that tokens have for clocks
    // that differ. Nothing: no end.
    std::optional<UtcTime> expires;
    std::string auth_method;          // JSON text for connection_auth_method
    std::string generation_id;
    std::string auth_chain{};         // as presented, once proven: whose rights the connection also rests on
    std::optional<std::uint64_t> proven_after{};   // the hub's own
};

struct ConnectionInfo {
    std::string protocol;             // "mqtt", "mqtt-ws", "amqp", … for logs
    std::string remote_address;       // for logs
    std::string product_info;         // DeviceClientType, decoded
    std::string model_id;             // DTMI; empty: none
    // For one request, as HTTPS has them: the session neither replaces others of its identity nor is replaced, and does not
    // make the identity connected. It has telemetry, the twin and C2D.
    bool transient = false;
};

// ---- hub → device --------------------------------------------------------------------------------------------------

// The streams that a client may switch on.
enum class Feed : std::uint8_t { inputs, c2d, methods, desired };

// Names one delivery until it is settled. Unique within a DeviceSession.
using LockToken = std::uint64_t;

struct Delivery {
    LockToken token = 0;
    Feed feed = Feed::inputs;         // inputs or c2d
    std::uint32_t delivery_count = 0;
    domain::Message message;          // input_name is set for inputs
};

enum class CloseReason {
    replaced,         // a newer connection of the same identity
    identity_removed,
    identity_disabled,
    unauthorized,     // keys changed, or no longer in scope
    shutting_down,
    overloaded,
};

// Implemented by a head for one identity. The hub holds it weakly through the session: no call comes after the session is
// destroyed. Calls return at once; the head queues within the credit it granted.
class DeviceSink {
public:
    virtual ~DeviceSink() = default;
    // At most as many unsettled deliveries per feed as DeviceSession::set_window allowed.
    virtual void deliver(Delivery delivery) = 0;
    // `patch`: JSON text of the change as applied, with $version.
    virtual void desired_changed(std::int64_t version, const std::string& patch) = 0;
    // The head answers through DeviceSession::answer_method with the same id.
    virtual void invoke_method(const std::string& request_id, const domain::MethodRequest& request) = 0;
    // The connection (or link) is to go. The head destroys the session soon; the hub has already forgotten it.
    virtual void close(CloseReason reason) = 0;
};

// ---- device → hub --------------------------------------------------------------------------------------------------

enum class Outcome { completed, abandoned, rejected };

// Called once, on the hub's loop: the message is durable for every matched endpoint (the permission to acknowledge), or it
// is refused and not stored.
using SendDone = std::move_only_function<void(const Result<>&)>;

// Destroying a session ends it: unsettled deliveries go back to their queues, feeds are off.
class DeviceSession {
public:
    virtual ~DeviceSession() = default;

    // Telemetry. Callbacks come in the order of the calls of one session. Errors given to `done`: message_too_large;
    // quota_exceeded (store is full); throttled; unavailable.
    virtual void send_telemetry(domain::Message message, SendDone done) = 0;

    // JSON text {"desired":{…},"reported":{…}}, both with $version. Errors: not_found, unavailable.
    virtual Awaitable<Result<std::string>> get_twin() = 0;

    // Merges a JSON object into the reported properties; gives their new $version. With `if_version`, only when that is the
    // current one. Errors: malformed, invalid_argument, precondition_failed, quota_exceeded, unavailable.
    virtual Awaitable<Result<std::int64_t>> patch_reported(std::string patch, std::optional<std::int64_t> if_version) = 0;

    // Switches a feed on or off; returns when it is in effect: messages that wait have been delivered then, as far as the
    // window lets them. Errors: unsupported (a transient session, and the feed is not c2d).
    virtual Awaitable<Result<>> subscribe(Feed feed, bool on) = 0;

    // How many unsettled deliveries of a feed the head takes (0 at first: none).
    virtual void set_window(Feed feed, std::uint32_t deliveries_max) = 0;

    // Settles a delivery. False: the lock is lost (unknown or expired token).
    virtual bool settle(LockToken token, Outcome outcome) = 0;

    // Unknown or late ids are ignored. `response.payload` is JSON or empty; the hub checks it.
    virtual void answer_method(const std::string& request_id, domain::MethodResponse response) = 0;
};

// ---- the hub -------------------------------------------------------------------------------------------------------

// MQTT sessions with clean session 0 outlive their connection: the filters are kept by the hub's store.
struct StoredFilter {
    std::string filter;
    std::uint8_t qos = 0;
    bool operator==(const StoredFilter&) const = default;
};

class Hub {
public:
    virtual ~Hub() = default;

    // The name that clients dial and that SAS audiences carry.
    virtual const std::string& host_name() const = 0;

    // Errors: unauthorized (bad or expired token, wrong audience), device_disabled, device_not_found, module_not_found,
    // forbidden (not in scope of the actor), unavailable. Heads tell clients no more than the wire's own code; the detail
    // is for the log.
    virtual Awaitable<Result<Grant>> authenticate(Credentials credentials) = 0;

    // Opens the one session of an identity; an older one, on any protocol, is closed first (CloseReason::replaced). Or a
    // transient one beside it; `unsupported` where a hub has none. Errors: quota_exceeded (too many clients), unavailable.
    virtual Awaitable<Result<std::unique_ptr<DeviceSession>>> open(Grant grant, ConnectionInfo info,
                                                                   std::weak_ptr<DeviceSink> sink) = 0;

    // Direct method to any identity of this hub, from `caller` (for logs and metrics). Errors: device_not_found,
    // module_not_found, not_online, timeout, bad_device_response, invalid_argument.
    virtual Awaitable<Result<domain::MethodResponse>> invoke_method(domain::Identity target, domain::MethodRequest request) = 0;

    // Empty: no stored session. `save_filters` with an empty list keeps a session without filters; `forget_filters` ends it.
    virtual Awaitable<Result<std::optional<std::vector<StoredFilter>>>> load_filters(domain::Identity identity) = 0;
    virtual Awaitable<Result<>> save_filters(domain::Identity identity, std::vector<StoredFilter> filters) = 0;
    virtual Awaitable<Result<>> forget_filters(domain::Identity identity) = 0;
};

}  // namespace selvage::hub_api
