// The reader. One pass takes one batch: first what lanes want again, then new records, the most urgent queue first. It
// sleeps on `changed_` when nothing can be read or nothing may be (bounds). `changed_` is reset before the pass looks at
// anything, so a change during a suspension is never missed.
#include <algorithm>

#include "base/log.h"
#include "edge/hub/upstream/upstream_pump.h"

namespace selvage::edge::hub {
namespace {

using namespace std::chrono_literals;
using domain::SystemProperty;

// Defender for IoT's agents are the only senders whose interface id goes up. Wire: docs/wire/edge-hub.md#upstream.
constexpr std::string_view kSecurityInterface = "urn:azureiot:Security:SecurityAgent:1";

// What the hub above gets: it stamps the connection itself, and the names inside this device mean nothing to it.
void make_upstream_form(domain::Message& message) {
    for (const auto property :
         {SystemProperty::output_name, SystemProperty::input_name, SystemProperty::absolute_expiry_time,
          SystemProperty::edge_message_id, SystemProperty::edge_origin, SystemProperty::connection_device_id,
          SystemProperty::connection_module_id, SystemProperty::connection_auth_generation_id,
          SystemProperty::connection_auth_method, SystemProperty::model_id})
        message.erase(property);
    const auto interface = message.get(SystemProperty::interface_id);
    if (interface && *interface != kSecurityInterface) message.erase(SystemProperty::interface_id);
}

}  // namespace

async::Awaitable<> UpstreamPump::watch(std::shared_ptr<Queue> queue) {
    while (!tasks_.stopping()) {
        co_await log_.wait_for_append(queue->id, queue->next);
        queue->readable = true;
        queue->at_end.reset();
        changed_.set();
        co_await queue->at_end.wait();
    }
}

async::Awaitable<> UpstreamPump::read_loop() {
    while (!tasks_.stopping()) {
        changed_.reset();
        tell_log();
        bool progress = co_await read_parked();
        if (!progress) progress = co_await read_new();
        if (!progress) co_await changed_.wait();
    }
}

void UpstreamPump::tell_log() {
    for (const auto& [rank, queue] : queues_) {
        if (!queue->moved) continue;
        queue->moved = false;
        log_.settle(queue->id, queue->window.cursor());
    }
}

async::Awaitable<bool> UpstreamPump::read_new() {
    if (parked_ >= settings_.parked_max) co_return false;
    for (const auto& [rank, candidate] : queues_) {
        if (!candidate->readable) continue;
        const auto queue = candidate;
        auto batch = co_await log_.read(queue->id, queue->next, settings_.batch_records_max, settings_.batch_bytes_max);
        if (!batch) {
            co_await recover_from_read_error(queue, batch.error());
        } else if (batch->next == queue->next) {
            queue->readable = false;
            queue->at_end.set();
        } else {
            distribute(*queue, std::move(*batch));
        }
        // Start again with the most urgent queue.
        co_return true;
    }
    co_return false;
}

async::Awaitable<> UpstreamPump::recover_from_read_error(std::shared_ptr<Queue> queue, Error error) {
    const auto first = log_.state(queue->id).first;
    if (error.code == Errc::not_found && first > queue->next) {
        log::error("edge.upstream", "records are gone from the store queue={} from={} to={}", queue->rank, queue->next, first);
        queue->window.settle_range(queue->next, first);
        queue->moved = true;
        queue->next = first;
        co_return;
    }
    log::error("edge.upstream", "cannot read the store queue={} reason={}", queue->rank, error.detail);
    ignore(co_await time_.sleep_for(5s), "cancelled means that the reader ends");
}

void UpstreamPump::distribute(Queue& queue, storage::LogBatch batch) {
    auto expected = queue.next;
    for (auto& record : batch.records) {
        queue.window.settle_range(expected, record.offset);    // what was skipped had expired
        expected = record.offset + 1;
        take_record(queue, std::move(record));
    }
    queue.window.settle_range(expected, batch.next);
    counters_.messages_expired += batch.expired;
    queue.next = batch.next;
    queue.moved = true;
}

void UpstreamPump::take_record(Queue& queue, storage::LogRecord record) {
    const RecordKey key{queue.rank, record.offset};
    auto message = domain::read_record(record.payload);
    const auto device = message ? message->get(SystemProperty::connection_device_id) : std::nullopt;
    if (!device) {
        ++counters_.messages_dropped_invalid;
        log::error("edge.upstream", "stored message without a sender dropped queue={} offset={}", queue.rank, record.offset);
        settle(key);
        return;
    }
    const auto module = message->get(SystemProperty::connection_module_id);
    const auto sender = module ? domain::Identity::of_module(*device, *module) : domain::Identity::of_device(*device);
    make_upstream_form(*message);
    auto& slot = lanes_[sender];
    if (!slot) slot = std::make_shared<Lane>(sender, settings_.lane);
    const LanePtr lane = slot;
    change(*lane, [&](SenderLane& records) { records.add(key, std::move(*message), crowded()); });
    ensure_running(lane);
}

async::Awaitable<bool> UpstreamPump::read_parked() {
    if (parked_ == 0) co_return false;
    for (const auto& [sender, candidate] : lanes_) {
        const auto wanted = candidate->records.wanted_again(crowded());
        if (!wanted) continue;
        const LanePtr lane = candidate;
        co_return co_await read_parked_of(lane, *wanted);
    }
    co_return false;
}

async::Awaitable<bool> UpstreamPump::read_parked_of(LanePtr lane, RecordKey wanted) {
    const auto queue = queues_.at(wanted.rank);
    auto batch = co_await log_.read(queue->id, wanted.offset, settings_.batch_records_max, settings_.batch_bytes_max);
    if (!batch && batch.error().code == Errc::not_found) {
        // Retention never takes what the cursor has not passed; a damaged store may have.
        batch = storage::LogBatch{.records = {}, .next = std::max(log_.state(queue->id).first, wanted.offset + 1)};
    }
    if (!batch) {
        co_await recover_from_read_error(queue, batch.error());
        co_return true;
    }
    bool full = false;
    change(*lane, [&](SenderLane& records) {
        const auto expire_before = [&](storage::Offset next) {
            for (const auto offset : records.forget_before(queue->rank, next)) {
                settle({queue->rank, offset});
                ++counters_.messages_expired;
            }
        };
        for (auto& record : batch->records) {
            expire_before(record.offset);
            const RecordKey key{queue->rank, record.offset};
            const auto next_wanted = records.wanted_again(crowded());
            if (!next_wanted || next_wanted->rank != queue->rank) {
                full = true;
                break;
            }
            if (*next_wanted != key) continue;    // another sender's
            auto message = domain::read_record(record.payload);
            if (!message) continue;               // it was readable before: leave it parked, the next pass expires it
            make_upstream_form(*message);
            records.add_again(key, std::move(*message), crowded());
        }
        if (!full) expire_before(batch->next);
    });
    ensure_running(lane);
    co_return true;
}

}  // namespace selvage::edge::hub
