// What to do with one module: pure decisions from what is wanted, what is seen and what has been tried.
//
// Each module stands for itself: one bad image or crash loop never delays another. Differences from the reference are in
// docs/differences.md: no limit of restarts, exit code 0 of `on-failure` means done, a failure after a healthy run is healed at
// once.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <string>

#include "base/clock.h"
#include "edge/manifest/deployment.h"

namespace selvage::edge::agent {

// A container as the daemon lists it.
struct Observed {
    std::string name;
    std::string image;
    std::string image_hash;
    std::map<std::string, std::string> labels;
    manifest::ModuleStatus status = manifest::ModuleStatus::unknown;   // running, stopped, failed, dead or unknown
    std::int64_t exit_code = 0;
    std::optional<UtcTime> started;
    std::optional<UtcTime> exited;
};

// The label by which a container tells what it was made from: see applied_hash().
inline constexpr std::string_view kAppliedLabel = "net.azure-devices.edge.selvage.applied";
// The generation of the identity that it was made with, so that a start without a network can compute the same hash.
inline constexpr std::string_view kGenerationLabel = "net.azure-devices.edge.selvage.generation";

// Restarts of one module since it was last changed or ran well for a while.
struct RestartHistory {
    std::uint32_t count = 0;
    std::optional<UtcTime> last_restart;
};

struct RestartRules {
    std::chrono::seconds cool_off_unit{10};        // CoolOffTimeUnitInSeconds
    std::chrono::seconds cool_off_max{300};
    std::chrono::minutes intensive_care{10};       // IntensiveCareTimeInMinutes: running so long clears the count
    std::chrono::seconds healthy_run{30};          // ran so long, and twice the wait that is due: restarted at once
    std::uint32_t restarts_max = 0;                // MaxRestartCount when the user sets it; 0: no limit
};

enum class Action { none, create, update, remove, recreate, start, stop, restart };

struct Decision {
    Action action = Action::none;
    // For the reported properties: the raw status passed through the restart policy.
    manifest::ModuleStatus runtime_status = manifest::ModuleStatus::unknown;
    // A restart that waits for its cool-off: when it comes.
    std::optional<UtcTime> restart_at;
    bool clears_history = false;                   // ran well, or was changed: forget the restarts
};

// `desired` null: not in the deployment (then it is removed, unless it is edgeAgent or edgeHub).
// `seen` null: there is no container. `wanted_hash` is applied_hash() of `desired`.
Decision decide(const manifest::Module* desired, const Observed* seen, std::string_view wanted_hash,
                const RestartHistory& history, const RestartRules& rules, UtcTime now);

// How long a module that exited is left alone after `count` restarts.
std::chrono::seconds cool_off(std::uint32_t count, const RestartRules& rules);

// How long to wait before trying a failed create or update again: 10·2^n s up to 5 min, with ±20 % of jitter
// (`fraction` in [0, 1)).
std::chrono::milliseconds retry_wait(std::uint32_t failures, double fraction);

}  // namespace selvage::edge::agent
