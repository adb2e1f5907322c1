// Moves what is stored for `$upstream` to the hub above.
//
// Each message goes up on its sender's own link, pipelined within the link's window. Per sender and queue the order of the
// log is kept; after a lost connection everything not acknowledged is sent again, first things first. A queue's cursor is
// the first record that is not acknowledged, so a restart repeats and never loses.
//
// Runs on: the hub's loop. Bounded: bodies in memory to `bytes_max` (and one more for each sender), numbers of records to
// `parked_max`. A sender that is slow or offline has its records parked as numbers and read again later, so it stops nobody
// else until `parked_max` is reached. A more urgent queue is read to its end before a less urgent one.
#pragma once

#include <map>
#include <memory>
#include <unordered_map>

#include "async/event.h"
#include "async/task_group.h"
#include "async/time_source.h"
#include "edge/hub/counters.h"
#include "edge/hub/store/settled_window.h"
#include "edge/hub/store/telemetry_store.h"
#include "edge/hub/upstream/sender_lane.h"
#include "edge/hub/upstream/upstream_link.h"

namespace selvage::edge::hub {

class UpstreamPump {
public:
    struct Settings {
        std::size_t bytes_max = 8 << 20;
        std::size_t parked_max = 250'000;
        std::size_t batch_records_max = 256;
        std::size_t batch_bytes_max = 1 << 20;
        SenderLane::Bounds lane{};
    };
    // log, links, time and counters outlive the pump; the links are stopped after it.
    UpstreamPump(async::Executor loop, async::TimeSource& time, storage::MessageLog& log, LinkSource& links,
                 HubCounters& counters, Settings settings);
    ~UpstreamPump();

    // Before or after start().
    void add_queue(const StoredQueue& queue);
    void start();
    async::Awaitable<> stop();

    // The hub above no longer knows this sender: what waits for it is dropped and counted.
    void sender_gone(const domain::Identity& sender);

    // Bodies in memory, for tests and metrics.
    std::size_t resident_bytes() const { return resident_bytes_; }

private:
    struct Queue {
        Queue(async::Executor loop, const StoredQueue& stored, storage::Offset start)
            : id(stored.id), rank(stored.address.priority), next(start), window(start), at_end(std::move(loop)) {}
        storage::QueueId id;
        std::uint32_t rank;
        storage::Offset next;             // where reading continues
        SettledWindow window;
        bool readable = false;
        bool moved = false;               // the window moved since the log was told
        async::Event at_end;              // the reader has caught up: wait for the next append
    };
    struct Lane {
        Lane(domain::Identity identity, SenderLane::Bounds bounds) : sender(std::move(identity)), records(bounds) {}
        domain::Identity sender;
        SenderLane records;
        bool running = false;
    };
    using LanePtr = std::shared_ptr<Lane>;

    // upstream_pump_reading.cpp
    async::Awaitable<> watch(std::shared_ptr<Queue> queue);
    async::Awaitable<> read_loop();
    async::Awaitable<bool> read_new();
    async::Awaitable<bool> read_parked();
    async::Awaitable<bool> read_parked_of(LanePtr lane, RecordKey wanted);
    async::Awaitable<> recover_from_read_error(std::shared_ptr<Queue> queue, Error error);
    void distribute(Queue& queue, storage::LogBatch batch);
    void take_record(Queue& queue, storage::LogRecord record);
    void tell_log();

    // upstream_pump.cpp
    async::Awaitable<> run_lane(LanePtr lane);
    std::size_t send_burst(const LanePtr& lane, UpstreamLink& link);
    void on_done(const LanePtr& lane, RecordKey key, const Result<>& result);
    void ensure_running(const LanePtr& lane);
    void drop_waiting(Lane& lane);
    void settle(RecordKey key);
    void forget_if_empty(const LanePtr& lane);
    bool crowded() const { return resident_bytes_ >= settings_.bytes_max; }
    // Runs a change of a lane's records and keeps the totals right.
    template <class F>
    void change(Lane& lane, F work) {
        resident_bytes_ -= lane.records.resident_bytes();
        parked_ -= lane.records.parked_count();
        work(lane.records);
        resident_bytes_ += lane.records.resident_bytes();
        parked_ += lane.records.parked_count();
    }

    async::Executor loop_;
    async::TimeSource& time_;
    storage::MessageLog& log_;
    LinkSource& links_;
    HubCounters& counters_;
    Settings settings_;
    std::map<std::uint32_t, std::shared_ptr<Queue>> queues_;    // by rank, the most urgent first
    std::unordered_map<domain::Identity, LanePtr> lanes_;
    std::size_t resident_bytes_ = 0;
    std::size_t parked_ = 0;
    async::Event changed_;
    bool started_ = false;
    // Expires with the pump: acknowledgements may come later than its end.
    std::shared_ptr<int> alive_ = std::make_shared<int>(0);
    async::TaskGroup tasks_;
};

}  // namespace selvage::edge::hub
