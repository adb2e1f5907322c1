// What has to be true at any time, and what has to become true once everything is healed.
#include <fmt/core.h>

#include <algorithm>

#include "simulation/world_parts.h"

namespace selvage::simulation {
namespace {

using namespace std::chrono_literals;

// How long a healed fleet may take: tokens are refused until clocks agree, backoffs are a minute, scopes are asked every two.
constexpr auto kRestMax = 6h;
// All processes of a small fleet together, and what the simulation itself writes down.
constexpr std::size_t kHeapGrowthMax = 24u << 20;
constexpr std::size_t kHeapGrowthAtRestMax = 12u << 20;
// Records that wait to be written count with their administration, which the log's limit is not about.
constexpr std::uint64_t kPendingMargin = 1u << 20;
// The end of a segment and the beginning of the next come on top of the store's limit.
constexpr std::uint64_t kStoreMargin = 512u << 10;
// Connections of a fleet at rest. A device has one; an edge hub one for itself, one each for its clients, and one for
// scopes; an agent one, a daemon one, and what the two say to each other.
constexpr std::size_t kConnectionsOfAnEdge = 10;
// One that is half open is believed for a while, and its owner dials again meanwhile.
constexpr std::size_t kConnectionsBesides = 8;

}  // namespace

// ---- at any time -------------------------------------------------------------------------------------------------------

void World::look_at_bounds() {
    look_at_memory();
    const std::size_t connections = network_.connections();
    const std::size_t settled = devices_.size() + edges_.size() * kConnectionsOfAnEdge;
    if (connections > settled * kConnectionsBesides) ledger_.violated(fmt::format("{} connections are open", connections));
    const auto pending = [this](const std::string& who, std::uint64_t bytes) {
        if (bytes > kPendingBytesMax + kPendingMargin) ledger_.violated(fmt::format("{} bytes wait to be written in {}", bytes, who));
    };
    if (cloud()) {
        pending(kCloudHost, cloud()->pending_bytes());
        // One an identity, and each device brings its own $edgeHub and $edgeAgent.
        if (cloud()->sessions() > devices_.size() + 3 * edges_.size())
            ledger_.violated(fmt::format("the cloud hub holds {} sessions", cloud()->sessions()));
    }
    for (const auto& edge : edges_) {
        if (!edge->machine->running()) continue;
        const auto store = edge_process(*edge)->store();
        pending(edge->machine->host(), store.pending_bytes);
        if (store.disk_bytes > edge->store_bytes_max + kStoreMargin)
            ledger_.violated(fmt::format("{} stores {} bytes and may store {}", edge->machine->host(), store.disk_bytes,
                                         edge->store_bytes_max));
    }
}

void World::look_at_memory() {
    if (!plan_.heap_bytes) return;
    const std::size_t now = plan_.heap_bytes();
    const std::size_t grown = now > heap_at_start_ ? now - heap_at_start_ : 0;
    const std::size_t most = (healed_ ? kHeapGrowthAtRestMax : kHeapGrowthMax) * edges_.size();
    if (grown > most && !heap_told_) ledger_.violated(fmt::format("the fleet has taken {} MiB of memory", grown >> 20));
    heap_told_ = heap_told_ || grown > most;
    report_.heap_bytes_most = std::max(report_.heap_bytes_most, grown);
}

// ---- coming to rest ----------------------------------------------------------------------------------------------------

// What is not yet as it has to be; empty: all is well.
std::string World::unrest() {
    if (!cloud()) return "the cloud hub does not run";
    for (const auto& edge : edges_) {
        for (const auto* const machine : {edge->machine.get(), edge->daemon.get(), edge->agent.get()}) {
            if (machine == nullptr) continue;
            if (!machine->running()) return machine->host() + " does not run";
            if (machine->dying() > 0) return fmt::format("{} still ends {} processes", machine->host(), machine->dying());
        }
        if (!edge->engine) continue;
        if (const auto reason = agent_unrest(*edge); !reason.empty()) return reason;
    }
    for (const auto& device : devices_) {
        if (!device->connected()) return device->name() + " is not connected";
        if (!device->idle()) return fmt::format("{} has {} messages to send, or twin work", device->name(), device->waiting());
    }
    if (!caught_up()) return "events are being read";
    for (const auto& device : devices_) {
        const std::string& sender = device->name();
        const auto made = ledger_.senders().find(sender);
        if (made != ledger_.senders().end() && events_.next[sender] < made->second.messages.size())
            return fmt::format("{} of {} messages of {} are at the cloud", events_.next[sender], made->second.messages.size(),
                               sender);
        if (const auto missing = ledger_.first_missing(device->mail(), device->mail_name()))
            return fmt::format("{} has not got its mail {}", sender, *missing);
    }
    for (const auto& edge : edges_) {
        const auto& inputs = edge->clients[1]->inputs();
        const std::string& sensor = edge->clients[0]->name();
        const auto sent = ledger_.senders().find(sensor);
        if (sent == ledger_.senders().end()) continue;
        const auto seen = inputs.next.find(sensor);
        if (seen == inputs.next.end() || seen->second < sent->second.messages.size())
            return fmt::format("{} has not got all of {}", edge->clients[1]->name(), sensor);
    }
    return unread_feedback();
}

// What a device has completed, its sender is told.
std::string World::unread_feedback() {
    for (const auto& device : devices_) {
        const auto got = device->mail().times.find(device->mail_name());
        if (got == device->mail().times.end()) continue;
        for (std::uint64_t number = 0; number < got->second.size(); ++number)
            if (got->second[number] > 0 && !told_[device->name()].contains(number))
                return fmt::format("nobody was told that {} has completed its mail {}", device->name(), number);
    }
    return {};
}

bool World::at_rest() {
    if (schedule_.now() < last_look_ + 1s) return false;
    last_look_ = schedule_.now();
    return unrest().empty();
}

void World::come_to_rest() {
    heal();
    trace_.note(schedule_.now(), "healed", "world");
    if (!schedule_.run_until(schedule_.now() + kRestMax, [this] { return at_rest(); }) && !schedule_.stuck())
        ledger_.violated("the healed fleet does not come to rest: " + unrest());
    // Desired properties travel on their own; then nothing more may happen.
    schedule_.run_until(schedule_.now() + 10min);
    for (const auto& device : devices_) {
        ledger_.check_complete(events_, device->name());
        ledger_.check_complete(device->mail(), device->mail_name());
    }
    for (const auto& edge : edges_) ledger_.check_complete(edge->clients[1]->inputs(), edge->clients[0]->name());
    compare_twins();
    look_at_bounds();
    const std::size_t connections = network_.connections();
    if (connections > devices_.size() + edges_.size() * kConnectionsOfAnEdge)
        ledger_.violated(fmt::format("{} connections are open and nobody needs them", connections));
    if (plan_.scenario == Scenario::calm)
        for (const auto& edge : edges_) check_replacements(*edge);
    if (plan_.scenario == Scenario::calm && events_.repeated > 0)
        ledger_.violated(fmt::format("{} messages came twice though nothing went wrong", events_.repeated));
}

}  // namespace selvage::simulation
