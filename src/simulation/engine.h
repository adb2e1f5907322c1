// The container engine of a simulated edge device: containers as records, and what can go wrong with them.
//
// It is not a process of ours: it lives on while daemons and agents crash and come back. Each daemon talks to it through
// a connection of its own, whose calls do nothing once that daemon is dead. Runs on: the world's loop.
#pragma once

#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "base/random.h"
#include "edge/runtime/module_runtime.h"
#include "simulation/network.h"

namespace selvage::simulation {

class Engine {
public:
    struct Container {
        edge::management::ModuleSpec spec;
        bool running = false;
        std::optional<UtcTime> started{};
        std::optional<UtcTime> exited{};
        std::int64_t exit_code = 0;
        int pid = -1;
    };

    Engine(Schedule& schedule, Trace& trace, std::string name, std::uint64_t seed);
    ~Engine();

    // A container has begun to run; one is to end (killed: at once). For containers that are processes of this world, which
    // then tell ended().
    std::function<void(const Container& container)> on_start;
    std::function<void(const std::string& name, bool killed)> on_stop;
    void ended(const std::string& name, std::int64_t exit_code);

    // As Docker's, for the process at `endpoint`, which outlives it.
    std::unique_ptr<edge::runtime::ModuleRuntime> connect(const Endpoint& endpoint);

    const std::map<std::string, Container>& containers() const { return containers_; }
    const Container* find(const std::string& name) const;

    // ---- faults ----
    void set_down(bool down) { down_ = down; }                      // nobody answers
    void set_registry_down(bool down) { registry_down_ = down; }    // pulls fail
    // One container of those that run ends by itself.
    void end_some_module();
    // All that ran has ended.
    void lose_power();
    void heal() { down_ = registry_down_ = false; }

private:
    class Connection;
    void run(const std::string& name);
    void note(std::string_view what, const std::string& name);

    Schedule& schedule_;
    Trace& trace_;
    std::string name_;
    SeededRandom dice_;
    std::map<std::string, Container> containers_;
    std::set<std::string> images_;
    std::vector<Connection*> connections_;
    int next_pid_ = 100;
    bool down_ = false;
    bool registry_down_ = false;
};

}  // namespace selvage::simulation
