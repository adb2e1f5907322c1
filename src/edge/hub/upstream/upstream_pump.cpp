// Two kinds of coroutine: one reader (upstream_pump_reading.cpp) that hands records to the lanes of their senders, and one
// for each lane that has something to send. Acknowledgements come as callbacks in between. Nothing is removed from a lane
// before the hub above has answered, so at every suspension the lanes plus the log's cursors hold all that is not delivered.
#include "edge/hub/upstream/upstream_pump.h"

#include "base/log.h"

namespace selvage::edge::hub {
namespace {

using namespace std::chrono_literals;

// Refusals that will be the same next time.
bool is_final(Errc code) {
    return code == Errc::message_too_large || code == Errc::invalid_argument || code == Errc::malformed ||
           code == Errc::unsupported;
}

}  // namespace

UpstreamPump::UpstreamPump(async::Executor loop, async::TimeSource& time, storage::MessageLog& log, LinkSource& links,
                           HubCounters& counters, Settings settings)
    : loop_(loop),
      time_(time),
      log_(log),
      links_(links),
      counters_(counters),
      settings_(settings),
      changed_(loop),
      tasks_(loop) {}

UpstreamPump::~UpstreamPump() = default;

void UpstreamPump::add_queue(const StoredQueue& stored) {
    const auto state = log_.state(stored.id);
    auto queue = std::make_shared<Queue>(loop_, stored, std::max(state.cursor, state.first));
    queues_[queue->rank] = queue;
    if (started_) tasks_.spawn("upstream queue watch", watch(queue));
}

void UpstreamPump::start() {
    started_ = true;
    for (const auto& [rank, queue] : queues_) tasks_.spawn("upstream queue watch", watch(queue));
    tasks_.spawn("upstream reader", read_loop());
}

async::Awaitable<> UpstreamPump::stop() {
    alive_.reset();
    co_await tasks_.stop();
    tell_log();
}

void UpstreamPump::ensure_running(const LanePtr& lane) {
    if (lane->running || !lane->records.has_waiting()) return;
    lane->running = true;
    tasks_.spawn("upstream lane", run_lane(lane));
}

async::Awaitable<> UpstreamPump::run_lane(LanePtr lane) {
    while (!tasks_.stopping() && lane->records.has_waiting()) {
        const auto link = links_.link(lane->sender);
        if (!link) {
            if (links_.is_gone(lane->sender)) drop_waiting(*lane);
            break;
        }
        const bool open = co_await link->room();
        // A link that was stopped is replaced by a new one, soon; and one that gives no room in spite of its word must not
        // spin the loop.
        if (!open || send_burst(lane, *link) == 0) {
            if (links_.is_gone(lane->sender)) continue;
            const auto slept = co_await time_.sleep_for(100ms);
            if (!slept) break;
        }
    }
    lane->running = false;
    forget_if_empty(lane);
}

std::size_t UpstreamPump::send_burst(const LanePtr& lane, UpstreamLink& link) {
    std::size_t sent = 0;
    while (const auto* message = lane->records.front()) {
        const auto key = lane->records.front_key();
        auto done = [this, lane, key, alive = std::weak_ptr(alive_)](const Result<>& result) {
            if (!alive.expired()) on_done(lane, key, result);
        };
        // Marked first: a refusal for good may come inside send(). The message stays where it is in memory.
        lane->records.mark_sent();
        if (!link.send(*message, std::move(done))) {
            lane->records.lost(key);
            break;
        }
        ++sent;
    }
    return sent;
}

void UpstreamPump::on_done(const LanePtr& lane, RecordKey key, const Result<>& result) {
    if (result || is_final(result.error().code)) {
        if (result) {
            ++counters_.messages_sent_upstream;
        } else {
            ++counters_.messages_dropped_invalid;
            log::warn("edge.upstream", "message refused for good, dropped sender={} reason={}", to_text(lane->sender),
                      result.error().detail);
        }
        change(*lane, [key](SenderLane& records) { records.acknowledged(key); });
        settle(key);
        forget_if_empty(lane);
    } else {
        lane->records.lost(key);
        ensure_running(lane);
    }
    changed_.set();
}

void UpstreamPump::settle(RecordKey key) {
    const auto queue = queues_.find(key.rank);
    if (queue == queues_.end()) return;
    queue->second->window.settle(key.offset);
    queue->second->moved = true;
}

void UpstreamPump::forget_if_empty(const LanePtr& lane) {
    if (lane->running || !lane->records.empty()) return;
    const auto found = lanes_.find(lane->sender);
    if (found != lanes_.end() && found->second == lane) lanes_.erase(found);
}

void UpstreamPump::drop_waiting(Lane& lane) {
    std::deque<RecordKey> dropped;
    change(lane, [&dropped](SenderLane& records) { dropped = records.drop_waiting(); });
    if (dropped.empty()) return;
    for (const auto& key : dropped) settle(key);
    counters_.messages_dropped_sender += dropped.size();
    log::warn("edge.upstream", "the hub does not know the sender, messages dropped sender={} count={}", to_text(lane.sender),
              dropped.size());
    changed_.set();
}

void UpstreamPump::sender_gone(const domain::Identity& sender) {
    const auto found = lanes_.find(sender);
    if (found == lanes_.end()) return;
    const auto lane = found->second;
    drop_waiting(*lane);
    forget_if_empty(lane);
}

}  // namespace selvage::edge::hub
