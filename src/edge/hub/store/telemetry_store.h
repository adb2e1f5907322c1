// Store and forward: a message goes into the queue of every endpoint that a route names, and its sender hears when it is
// durable there.
//
// Runs on: the hub's loop. Bounded by the log: a full disk or too much waiting for the disk refuses the message with the
// log's own error. A message that no route takes is done at once, and counted.
#pragma once

#include <chrono>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "domain/message.h"
#include "edge/hub/counters.h"
#include "edge/hub/store/queue_name.h"
#include "storage/log/message_log.h"

namespace selvage::edge::hub {

// One queue of the log and what it is for.
struct StoredQueue {
    storage::QueueId id = 0;
    QueueAddress address;
};

class TelemetryStore {
public:
    // Called for each queue once: those found in the log at open(), then those that new routes make.
    using OnQueue = std::function<void(const StoredQueue&)>;

    TelemetryStore(storage::MessageLog& log, const Clock& clock, std::string edge_device, HubCounters& counters);

    // Announces the queues that the log already has: what was stored for an endpoint is delivered even when no route leads
    // there any more.
    void open(OnQueue on_queue);

    // The routes and the hub's own time to live (nothing: for ever) for messages from now on.
    void apply(query::RouteTable routes, std::optional<std::chrono::seconds> time_to_live);

    // Appends to all matched queues. `done`: once, maybe inside this call when no route matches. What a sender had on its way
    // behind a refused message is refused too: nothing overtakes.
    void accept(const domain::Message& message, storage::MessageLog::Done done);

    // Drops the queues of a module that has left the device; gives how many messages went with them. Queues that a route
    // leads to stay.
    std::uint64_t drop_module(std::string_view module);

    const query::RouteTable& routes() const { return routes_; }

private:
    const StoredQueue& queue_for(const QueueAddress& address);
    UtcTime expiry_of(const query::Route& route, UtcTime now) const;

    storage::MessageLog& log_;
    const Clock& clock_;
    std::string edge_device_;
    HubCounters& counters_;
    OnQueue on_queue_;
    query::RouteTable routes_;
    std::optional<std::chrono::seconds> time_to_live_;
    std::vector<StoredQueue> queues_;
    std::string record_;    // reused for each message
};

}  // namespace selvage::edge::hub
