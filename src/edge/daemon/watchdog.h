// Keeps edgeAgent running: looks every ten seconds and at once when the engine reports that a container ended.
//
// Runs on: one loop. Everything given outlives it. Rules: docs/wire/management-api.md#watchdog.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "async/event.h"
#include "async/task_group.h"
#include "async/time_source.h"
#include "edge/daemon/modules.h"

namespace selvage::edge::daemon {

// The container to create; asks the hub for the agent's generation, so it may fail.
using MakeAgentSpec = std::function<Awaitable<Result<management::ModuleSpec>>()>;

class Watchdog {
public:
    struct Settings {
        // Rounds that failed since the last stable time; nothing: no limit.
        std::optional<unsigned> retries_max{};
        std::chrono::seconds interval{10};
        // An agent that has run this long is well: failures before count no more.
        std::chrono::minutes stable_after{5};
        // An agent that ends again and again is started at growing distances up to this one.
        std::chrono::seconds longest_pause{60};
    };

    Watchdog(async::Executor loop, async::TimeSource& time, Modules& modules, MakeAgentSpec make_spec, Settings settings);

    // Watches until it is cancelled, or until the limit of failures is reached: then it returns the last one.
    Awaitable<Result<>> run();

    // One look and what it asks for.
    Awaitable<Result<>> check();
    // To be looked at now.
    void wake() { woken_.set(); }

private:
    Awaitable<Result<>> start_agent();
    // `in_the_way`: a container that goes first, once it is known what comes in its place.
    Awaitable<Result<>> create_agent(bool in_the_way);
    bool may_start_now();
    void note(const Result<>& result);

    async::TimeSource& time_;
    Modules& modules_;
    MakeAgentSpec make_spec_;
    Settings settings_;
    async::Event woken_;
    unsigned failures_ = 0;
    unsigned quick_ends_ = 0;                   // starts in a row of an agent that did not stay
    unsigned starts_refused_ = 0;               // by the engine, in a row
    std::optional<TimePoint> last_start_{};
    std::optional<TimePoint> running_since_{};
    std::string last_logged_{};
};

}  // namespace selvage::edge::daemon
