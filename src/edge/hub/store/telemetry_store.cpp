#include "edge/hub/store/telemetry_store.h"

#include <algorithm>

#include "base/log.h"

namespace selvage::edge::hub {
namespace {

storage::OrderKey order_of(const domain::Message& message) {
    const auto hash = [&](domain::SystemProperty property) {
        return std::hash<std::string_view>{}(message.get(property).value_or(std::string_view()));
    };
    using enum domain::SystemProperty;
    return (hash(connection_device_id) + 31 * hash(connection_module_id)) | 1;   // none is zero
}

}  // namespace

TelemetryStore::TelemetryStore(storage::MessageLog& log, const Clock& clock, std::string edge_device, HubCounters& counters)
    : log_(log), clock_(clock), edge_device_(std::move(edge_device)), counters_(counters) {}

void TelemetryStore::open(OnQueue on_queue) {
    on_queue_ = std::move(on_queue);
    for (const auto& name : log_.queue_names()) {
        const auto address = parse_queue_name(name, edge_device_);
        if (address)
            queue_for(*address);
        else
            log::warn("edge.store", "queue of unknown kind queue={}", name);
    }
}

void TelemetryStore::apply(query::RouteTable routes, std::optional<std::chrono::seconds> time_to_live) {
    for (const auto& route : routes.routes()) queue_for({route.sink, route.priority});
    routes_ = std::move(routes);
    time_to_live_ = time_to_live;
}

const StoredQueue& TelemetryStore::queue_for(const QueueAddress& address) {
    const auto known = std::find_if(queues_.begin(), queues_.end(),
                                    [&address](const StoredQueue& queue) { return queue.address == address; });
    if (known != queues_.end()) return *known;
    queues_.push_back({log_.queue(queue_name(address, edge_device_)), address});
    const StoredQueue made = queues_.back();
    if (on_queue_) on_queue_(made);
    return queues_.back();
}

UtcTime TelemetryStore::expiry_of(const query::Route& route, UtcTime now) const {
    const auto life = route.time_to_live.count() > 0 ? std::optional(route.time_to_live) : time_to_live_;
    if (!life) return UtcTime::max();
    // 32 bits of seconds fit into the clock's 64 bits of milliseconds with centuries to spare.
    return now + *life;
}

void TelemetryStore::accept(const domain::Message& message, storage::MessageLog::Done done) {
    ++counters_.messages_received;
    const auto matched = routes_.match(message);
    if (matched.empty()) {
        ++counters_.messages_unrouted;
        done(Result<>{});
        return;
    }
    const auto now = clock_.utc_now();
    std::vector<storage::Target> targets;
    targets.reserve(matched.size());
    for (const auto* route : matched)
        targets.push_back({queue_for({route->sink, route->priority}).id, expiry_of(*route, now)});
    record_.clear();
    domain::append_record(message, record_);
    log_.append(
        targets, record_,
        [this, done = std::move(done)](const Result<>& stored) mutable {
            if (!stored) ++counters_.messages_refused_store;
            done(stored);
        },
        order_of(message));
    // A single big message must not keep its memory for ever.
    if (record_.capacity() > 64 * 1024) record_ = {};
}

std::uint64_t TelemetryStore::drop_module(std::string_view module) {
    std::uint64_t dropped = 0;
    std::erase_if(queues_, [&](const StoredQueue& queue) {
        const auto* input = std::get_if<query::ModuleInputSink>(&queue.address.sink);
        if (input == nullptr || input->module != module) return false;
        const auto& routes = routes_.routes();
        if (std::any_of(routes.begin(), routes.end(), [&](const query::Route& r) { return r.sink == queue.address.sink; }))
            return false;
        const auto state = log_.state(queue.id);
        dropped += state.end - std::max(state.cursor, state.first);
        log_.drop(queue.id);
        return true;
    });
    return dropped;
}

}  // namespace selvage::edge::hub
