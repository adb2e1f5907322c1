// One run of a program on a machine of the simulated world, from its start to its end or crash.
#pragma once

#include <memory>
#include <string>

#include "async/awaitable.h"
#include "simulation/disk.h"
#include "simulation/network.h"

namespace selvage::simulation {

// Of every message log of the world.
inline constexpr std::uint64_t kPendingBytesMax = 4ull << 20;

// What a process has for itself.
struct Seat {
    Seat(Network& network, MachineTime& machine_time, std::string host_name, std::shared_ptr<Disk> its_disk, std::uint64_t seed)
        : host(std::move(host_name)), time(machine_time), random(seed), disk(std::move(its_disk)), endpoint(network, host) {}
    std::string host;
    MachineTime& time;
    SeededRandom random;
    std::shared_ptr<Disk> disk;
    Endpoint endpoint;
};

class Process {
public:
    virtual ~Process() = default;
    // Opens the stores and begins. Errors: those of the stores; the process is then to be destroyed without stop().
    virtual Result<> start() = 0;
    // In order, as at SIGTERM. Also what a crashed process does, unseen.
    virtual async::Awaitable<> stop() = 0;
    virtual Seat& seat() = 0;
};

}  // namespace selvage::simulation
