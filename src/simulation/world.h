// A whole fleet in one process: a cloud hub, edge hubs with modules and a leaf device, devices of the cloud; faults by the
// dice; and an account of every promise.
//
//   devices straight at the cloud ── cloud ─┬─ edge hub ── sensor, filter (fed by the sensor), leaf device
//                                           └─ edge agent ── daemon ── container engine
//
// A run: all is set up and works; faults come for the time that is asked for; then everything is healed and has to come to
// rest: all sent has arrived, twins are equal, everybody is connected. Then it is taken down in order.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "simulation/trace.h"

namespace selvage::simulation {

enum class Fault {
    cut,               // connections between two hosts break, on both sides
    half_open,         // they go on, and nothing arrives any more
    stall,             // nothing arrives for a while
    outage,            // no new connections for a while; old ones break, vanish or stay
    slow_network,
    packet_loss,       // on all connections, for a while
    reordering,        // each connection gets a delay of its own: what is said on one overtakes what is said on another
    crash_cloud,       // killed; started again
    crash_edge,
    crash_device,
    crash_in_write,    // killed, or its power cut, in the middle of what the message log does to the disk
    power_cut,         // and what was not synced is gone, or torn
    restart,           // in order
    disk_full,
    write_fails,
    disk_failing,      // syncs fail
    slow_disk,
    clock_jump,
    // Of edge devices with agents only:
    crash_daemon,
    crash_agent,
    module_ends,       // a container ends by itself
    engine_down,
    registry_down,     // no image can be fetched
};
inline constexpr std::size_t kFaultKinds = 23;
inline constexpr std::size_t kFaultKindsWithoutAgents = 18;
const char* name(Fault fault);

enum class Scenario {
    faults,            // everything above
    calm,              // none of it: then nothing may come twice either
    offline,           // the edge hubs cannot reach the cloud, all the time
};

struct Plan {
    std::uint64_t seed = 1;
    Duration time = std::chrono::hours(4);
    Scenario scenario = Scenario::faults;
    std::size_t edges = 1;
    std::size_t devices = 2;                   // at the cloud
    std::size_t messages = 60;                // bursts of messages, each device
    std::size_t faults = 30;
    bool agents = true;                        // daemon, agent and container engine on each edge device
    bool lying_disks = false;                  // syncs do nothing: a power cut must then break promises, and be found out
    std::string folder;                        // for the disks; made, and gone afterwards
    std::function<std::size_t()> heap_bytes;   // what this thread has allocated; empty: not looked at
    std::function<void(const std::string&)> on_event;
};

struct Report {
    std::uint64_t seed = 0;
    std::uint64_t trace_hash = 0;
    std::uint64_t events = 0;
    std::array<std::uint64_t, kFaultKinds> faults{};
    Effects effects{};
    std::uint64_t messages = 0;
    std::uint64_t mail = 0;                    // cloud-to-device messages that a back end was told to be completed
    std::uint64_t calls = 0;                   // direct methods that were answered
    std::uint64_t deployments = 0;             // that were confirmed
    std::uint64_t repeated = 0;                // arrivals at the cloud beyond the first
    std::size_t heap_bytes_most = 0;
    Duration time{};                           // simulated, to the end
    std::vector<std::string> violations;       // empty: every promise was kept
};

// Runs one world from its beginning to its end.
Report run_world(const Plan& plan);

}  // namespace selvage::simulation
