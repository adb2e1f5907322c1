// The fleet behind world.h. Private to this folder.
//
// Files: world.cpp builds it, runs it and takes it down; rest.cpp says what has to be true at any time and in the end;
// back_end.cpp is what users of the cloud do and see; agents.cpp the same for what runs on edge devices; faults.cpp is what
// goes wrong.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "simulation/cloud_process.h"
#include "simulation/device.h"
#include "simulation/edge_process.h"
#include "simulation/engine.h"
#include "simulation/machine.h"
#include "simulation/world.h"

namespace selvage::simulation {

// What a device keeps for later; more it does not make.
inline constexpr std::size_t kOutboxMax = 500;

// A fleet of one plan.
class World {
public:
    explicit World(const Plan& plan);
    ~World();
    Report run();

private:
    // What back ends last wanted of a device.
    struct Goal {
        std::int64_t asked = 0;
        std::int64_t confirmed = 0;
    };
    struct WantedModule {
        std::string image;
        bool runs = false;
    };
    using Wanted = std::map<std::string, WantedModule>;
    // Its hub, its daemon and its agent are processes of their own, and fall and rise one by one.
    struct Edge {
        std::string device;                    // its id
        std::unique_ptr<Machine> machine;      // the hub's
        std::uint64_t store_bytes_max = 0;
        std::vector<Device*> clients;
        std::unique_ptr<Engine> engine;        // null: a world without agents; then the rest is empty too
        std::string key_file;
        std::unique_ptr<Machine> daemon;
        std::unique_ptr<Machine> agent;
        std::map<std::int64_t, Wanted> wanted; // by number of the deployment
        Goal deployed;
    };

    // ---- world.cpp ----
    void build();
    Device& add_device(domain::Identity identity, std::string host, std::string output, bool filters);
    void live();
    void take_down();
    void make_message(Device& device);
    void make_messages_for(Device& device, TimePoint end);
    CloudProcess* cloud() { return static_cast<CloudProcess*>(cloud_->process()); }
    EdgeProcess* edge_process(Edge& edge) { return static_cast<EdgeProcess*>(edge.machine->process()); }
    std::uint64_t dice(std::uint64_t sides) { return sides == 0 ? 0 : dice_.next() % sides; }
    // Between the two, small ones as often as large ones.
    Duration any_time(Duration least, Duration most);

    // ---- rest.cpp ----
    void look_at_bounds();
    void look_at_memory();
    void come_to_rest();
    bool at_rest();
    std::string unrest();
    std::string unread_feedback();

    // ---- agents.cpp ----
    void add_agent(Edge& edge, const Machine::World& around);
    JsonObject deployment_of(Edge& edge, std::int64_t number);
    void deploy_for(Edge& edge, TimePoint end);
    async::Awaitable<> deploy(Edge& edge, JsonObject desired, std::int64_t number, std::uint64_t run);
    std::int64_t running_deployment(const Edge& edge) const;
    std::string agent_unrest(const Edge& edge) const;
    void check_replacements(const Edge& edge);
    async::Awaitable<bool> compare_deployment(Edge& edge);

    // ---- back_end.cpp ----
    bool provision();
    async::Awaitable<> provision_all(bool& done);
    void read_events();
    async::Awaitable<> read_partition(std::size_t partition, std::uint64_t run);
    async::Awaitable<> read_feedback(std::uint64_t run);
    void take_feedback(const JsonObject& record);
    void take_event(const domain::Message& message);
    bool caught_up();
    void check_direct_senders();
    void set_goal(Device& device);
    async::Awaitable<> change_desired(std::string device, domain::Identity identity, std::int64_t value, std::uint64_t run);
    void send_mail(Device& device);
    async::Awaitable<> send_mail_to(Device& device, std::uint64_t number, std::string body, std::uint64_t run);
    void call_method(Device& device);
    async::Awaitable<> call(domain::Identity identity, std::string payload, std::uint64_t run);
    void compare_twins();
    async::Awaitable<> compare_all(bool& done);

    // ---- faults.cpp ----
    void plan_faults(TimePoint end);
    void strike();
    void strike_network(Fault fault);
    void strike_machine(Fault fault);
    void strike_agent(Fault fault);
    void cut_power(const Machine& machine);
    void heal();
    std::pair<std::string, std::string> any_pair();
    Machine& any_machine();
    void count(Fault fault) { ++report_.faults[static_cast<std::size_t>(fault)]; }

    Plan plan_;
    Report report_;
    SeededRandom dice_;
    Trace trace_;
    Schedule schedule_;
    Network network_;
    Ledger ledger_;
    std::unique_ptr<Machine> cloud_;
    std::vector<std::unique_ptr<Edge>> edges_;
    std::vector<std::unique_ptr<Device>> devices_;
    std::map<std::string, Goal> goals_;
    std::map<std::string, std::set<std::uint64_t>> told_;   // mail of which a back end knows that it was completed, by device

    Ledger::Reader events_;                        // of this run of the cloud
    std::vector<storage::Offset> read_to_;
    std::uint64_t repeated_before_ = 0;
    bool checked_since_start_ = false;
    std::uint64_t calls_answered_ = 0;
    std::size_t heap_at_start_ = 0;
    bool heap_told_ = false;
    bool healed_ = false;
    TimePoint last_look_{};
};

std::string key_of(const std::string& name);       // base64

}  // namespace selvage::simulation
