// One coroutine reads and delivers, one for each queue waits for appends. `next` is where reading continues; it is set back
// when deliveries come back, and records that are settled or in flight are passed over on the way, so nothing is delivered
// twice to one connection unless it was given back.
#include "edge/hub/inputs/module_endpoint.h"

#include <algorithm>

#include "base/log.h"

namespace selvage::edge::hub {
namespace {

using namespace std::chrono_literals;
using domain::SystemProperty;

constexpr std::size_t kBatchRecordsMax = 64;
constexpr std::size_t kBatchBytesMax = 512 * 1024;

}  // namespace

ModuleEndpoint::Queue::Queue(async::Executor loop, const StoredQueue& stored, storage::Offset start)
    : id(stored.id),
      priority(stored.address.priority),
      input(std::get<query::ModuleInputSink>(stored.address.sink).input),
      next(start),
      window(start),
      at_end(std::move(loop)) {}

ModuleEndpoint::ModuleEndpoint(Parts parts) : parts_(std::move(parts)), changed_(parts_.loop), tasks_(parts_.loop) {}
ModuleEndpoint::~ModuleEndpoint() = default;

void ModuleEndpoint::add_queue(const StoredQueue& stored) {
    const auto state = parts_.log.state(stored.id);
    const auto queue = std::make_shared<Queue>(parts_.loop, stored, std::max(state.cursor, state.first));
    queues_.push_back(queue);
    if (started_) tasks_.spawn("input queue watch", watch(queue));
}

void ModuleEndpoint::start() {
    started_ = true;
    for (const auto& queue : queues_) tasks_.spawn("input queue watch", watch(queue));
    tasks_.spawn("module inputs", deliver_loop());
}

async::Awaitable<> ModuleEndpoint::stop() {
    receiver_ = nullptr;
    co_await tasks_.stop();
    tell_log();
}

void ModuleEndpoint::listen(InputReceiver* receiver, std::size_t window) {
    if (receiver != receiver_) take_back();
    receiver_ = receiver;
    window_ = window;
    changed_.set();
}

void ModuleEndpoint::detach(const InputReceiver* receiver) {
    if (receiver != receiver_) return;
    take_back();
    receiver_ = nullptr;
    window_ = 0;
}

void ModuleEndpoint::take_back() {
    in_flight_.clear();
    in_flight_bytes_ = 0;
    ++epoch_;
    for (const auto& queue : queues_) {
        queue->in_flight.clear();
        if (queue->next == queue->window.cursor()) continue;
        queue->next = queue->window.cursor();
        queue->readable = true;
    }
}

bool ModuleEndpoint::settle(std::uint64_t ticket, hub_api::Outcome outcome) {
    const auto found = in_flight_.find(ticket);
    if (found == in_flight_.end()) return false;
    const auto [queue, offset, bytes] = found->second;
    in_flight_.erase(found);
    in_flight_bytes_ -= bytes;
    queue->in_flight.erase(offset);
    if (outcome == hub_api::Outcome::abandoned) {
        ++epoch_;
        queue->next = std::min(queue->next, offset);
        queue->readable = true;
    } else {
        if (outcome == hub_api::Outcome::completed) {
            ++parts_.counters.messages_sent_to_modules;
        } else {
            ++parts_.counters.messages_dropped_invalid;
            log::warn("edge.inputs", "module rejected a message input={} offset={}", queue->input, offset);
        }
        queue->deliveries.erase(offset);
        queue->window.settle(offset);
        queue->moved = true;
    }
    changed_.set();
    return true;
}

async::Awaitable<> ModuleEndpoint::watch(QueuePtr queue) {
    while (!tasks_.stopping()) {
        co_await parts_.log.wait_for_append(queue->id, queue->next);
        queue->readable = true;
        queue->at_end.reset();
        changed_.set();
        co_await queue->at_end.wait();
    }
}

bool ModuleEndpoint::may_deliver() const {
    return receiver_ != nullptr && in_flight_.size() < window_ && in_flight_bytes_ < parts_.bytes_max;
}

ModuleEndpoint::QueuePtr ModuleEndpoint::next_queue() const {
    QueuePtr best;
    for (const auto& queue : queues_) {
        if (!queue->readable) continue;
        if (!best || std::pair(queue->priority, queue->last_served) < std::pair(best->priority, best->last_served))
            best = queue;
    }
    return best;
}

async::Awaitable<> ModuleEndpoint::deliver_loop() {
    while (!tasks_.stopping()) {
        changed_.reset();
        tell_log();
        const auto queue = may_deliver() ? next_queue() : nullptr;
        if (queue)
            co_await deliver_from(queue);
        else
            co_await changed_.wait();
    }
}

async::Awaitable<> ModuleEndpoint::deliver_from(QueuePtr queue) {
    queue->last_served = ++turn_;
    const auto epoch = epoch_;
    const auto from = queue->next;
    const auto records_max = std::min(window_ - in_flight_.size(), kBatchRecordsMax);
    auto batch = co_await parts_.log.read(queue->id, from, records_max, kBatchBytesMax);
    if (epoch != epoch_) co_return;    // positions were set back meanwhile
    if (!batch) {
        const auto first = parts_.log.state(queue->id).first;
        if (batch.error().code == Errc::not_found && first > from) {
            queue->window.settle_range(from, first);
            queue->moved = true;
            queue->next = first;
            co_return;
        }
        log::error("edge.inputs", "cannot read the store input={} reason={}", queue->input, batch.error().detail);
        ignore(co_await parts_.time.sleep_for(5s), "cancelled means that the endpoint ends");
    } else if (batch->next == from) {
        queue->readable = false;
        queue->at_end.set();
    } else {
        hand_over(queue, std::move(*batch));
    }
}

void ModuleEndpoint::hand_over(const QueuePtr& queue, storage::LogBatch batch) {
    const auto epoch = epoch_;
    parts_.counters.messages_expired += batch.expired;
    for (const auto& record : batch.records) {
        if (epoch != epoch_ || !may_deliver()) return;
        queue->window.settle_range(queue->next, record.offset);    // what was skipped had expired
        queue->next = record.offset + 1;
        queue->moved = true;
        if (queue->window.is_settled(record.offset) || queue->in_flight.contains(record.offset)) continue;
        auto message = domain::read_record(record.payload);
        if (!message) {
            ++parts_.counters.messages_dropped_invalid;
            log::error("edge.inputs", "unreadable stored message dropped input={} offset={}", queue->input, record.offset);
            queue->window.settle(record.offset);
            continue;
        }
        deliver(queue, record, std::move(*message));
    }
    if (epoch != epoch_) return;
    queue->window.settle_range(queue->next, batch.next);
    queue->next = std::max(queue->next, batch.next);
    queue->moved = true;
}

void ModuleEndpoint::deliver(const QueuePtr& queue, const storage::LogRecord& record, domain::Message message) {
    for (const auto property : {SystemProperty::output_name, SystemProperty::edge_message_id, SystemProperty::edge_origin,
                                SystemProperty::model_id})
        message.erase(property);
    message.set(SystemProperty::input_name, queue->input);
    const auto ticket = ++last_ticket_;
    const auto bytes = message.counted_bytes();
    in_flight_[ticket] = {queue, record.offset, bytes};
    in_flight_bytes_ += bytes;
    queue->in_flight.insert(record.offset);
    const auto earlier = queue->deliveries[record.offset]++;
    receiver_->deliver_input(ticket, earlier, std::move(message));
}

void ModuleEndpoint::tell_log() {
    for (const auto& queue : queues_) {
        if (!queue->moved) continue;
        queue->moved = false;
        parts_.log.settle(queue->id, queue->window.cursor());
        queue->deliveries.erase(queue->deliveries.begin(), queue->deliveries.lower_bound(queue->window.cursor()));
    }
}

}  // namespace selvage::edge::hub
