#include "cloud/telemetry/event_log.h"

#include <array>

#include "base/time_text.h"

namespace selvage::cloud::telemetry {

using domain::Message;
using domain::SystemProperty;
using storage::Offset;

namespace {

constexpr std::size_t kRecordBytesKept = 16 * 1024;   // of record_'s room between two appends

// What the service adds to each message. docs/wire/service-rest.md#stamps
class Stamps {
public:
    Stamps(const Sender& sender, std::string_view enqueued) {
        add(SystemProperty::connection_device_id, sender.identity.device);
        if (sender.identity.is_module()) add(SystemProperty::connection_module_id, sender.identity.module);
        add(SystemProperty::connection_auth_generation_id, sender.generation_id);
        add(SystemProperty::connection_auth_method, sender.auth_method);
        add(SystemProperty::enqueued_time, enqueued);
        add(SystemProperty::message_source, "Telemetry");
        if (!sender.model_id.empty()) add(SystemProperty::model_id, sender.model_id);
    }
    std::span<const domain::Stamp> all() const { return std::span(stamps_).first(count_); }

private:
    void add(SystemProperty property, std::string_view value) { stamps_[count_++] = {property, value}; }

    std::array<domain::Stamp, 7> stamps_{};
    std::size_t count_ = 0;
};

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
    // Copies that a client sent are dropped; and the output, which is for routes on the edge.
    std::erase_if(message.system, [](const auto& entry) {
        return domain::is_set_by_hub(entry.property) || entry.property == SystemProperty::output_name;
    });
    record_.clear();
    domain::append_record(message, Stamps(sender, enqueued_text()).all(), record_);
    const storage::Target target{.queue = queues_[partition_of(sender.identity.device, queues_.size())]};
    log_.append(std::span(&target, 1), record_, std::move(done), order_of(sender.identity));
    if (record_.capacity() > kRecordBytesKept) std::string().swap(record_);
}

void EventLog::refuse(Error why, storage::MessageLog::Done done) {
    // The log answers in order, also those that it refuses: a record for no queue is one.
    log_.append({}, {}, [why = std::move(why), done = std::move(done)](const Result<>&) mutable {
        done(fail(std::move(why)));
    });
}

// Many events share a millisecond, and so the text of it.
std::string_view EventLog::enqueued_text() {
    const UtcTime now = clock_.utc_now();
    if (now != enqueued_ || enqueued_text_.empty()) enqueued_text_ = to_iso8601(now);
    enqueued_ = now;
    return enqueued_text_;
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
