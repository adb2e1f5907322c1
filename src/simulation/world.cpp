#include <fmt/core.h>

#include <algorithm>
#include <cmath>
#include <filesystem>

#include "base/encoding.h"
#include "simulation/world_parts.h"

namespace selvage::simulation {
namespace {

using namespace std::chrono_literals;
using domain::Identity;

// 2026-01-01: any day will do, as long as it is the same each time.
constexpr UtcTime kStart{std::chrono::milliseconds(1'767'225'600'000)};
constexpr std::uint64_t kPlentyOfDisk = 1ull << 30;
constexpr std::uint64_t kLittleDisk = 2ull << 20;
constexpr auto kLookEvery = 1min;

}  // namespace

std::string key_of(const std::string& name) {
    std::string bytes = name;
    bytes.resize(32, '.');
    return to_base64(bytes);
}

World::World(const Plan& plan)
    : plan_(plan),
      dice_(plan.seed * 0x9e3779b97f4a7c15u + 1),
      trace_(plan.on_event),
      schedule_(kStart),
      network_(schedule_, trace_, dice_.next()),
      read_to_(kPartitions) {
    report_.seed = plan.seed;
    if (plan_.heap_bytes) heap_at_start_ = plan_.heap_bytes();
}

World::~World() = default;

Duration World::any_time(Duration least, Duration most) {
    const double span = std::log(static_cast<double>(most.count()) / static_cast<double>(least.count()));
    return Duration(static_cast<std::int64_t>(static_cast<double>(least.count()) * std::exp(span * dice_.fraction())));
}

// ---- building ----------------------------------------------------------------------------------------------------------

Device& World::add_device(Identity identity, std::string host, std::string output, bool filters) {
    Device::Settings settings;
    settings.key = key_of(domain::to_text(identity));
    settings.identity = std::move(identity);
    settings.host = std::move(host);
    settings.output = std::move(output);
    settings.filters = filters;
    settings.seed = dice_.next();
    // The default, but where a month of pings would be most of the work.
    if (plan_.scenario == Scenario::offline) settings.keep_alive = 1200s;
    devices_.push_back(std::make_unique<Device>(schedule_, network_, trace_, ledger_, std::move(settings)));
    return *devices_.back();
}

void World::build() {
    const Machine::World around{schedule_, network_, trace_, ledger_, plan_.folder, dice_.next(), plan_.lying_disks};
    cloud_ = std::make_unique<Machine>(around, kCloudHost, [this](std::unique_ptr<Seat> seat) {
        return std::make_unique<CloudProcess>(schedule_.loop(), std::move(seat));
    });
    cloud_->on_start = [this] { read_events(); };
    for (std::size_t i = 0; i < plan_.devices; ++i)
        add_device(Identity::of_device(fmt::format("device{}", i)), kCloudHost, "", false);
    for (std::size_t i = 0; i < plan_.edges; ++i) {
        auto edge = std::make_unique<Edge>();
        edge->device = fmt::format("edge{}", i);
        const std::string host = edge->device + ".simulated";
        // Some stores are so small that they fill up in an outage.
        const auto limit = plan_.scenario == Scenario::faults && dice(3) == 0 ? kLittleDisk : kPlentyOfDisk;
        edge->store_bytes_max = limit;
        edge->machine = std::make_unique<Machine>(
            around, host, [this, device = edge->device, limit](std::unique_ptr<Seat> seat) {
                return std::make_unique<EdgeProcess>(schedule_.loop(), std::move(seat), device, key_of(device + "/$edgeHub"),
                                                     limit);
            });
        edge->clients.push_back(&add_device(Identity::of_module(edge->device, "sensor"), host, "raw", false));
        edge->clients.push_back(&add_device(Identity::of_module(edge->device, "filter"), host, "filtered", true));
        edge->clients.push_back(&add_device(Identity::of_device(fmt::format("leaf{}", i)), host, "", false));
        if (plan_.agents) add_agent(*edge, around);
        edges_.push_back(std::move(edge));
    }
}

// ---- living ------------------------------------------------------------------------------------------------------------

void World::make_message(Device& device) {
    if (device.waiting() >= kOutboxMax) return;
    // Mostly small; now and then near the largest that the hub takes.
    const auto kind = dice(100);
    device.make(kind < 90 ? 60 + dice(400) : kind < 99 ? dice(16'000) : dice(250'000));
}

void World::make_messages_for(Device& device, TimePoint end) {
    const auto pause = 2 * plan_.time / static_cast<std::int64_t>(plan_.messages);
    const auto next = schedule_.now() + Duration(static_cast<std::int64_t>(dice_.fraction() * static_cast<double>(pause.count())));
    if (next >= end) return;
    schedule_.at(next, [this, &device, end] {
        const auto burst = plan_.scenario == Scenario::offline ? 1 : 1 + dice(dice(10) == 0 ? 40 : 4);
        for (std::uint64_t i = 0; i < burst; ++i) make_message(device);
        if (dice(4) == 0) device.report();
        if (dice(6) == 0) set_goal(device);
        if (dice(8) == 0) call_method(device);
        if (dice(5) == 0) send_mail(device);
        make_messages_for(device, end);
    });
}

void World::live() {
    const TimePoint end = schedule_.now() + plan_.time;
    for (const auto& device : devices_)
        if (!(device->identity().module == "filter")) make_messages_for(*device, end);
    for (const auto& edge : edges_)
        if (edge->engine) deploy_for(*edge, end);
    if (plan_.scenario == Scenario::faults) plan_faults(end);
    if (plan_.scenario == Scenario::offline)
        for (const auto& edge : edges_) {
            network_.block(edge->machine->host(), kCloudHost, Network::Outage::refused);
            network_.cut(edge->machine->host(), kCloudHost);
        }
    while (schedule_.now() < end && !schedule_.stuck()) {
        schedule_.run_until(std::min(end, schedule_.now() + kLookEvery));
        look_at_bounds();
    }
}

void World::take_down() {
    bool ended = false;
    async::spawn_root(schedule_.loop(), [](World& world) -> async::Awaitable<> {
        for (const auto& device : world.devices_) co_await device->stop();
        for (const auto& edge : world.edges_) {
            if (edge->agent) co_await edge->agent->stop();
            if (edge->daemon) co_await edge->daemon->stop();
            co_await edge->machine->stop();
        }
        co_await world.cloud_->stop();
    }(*this), [&ended] { ended = true; });
    schedule_.run_until(schedule_.now() + 1h, [&ended] { return ended; });
    // What cannot be taken down cannot be destroyed either.
    SELVAGE_ASSERT(ended);
}

Report World::run() {
    build();
    cloud_->start();
    if (provision()) {
        for (const auto& edge : edges_) {
            edge->machine->start();
            if (edge->daemon) edge->daemon->start();
        }
        for (const auto& device : devices_) device->start();
        schedule_.run_until(schedule_.now() + 5min);
        live();
        come_to_rest();
    }
    look_at_memory();
    if (schedule_.stuck()) ledger_.violated("the loop spins: time stands still");
    take_down();
    for (const auto& [sender, account] : ledger_.senders()) report_.messages += account.messages.size();
    for (const auto& [device, numbers] : told_) report_.mail += numbers.size();
    for (const auto& edge : edges_) report_.deployments += static_cast<std::uint64_t>(edge->deployed.confirmed);
    report_.calls = calls_answered_;
    report_.repeated = repeated_before_ + events_.repeated;
    report_.effects = trace_.effects();
    report_.trace_hash = trace_.hash();
    report_.events = trace_.events();
    report_.time = schedule_.now().time_since_epoch();
    report_.violations = ledger_.violations();
    return report_;
}

Report run_world(const Plan& plan) {
    std::filesystem::remove_all(plan.folder);
    std::filesystem::create_directories(plan.folder);
    Report report;
    {
        World world(plan);
        report = world.run();
    }
    std::filesystem::remove_all(plan.folder);
    return report;
}

}  // namespace selvage::simulation
