// The order of things in a simulated world: runs the loop until nothing is left to do, then moves time to the next event.
//
// Owns the loop and its time; everything that uses them dies first. Runs on: the thread that calls run_until().
#pragma once

#include <boost/asio/io_context.hpp>

#include <cstdint>
#include <functional>
#include <map>

#include "async/time_source.h"

namespace selvage::simulation {

class Schedule {
public:
    explicit Schedule(UtcTime start);

    async::Executor loop() { return context_.get_executor(); }
    async::VirtualTime& time() { return time_; }
    TimePoint now() const { return time_.now(); }

    // Runs `act` between two turns of the loop. Acts of the same time run in the order in which they were given.
    void at(TimePoint when, std::move_only_function<void()> act);
    void after(Duration time, std::move_only_function<void()> act) { at(now() + time, std::move(act)); }

    // Runs all that happens up to `end`, or until `enough` says so (looked at whenever the world is at rest). True: enough.
    // False also when the world does not come to rest: see stuck().
    bool run_until(TimePoint end, const std::function<bool()>& enough = nullptr);

    // More than kTurnsMax turns of the loop without time passing: something spins.
    bool stuck() const { return stuck_; }
    std::uint64_t turns() const { return turns_; }

private:
    static constexpr std::uint64_t kTurnsMax = 3'000'000;
    void run_ready();

    boost::asio::io_context context_;
    async::VirtualTime time_;
    std::multimap<TimePoint, std::move_only_function<void()>> acts_;
    std::uint64_t turns_ = 0;
    bool stuck_ = false;
};

// Sees one machine's clock: the world's time, with a wall clock that may be wrong.
class MachineTime final : public async::TimeSource {
public:
    explicit MachineTime(async::VirtualTime& world) : world_(world) {}
    TimePoint now() const override { return world_.now(); }
    UtcTime utc_now() const override { return world_.utc_now() + offset_; }
    async::Awaitable<Result<>> sleep_until(TimePoint when) override { return world_.sleep_until(when); }
    std::unique_ptr<async::Timer> make_timer(async::Executor loop, std::move_only_function<void()> ring) override {
        return world_.make_timer(std::move(loop), std::move(ring));
    }
    void set_offset(std::chrono::milliseconds offset) { offset_ = offset; }

private:
    async::VirtualTime& world_;
    std::chrono::milliseconds offset_{0};
};

}  // namespace selvage::simulation
