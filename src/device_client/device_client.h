// The device side of the protocol: one identity on one MQTT connection to a hub, reconnecting for as long as it lives.
//
// Used by edge-agent, by edge-hub's upstream links, by the modules written in C++ and by the load generator. Works against
// selvage-hub, edge-hub and Azure IoT Hub alike.
//
// Runs on: one loop. Bounded: at most `window` messages are unacknowledged; past that send() refuses, and the caller waits
// with room(). Reconnects for ever, waiting a random part of 1 s, 2 s, 4 s … reconnect_max; a refusal for bad credentials is retried
// alike (a hub that has just started may not know its identities yet). A token is renewed at 80 % of its life: the window is
// drained, the connection made anew; while no new token can be had the old connection stays.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "async/time_source.h"
#include "base/random.h"
#include "base/result.h"
#include "domain/direct_method.h"
#include "domain/identity.h"
#include "domain/message.h"
#include "net/dial.h"

namespace selvage::device_client {

using async::Awaitable;

// Makes SAS tokens for the connection: from a key, or by asking the workload API to sign.
class TokenSource {
public:
    virtual ~TokenSource() = default;
    // A token for `resource` ("hub/devices/d[/modules/m]", ids percent-encoded) that is good until `expires`.
    virtual Awaitable<Result<std::string>> token(std::string resource, UtcTime expires) = 0;
};
std::unique_ptr<TokenSource> token_source_from_key(std::string key_base64);

struct ClientSettings {
    domain::Identity identity;
    std::string hub_host;             // in user name and audience
    net::Target target;               // where to dial: the hub itself or a gateway, port 8883, with TLS context
    std::string product_info;
    std::string model_id;
    // On behalf of another: `auth_chain` goes into the user name and the token is that of `token_identity`.
    std::string auth_chain;
    std::optional<domain::Identity> token_identity;
    std::chrono::seconds token_lifetime{3600};
    std::chrono::seconds keep_alive{60};
    std::chrono::seconds reconnect_max{60};    // the longest wait between two attempts to connect
    std::size_t window = 256;         // unacknowledged messages
    std::size_t window_bytes = 4 << 20;
    bool clean_session = false;
};

enum class LinkState { connecting, connected, stopped };

// What the hub sends us. Called on the loop. Subscriptions follow from which handlers are set at start().
struct Handlers {
    // After each connection and at its loss (`why` says how it went; null on `connected` and `stopped`). On `connected`
    // subscriptions are in place; get the twin now. A loss is told after the results of all unacknowledged messages.
    std::function<void(LinkState state, const Error* why)> on_state;
    // JSON text with $version.
    std::function<void(std::int64_t version, std::string patch)> on_desired;
    // Runs as a task of the client (at most 32 at once, more are answered 429); its result is sent back if the connection
    // that brought the request is still there.
    std::function<Awaitable<domain::MethodResponse>(domain::MethodRequest request)> on_method;
    // Module inputs (modules) or C2D messages (devices). Call `acknowledge` once, later if you like: it sends the PUBACK.
    // It does nothing once the connection is gone: the hub delivers again.
    std::function<void(domain::Message message, std::move_only_function<void()> acknowledge)> on_message;
};

class DeviceClient {
public:
    DeviceClient(async::Executor loop, async::TimeSource& time, Random& random, net::Dialer& dialer, TokenSource& tokens,
                 ClientSettings settings, Handlers handlers);
    ~DeviceClient();

    // Begins to connect; returns at once.
    void start();
    // DISCONNECT, then ends all. Call before destruction.
    Awaitable<> stop();

    LinkState state() const;
    // Waits for the next `connected` state; false when stopped.
    Awaitable<bool> connected();

    // Called once, on the loop: acknowledged by the hub (durable there), or connection_closed: the connection was lost
    // before the acknowledgement and the message may or may not have arrived. The client does not resend: the caller keeps
    // the message and its order.
    using SendDone = std::move_only_function<void(const Result<>&)>;
    // False: not connected or the window is full; the message was not taken. A message that can never be sent is taken and
    // refused at once, inside this call: message_too_large, invalid_argument.
    bool send(const domain::Message& message, SendDone done);
    // Waits until send() would be taken (connected and window open); false when stopped.
    Awaitable<bool> room();

    // JSON text of the device document. Errors: connection_closed, timeout (30 s), throttled (also: 64 requests are waiting),
    // or the hub's: not_found, invalid_argument, …
    Awaitable<Result<std::string>> get_twin();
    // The new $version of the reported properties (0 when the hub does not say). Errors as above.
    Awaitable<Result<std::int64_t>> patch_reported(std::string patch);

private:
    struct Impl;
    // Shared with coroutines that still wait in room() or get_twin() when the client goes.
    std::shared_ptr<Impl> impl_;
};

}  // namespace selvage::device_client
