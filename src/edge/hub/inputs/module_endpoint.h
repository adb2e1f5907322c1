// The inputs of one module: its queues in the log, and the window of deliveries that its connection has not settled.
//
// Runs on: the hub's loop. Bounded by the window that the module's connection grants and by `bytes_max` in flight. A more
// urgent queue goes first; among equals they take turns. At the end of a connection everything unsettled is delivered again
// to the next one, in the order of the log.
#pragma once

#include <map>
#include <memory>
#include <set>
#include <vector>

#include "async/event.h"
#include "async/task_group.h"
#include "async/time_source.h"
#include "edge/hub/counters.h"
#include "edge/hub/store/settled_window.h"
#include "edge/hub/store/telemetry_store.h"
#include "hub_api/hub.h"

namespace selvage::edge::hub {

// A connected module, as far as its inputs go.
class InputReceiver {
public:
    virtual ~InputReceiver() = default;
    // `ticket` settles it. May settle inside the call.
    virtual void deliver_input(std::uint64_t ticket, std::uint32_t delivery_count, domain::Message message) = 0;
};

class ModuleEndpoint {
public:
    struct Parts {
        async::Executor loop;
        async::TimeSource& time;
        storage::MessageLog& log;
        HubCounters& counters;
        std::size_t bytes_max = 4 << 20;
    };
    explicit ModuleEndpoint(Parts parts);
    ~ModuleEndpoint();

    void add_queue(const StoredQueue& queue);
    void start();
    async::Awaitable<> stop();

    // The module listens, with a window; 0: it does not. Another receiver than before: what the old one had goes out again.
    void listen(InputReceiver* receiver, std::size_t window);
    // No more calls to this receiver.
    void detach(const InputReceiver* receiver);
    // False: not known (any more).
    bool settle(std::uint64_t ticket, hub_api::Outcome outcome);

private:
    struct Queue {
        Queue(async::Executor loop, const StoredQueue& stored, storage::Offset start);
        storage::QueueId id;
        std::uint32_t priority;
        std::string input;
        storage::Offset next;
        SettledWindow window;
        bool readable = false;
        bool moved = false;
        std::uint64_t last_served = 0;
        std::set<storage::Offset> in_flight;
        std::map<storage::Offset, std::uint32_t> deliveries;    // of unsettled records that went out before
        async::Event at_end;
    };
    using QueuePtr = std::shared_ptr<Queue>;
    struct InFlight {
        QueuePtr queue;
        storage::Offset offset = 0;
        std::size_t bytes = 0;
    };

    async::Awaitable<> watch(QueuePtr queue);
    async::Awaitable<> deliver_loop();
    async::Awaitable<> deliver_from(QueuePtr queue);
    void hand_over(const QueuePtr& queue, storage::LogBatch batch);
    void deliver(const QueuePtr& queue, const storage::LogRecord& record, domain::Message message);
    QueuePtr next_queue() const;
    bool may_deliver() const;
    void take_back();
    void tell_log();

    Parts parts_;
    std::vector<QueuePtr> queues_;
    InputReceiver* receiver_ = nullptr;
    std::size_t window_ = 0;
    std::map<std::uint64_t, InFlight> in_flight_;
    std::size_t in_flight_bytes_ = 0;
    std::uint64_t last_ticket_ = 0;
    std::uint64_t turn_ = 0;
    std::uint64_t epoch_ = 0;      // changes whenever positions were set back: a read under way is then stale
    bool started_ = false;
    async::Event changed_;
    async::TaskGroup tasks_;
};

}  // namespace selvage::edge::hub
