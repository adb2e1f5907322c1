#include "cloud/telemetry/event_log.h"

#include "base/time_text.h"

namespace selvage::cloud::telemetry {

using domain::Message;
using domain::SystemProperty;
using storage::Offset;

namespace {

// What the service adds to each message; copies that a client sent are dropped. docs/wire/service-rest.md#stamps
void stamp(Message& message, const Sender& sender, UtcTime now) {
    std::erase_if(message.system, [](const auto& entry) { return domain::is_set_by_hub(entry.property); });
    // The output is for routes on the edge; the stream does not carry it.
    message.erase(SystemProperty::output_name);
    message.set(SystemProperty::connection_device_id, sender.identity.device);
    if (sender.identity.is_module()) message.set(SystemProperty::connection_module_id, sender.identity.module);
    message.set(SystemProperty::connection_auth_generation_id, sender.generation_id);
    message.set(SystemProperty::connection_auth_method, sender.auth_method);
    message.set(SystemProperty::enqueued_time, to_iso8601(now));
    message.set(SystemProperty::message_source, "Telemetry");
    if (!sender.model_id.empty()) message.set(SystemProperty::model_id, sender.model_id);
}

storage::OrderKey order_of(const domain::Identity& sender) {
    return std::hash<domain::Identity>{}(sender) | 1;   // none is zero
}

}  // namespace

EventLog::EventLog(storage::MessageLog& log, const Clock& clock, std::size_t partitions, storage::Retention retention)
    : log_(log), clock_(clock) {
    for (std::size_t i = 0; i < partitions; ++i)
        queues_.push_back(log_.queue("events-" + std::to_string(i), retention));
}

void EventLog::append(const Sender& sender, Message message, storage::MessageLog::Done done) {
    stamp(message, sender, clock_.utc_now());
    std::string record;
    record.reserve(message.body.size() + 512);
    domain::append_record(message, record);
    const storage::Target target{.queue = queues_[partition_of(sender.identity.device, queues_.size())]};
    log_.append(std::span(&target, 1), record, std::move(done), order_of(sender.identity));
}

async::Awaitable<Result<EventBatch>> EventLog::read(std::size_t partition, Offset from, std::size_t events_max,
                                                    std::size_t bytes_max) {
    const auto queue = queues_.at(partition);
    auto batch = co_await log_.read(queue, std::max(from, log_.state(queue).first), events_max, bytes_max);
    if (!batch && batch.error().code == Errc::not_found) {
        // Retention overtook the reader between the look and the read.
        batch = co_await log_.read(queue, log_.state(queue).first, events_max, bytes_max);
    }
    if (!batch) co_return fail(batch.error());
    EventBatch events{.events = {}, .next = batch->next};
    for (auto& record : batch->records) {
        auto message = domain::read_record(record.payload);
        if (!message) co_return fail(message.error().in("event " + std::to_string(record.offset)));
        events.events.push_back({.offset = record.offset, .enqueued = record.enqueued, .message = *std::move(message)});
    }
    co_return events;
}

async::Awaitable<Result<Offset>> EventLog::find(std::size_t partition, UtcTime time) {
    return log_.find(queues_.at(partition), time);
}

async::Awaitable<> EventLog::wait(std::size_t partition, Offset offset) {
    return log_.wait_for_append(queues_.at(partition), offset);
}

}  // namespace selvage::cloud::telemetry
