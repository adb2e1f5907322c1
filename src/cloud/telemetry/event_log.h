// The event log: telemetry of all devices in partitions, in order, numbered, kept for a time.
//
// All events of a device and its modules are in one partition. An event is acknowledged once it is in the message log
// (durable as that is set). Bounded by the log's retention (time and bytes, oldest first).
//
// Runs on: the hub's loop. Wire: docs/wire/event-read.md.
#pragma once

#include <chrono>
#include <string>
#include <vector>

#include "async/awaitable.h"
#include "base/clock.h"
#include "domain/message.h"
#include "storage/log/message_log.h"

namespace selvage::cloud::telemetry {

// Who sent it, for the stamps.
struct Sender {
    domain::Identity identity;
    std::string generation_id;
    std::string auth_method;
    std::string model_id;
};

struct Event {
    storage::Offset offset = 0;
    UtcTime enqueued{};
    domain::Message message;
};
struct EventBatch {
    std::vector<Event> events;
    storage::Offset next = 0;  // where to go on reading
};

class EventLog {
public:
    EventLog(storage::MessageLog& log, const Clock& clock, std::size_t partitions, storage::Retention retention);

    std::size_t partitions() const { return queues_.size(); }

    // Stamps the message with its sender and stores it. `done` is called once, in the order of the calls. Errors:
    // message_too_large, quota_exceeded, throttled, unavailable, io_error. What a sender had on its way behind a refused
    // message is refused too: nothing overtakes.
    void append(const Sender& sender, domain::Message message, storage::MessageLog::Done done);

    // Answers `done` with `why`, behind the answers of all appends before it.
    void refuse(Error why, storage::MessageLog::Done done);

    storage::QueueState state(std::size_t partition) const { return log_.state(queues_.at(partition)); }
    // From `from`, or from the oldest kept event if that is later. Errors: corrupt, io_error.
    async::Awaitable<Result<EventBatch>> read(std::size_t partition, storage::Offset from, std::size_t events_max,
                                              std::size_t bytes_max);
    // The first event at or after `time`.
    async::Awaitable<Result<storage::Offset>> find(std::size_t partition, UtcTime time);
    // Returns once there is an event at `offset`, or when cancelled.
    async::Awaitable<> wait(std::size_t partition, storage::Offset offset);

private:
    std::string_view enqueued_text();

    storage::MessageLog& log_;
    const Clock& clock_;
    std::vector<storage::QueueId> queues_;
    std::string record_;                // scratch
    UtcTime enqueued_{};                // of the last event, and its text
    std::string enqueued_text_;
};

// Which of `partitions` a device's events go to: the service's own hash, so that readers which compute it find them.
std::size_t partition_of(std::string_view device_id, std::size_t partitions);

}  // namespace selvage::cloud::telemetry
