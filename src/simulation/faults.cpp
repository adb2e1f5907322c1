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
        case Fault::crash_cloud: return "cloud killed";
        case Fault::crash_edge: return "edge killed";
        case Fault::crash_in_write: return "killed in a write";
        case Fault::power_cut: return "power cut";
        case Fault::restart: return "restart";
        case Fault::disk_full: return "disk full";
        case Fault::disk_failing: return "sync fails";
        case Fault::slow_disk: return "slow disk";
        case Fault::clock_jump: return "clock jump";
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
    const auto which = dice(devices_.size() + edges_.size() * 2);
    if (which < devices_.size()) return {devices_[which]->name(), devices_[which]->host()};
    return {edges_[(which - devices_.size()) % edges_.size()]->machine->host(), kCloudHost};
}

Machine& World::any_machine() {
    const auto which = dice(edges_.size() + 1);
    return which == 0 ? *cloud_ : *edges_[which - 1]->machine;
}

void World::strike() {
    if (healed_) return;
    const auto fault = static_cast<Fault>(dice(kFaultKinds));
    count(fault);
    trace_.note(schedule_.now(), "fault", name(fault));
    if (fault <= Fault::slow_network)
        strike_network(fault);
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
        default:
            network_.set_latency(any_time(1ms, 5s));
            schedule_.after(any_time(1s, 20min), [this] { network_.set_latency(20ms); });
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
        case Fault::power_cut: return machine.crash(Disk::Loss::unsynced, downtime);
        case Fault::crash_in_write: return machine.crash_in_write(1 + dice(20), loss, downtime);
        case Fault::restart: return machine.restart(downtime);
        case Fault::disk_full:
            machine.disk().set_full(true);
            return undo_later(any_time(1s, 30min), [](Machine& one) { one.disk().set_full(false); });
        case Fault::disk_failing:
            machine.disk().set_failing(true);
            return undo_later(any_time(100ms, 5min), [](Machine& one) { one.disk().set_failing(false); });
        case Fault::slow_disk:
            machine.disk().set_pace(any_time(5ms, 3s));
            return undo_later(any_time(1s, 20min), [](Machine& one) { one.disk().set_pace(2ms); });
        default: {
            const auto most = std::chrono::duration_cast<std::chrono::milliseconds>(any_time(1s, 3h));
            const auto offset = dice(2) == 0 ? most : -most;
            // A device's clock jumps as often as a hub's.
            if (dice(2) == 0) return devices_[dice(devices_.size())]->set_clock_offset(offset);
            machine.time().set_offset(offset);
        }
    }
}

void World::heal() {
    healed_ = true;
    network_.heal();
    network_.set_latency(20ms);
    cloud_->heal();
    for (const auto& edge : edges_) edge->machine->heal();
    for (const auto& device : devices_) device->set_clock_offset(0ms);
}

}  // namespace selvage::simulation
