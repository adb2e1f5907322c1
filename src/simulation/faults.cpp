// What goes wrong, when and for how long: all of it by the world's dice.
#include "simulation/world_parts.h"

namespace selvage::simulation {

using namespace std::chrono_literals;

const char* name(Fault fault) {
    switch (fault) {
        case Fault::cut: return "cut";
        case Fault::half_open: return "half open";
        case Fault::stall: return "stall";
        case Fault::outage: return "outage";
        case Fault::slow_network: return "slow network";
        case Fault::packet_loss: return "packet loss";
        case Fault::reordering: return "reordering";
        case Fault::crash_cloud: return "cloud killed";
        case Fault::crash_edge: return "edge hub killed";
        case Fault::crash_device: return "device killed";
        case Fault::crash_in_write: return "killed in a write";
        case Fault::power_cut: return "power cut";
        case Fault::restart: return "restart";
        case Fault::disk_full: return "disk full";
        case Fault::write_fails: return "write fails";
        case Fault::disk_failing: return "sync fails";
        case Fault::slow_disk: return "slow disk";
        case Fault::clock_jump: return "clock jump";
        case Fault::crash_daemon: return "daemon killed";
        case Fault::crash_agent: return "agent killed";
        case Fault::module_ends: return "module ends";
        case Fault::engine_down: return "engine down";
        case Fault::registry_down: return "registry down";
    }
    return "?";
}

void World::plan_faults(TimePoint end) {
    const auto pause = plan_.time / static_cast<std::int64_t>(plan_.faults);
    for (TimePoint when = schedule_.now(); when < end;
         when += Duration(static_cast<std::int64_t>(2 * dice_.fraction() * static_cast<double>(pause.count()))) + 1ms)
        schedule_.at(when, [this] { strike(); });
}

std::pair<std::string, std::string> World::any_pair() {
    // Each device and each edge hub has one way up.
    const auto which = dice(devices_.size() + edges_.size() * 3);
    if (which < devices_.size()) return {devices_[which]->name(), devices_[which]->host()};
    const Edge& edge = *edges_[(which - devices_.size()) % edges_.size()];
    const bool of_agent = edge.engine && (which - devices_.size()) / edges_.size() == 2;
    if (!of_agent) return {edge.machine->host(), kCloudHost};
    return {(dice(3) == 0 ? edge.daemon : edge.agent)->host(), kCloudHost};
}

Machine& World::any_machine() {
    const auto which = dice(edges_.size() + 1);
    return which == 0 ? *cloud_ : *edges_[which - 1]->machine;
}

void World::strike() {
    if (healed_) return;
    const auto fault = static_cast<Fault>(dice(plan_.agents ? kFaultKinds : kFaultKindsWithoutAgents));
    count(fault);
    trace_.note(schedule_.now(), "fault", name(fault));
    if (fault <= Fault::reordering)
        strike_network(fault);
    else if (fault >= Fault::crash_daemon)
        strike_agent(fault);
    else
        strike_machine(fault);
}

void World::strike_network(Fault fault) {
    const auto [a, b] = any_pair();
    switch (fault) {
        case Fault::cut: network_.cut(a, b); break;
        case Fault::half_open: network_.vanish(a, b); break;
        case Fault::stall: network_.stall(a, b, any_time(1s, 20min)); break;
        case Fault::outage: {
            network_.block(a, b, dice(2) == 0 ? Network::Outage::refused : Network::Outage::silent);
            if (const auto fate = dice(3); fate == 0)
                network_.cut(a, b);
            else if (fate == 1)
                network_.vanish(a, b);
            schedule_.after(any_time(1s, 2h), [this, first = a, second = b] { network_.unblock(first, second); });
            break;
        }
        case Fault::packet_loss:
            network_.weather().loss = 0.01 + 0.4 * dice_.fraction();
            schedule_.after(any_time(1s, 20min), [this] { network_.weather().loss = 0; });
            break;
        case Fault::reordering:
            network_.scatter(any_time(100ms, 10s));
            schedule_.after(any_time(10s, 20min), [this] { network_.scatter(Duration(0)); });
            break;
        default:
            network_.weather().latency_max = any_time(1ms, 5s);
            schedule_.after(any_time(1s, 20min), [this] { network_.weather().latency_max = 20ms; });
    }
}

void World::strike_machine(Fault fault) {
    Machine& machine = fault == Fault::crash_cloud ? *cloud_
                       : fault == Fault::crash_edge ? *edges_[dice(edges_.size())]->machine
                                                    : any_machine();
    const auto downtime = any_time(100ms, 20min);
    const auto loss = dice(2) == 0 ? Disk::Loss::none : Disk::Loss::unsynced;
    const auto undo_later = [this, &machine](Duration after, void (*undo)(Machine&)) {
        schedule_.after(after, [&machine, undo] { undo(machine); });
    };
    switch (fault) {
        case Fault::crash_cloud:
        case Fault::crash_edge: return machine.crash(Disk::Loss::none, downtime);
        case Fault::crash_device:
            return devices_[dice(devices_.size())]->crash(dice(2) == 0 ? Endpoint::Death::told : Endpoint::Death::silent,
                                                          downtime);
        case Fault::power_cut:
            if (&machine != cloud_.get()) cut_power(machine);
            return machine.crash(Disk::Loss::unsynced, downtime);
        case Fault::crash_in_write: return machine.crash_in_write(1 + dice(20), loss, downtime);
        case Fault::restart: return machine.restart(downtime);
        case Fault::disk_full:
            machine.disk().set_full(true);
            return undo_later(any_time(1s, 30min), [](Machine& one) { one.disk().set_full(false); });
        case Fault::write_fails:
            machine.disk().set_unwritable(true);
            return undo_later(any_time(100ms, 5min), [](Machine& one) { one.disk().set_unwritable(false); });
        case Fault::disk_failing:
            machine.disk().set_failing(true);
            return undo_later(any_time(100ms, 5min), [](Machine& one) { one.disk().set_failing(false); });
        case Fault::slow_disk:
            machine.disk().set_pace(any_time(5ms, 3s));
            return undo_later(any_time(1s, 20min), [](Machine& one) { one.disk().set_pace(2ms); });
        default: {
            const auto most = std::chrono::duration_cast<std::chrono::milliseconds>(any_time(1s, 3h));
            const auto offset = dice(2) == 0 ? most : -most;
            trace_.count(Effect::clock_set);
            // A device's clock jumps as often as a hub's.
            if (dice(2) == 0) return devices_[dice(devices_.size())]->set_clock_offset(offset);
            machine.time().set_offset(offset);
            // A computer has one.
            for (const auto& edge : edges_) {
                if (!edge->engine || edge->machine.get() != &machine) continue;
                edge->daemon->time().set_offset(offset);
                edge->agent->time().set_offset(offset);
            }
        }
    }
}

// The rest of an edge device goes dark with its hub.
void World::cut_power(const Machine& machine) {
    for (const auto& edge : edges_) {
        if (!edge->engine || edge->machine.get() != &machine) continue;
        edge->engine->lose_power();
        edge->daemon->crash(Disk::Loss::unsynced, any_time(1s, 5min));
    }
}

void World::strike_agent(Fault fault) {
    Edge& edge = *edges_[dice(edges_.size())];
    switch (fault) {
        case Fault::crash_daemon: return edge.daemon->crash(Disk::Loss::none, any_time(100ms, 20min));
        case Fault::crash_agent: return edge.agent->crash(Disk::Loss::none, 0s);
        case Fault::module_ends: return edge.engine->end_some_module();
        case Fault::engine_down:
            edge.engine->set_down(true);
            return schedule_.after(any_time(1s, 20min), [&edge] { edge.engine->set_down(false); });
        default:
            edge.engine->set_registry_down(true);
            return schedule_.after(any_time(1s, 1h), [&edge] { edge.engine->set_registry_down(false); });
    }
}

void World::heal() {
    healed_ = true;
    network_.heal();
    cloud_->heal();
    for (const auto& edge : edges_) {
        edge->machine->heal();
        if (!edge->engine) continue;
        edge->engine->heal();
        edge->daemon->heal();
        edge->agent->heal();
    }
    for (const auto& device : devices_) device->set_clock_offset(0ms);
}

}  // namespace selvage::simulation
