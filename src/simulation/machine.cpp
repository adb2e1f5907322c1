#include "simulation/machine.h"

#include <fmt/core.h>

#include <filesystem>

namespace selvage::simulation {
namespace {

using namespace std::chrono_literals;

// An end in order takes seconds; one that takes longer than this never comes.
constexpr auto kStopMax = 10min;

}  // namespace

Machine::Machine(World world, std::string host, Make make)
    : world_(std::move(world)),
      host_(std::move(host)),
      make_(std::move(make)),
      time_(world_.schedule.time()),
      graves_(world_.schedule.loop()) {
    disk_ = fresh_disk();
}

Machine::~Machine() = default;

std::shared_ptr<Disk> Machine::fresh_disk() {
    const auto name = fmt::format("{}.{}", host_, disks_++);
    auto disk = std::make_shared<Disk>(world_.schedule, world_.trace, host_, world_.root + "/" + name, world_.seed + hash_of(name));
    disk->set_lying(world_.lying_disks);
    return disk;
}

void Machine::start() {
    if (process_ || ended_) return;
    ++runs_;
    const std::uint64_t seed = world_.seed ^ hash_of(fmt::format("{}/{}", host_, runs_));
    auto process = make_(std::make_unique<Seat>(world_.network, time_, host_, disk_, seed));
    const auto started = process->start();
    world_.trace.note(world_.schedule.now(), "start", host_, static_cast<std::int64_t>(runs_));
    if (!started) {
        process.reset();
        if (started.error().code != Errc::quota_exceeded && started.error().code != Errc::io_error)
            world_.ledger.violated(fmt::format("{} does not start: {}", host_, started.error().detail));
        return ended(true, 30s);
    }
    if (runs_ > 1) world_.trace.count(Effect::process_restarted);
    process_ = std::move(process);
    if (on_start) on_start();
}

void Machine::ended(bool killed, Duration downtime) {
    if (!on_end) return start_after(downtime);
    if (!ended_) on_end(killed);
}

void Machine::start_after(Duration time) {
    world_.schedule.after(time, [this] { start(); });
}

void Machine::crash(Disk::Loss loss, Duration downtime) {
    if (!process_) return;
    world_.trace.note(world_.schedule.now(), "crash", host_, static_cast<std::int64_t>(loss));
    world_.trace.count(Effect::process_killed);
    auto process = std::move(process_);
    process->seat().endpoint.die(loss == Disk::Loss::none ? Endpoint::Death::told : Endpoint::Death::silent);
    const auto broken = std::exchange(disk_, fresh_disk());
    broken->snapshot(disk_->folder(), loss);
    broken->heal();
    graves_.spawn("end of a crashed process", bury(std::move(process)));
    ended(true, downtime);
}

void Machine::crash_in_write(std::uint64_t operations, Disk::Loss loss, Duration downtime) {
    disk_->at_operation(operations, [this, loss, downtime] { crash(loss, downtime); });
}

async::Awaitable<> Machine::bury(std::unique_ptr<Process> process) {
    const auto since = world_.schedule.now();
    co_await process->stop();
    if (world_.schedule.now() - since > kStopMax) world_.ledger.violated(host_ + " takes too long to stop");
    const auto folder = process->seat().disk->folder();
    process.reset();
    std::filesystem::remove_all(folder);
}

void Machine::restart(Duration downtime) {
    if (!process_) return;
    world_.trace.note(world_.schedule.now(), "restart", host_);
    graves_.spawn("end of a process", end_and_start(std::move(process_), downtime));
}

async::Awaitable<> Machine::end_and_start(std::unique_ptr<Process> process, Duration downtime) {
    const auto since = world_.schedule.now();
    co_await process->stop();
    if (world_.schedule.now() - since > kStopMax) world_.ledger.violated(host_ + " takes too long to stop");
    process.reset();
    ended(false, downtime);
}

async::Awaitable<> Machine::stop() {
    ended_ = true;
    if (process_) co_await process_->stop();
    process_.reset();
    co_await graves_.stop();
}

void Machine::heal() {
    disk_->heal();
    time_.set_offset(0ms);
}

}  // namespace selvage::simulation
