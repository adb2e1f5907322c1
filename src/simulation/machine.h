// A computer of the simulated world: one disk, one clock, one program that is started, crashes and is started again.
//
// Runs on: the world's loop.
#pragma once

#include <functional>

#include "async/task_group.h"
#include "simulation/ledger.h"
#include "simulation/process.h"

namespace selvage::simulation {

class Machine {
public:
    using Make = std::function<std::unique_ptr<Process>(std::unique_ptr<Seat>)>;
    struct World {
        Schedule& schedule;
        Network& network;
        Trace& trace;
        Ledger& ledger;
        std::string root;               // a folder for the disks
        std::uint64_t seed;
        bool lying_disks = false;
    };
    Machine(World world, std::string host, Make make);
    ~Machine();

    // Called after each start.
    std::function<void()> on_start;
    // Called when the program has ended, however that came. Empty: it is started again after its downtime.
    std::function<void(bool killed)> on_end;

    void start();
    bool running() const { return process_ != nullptr; }
    Process* process() const { return process_.get(); }
    // Counts the starts: an answer from an earlier run of the program says nothing about this one.
    std::uint64_t runs() const { return runs_; }

    // The process dies here and now; it is started again after `downtime`. Unsynced loss is what a power cut does.
    void crash(Disk::Loss loss, Duration downtime);
    // The same, in the middle of a write or sync to come.
    void crash_in_write(std::uint64_t operations, Disk::Loss loss, Duration downtime);
    // Stops in order, then starts again.
    void restart(Duration downtime);
    async::Awaitable<> stop();

    Disk& disk() { return *disk_; }
    MachineTime& time() { return time_; }
    const std::string& host() const { return host_; }
    void heal();
    // Processes that died and are still being taken down.
    std::size_t dying() const { return graves_.size(); }

private:
    std::shared_ptr<Disk> fresh_disk();
    void start_after(Duration time);
    void ended(bool killed, Duration downtime);
    async::Awaitable<> bury(std::unique_ptr<Process> process);
    async::Awaitable<> end_and_start(std::unique_ptr<Process> process, Duration downtime);

    World world_;
    std::string host_;
    Make make_;
    MachineTime time_;
    std::shared_ptr<Disk> disk_;
    std::unique_ptr<Process> process_;
    std::uint64_t runs_ = 0;
    std::uint64_t disks_ = 0;
    bool ended_ = false;
    async::TaskGroup graves_;
};

}  // namespace selvage::simulation
