#include "edge/agent/planner.h"

#include <algorithm>
#include <cmath>

namespace selvage::edge::agent {
namespace {

using manifest::ModuleStatus;
using manifest::RestartPolicy;

bool is_runtime_module(std::string_view name) { return name == "edgeAgent" || name == "edgeHub"; }

// Does the policy want a module that ended with this status to run again?
bool wants_restart(RestartPolicy policy, ModuleStatus status) {
    switch (policy) {
        case RestartPolicy::always: return true;
        case RestartPolicy::on_failure:
        case RestartPolicy::on_unhealthy:
        case RestartPolicy::unknown: return status == ModuleStatus::failed;   // exit code 0 means done
        case RestartPolicy::never: return false;
    }
    return false;
}

// A container that should run and has ended.
Decision decide_ended(const manifest::Module& desired, const Observed& seen, const RestartHistory& history,
                      const RestartRules& rules, UtcTime now) {
    Decision decision;
    decision.runtime_status = seen.status;
    // Made and never started (its start failed, or the daemon stopped in between): that is not a restart.
    if (!seen.started) {
        decision.action = Action::start;
        return decision;
    }
    if (!wants_restart(desired.restart_policy, seen.status)) return decision;
    if (rules.restarts_max > 0 && history.count >= rules.restarts_max) {
        decision.runtime_status = ModuleStatus::failed;
        return decision;
    }
    const UtcTime ended = seen.exited.value_or(now);
    const auto regular_wait = cool_off(history.count, rules);
    // A run twice as long as the wait that is due was no part of a crash loop.
    const bool ran_well = ended - *seen.started >= std::max(rules.healthy_run, 2 * regular_wait);
    const auto wait = ran_well ? std::chrono::seconds(0) : regular_wait;
    // A wall clock that was set back would otherwise keep the module down.
    if (now < ended || now - ended >= wait) {
        decision.action = Action::restart;
    } else {
        decision.restart_at = ended + wait;
    }
    decision.runtime_status = ModuleStatus::backoff;
    return decision;
}

}  // namespace

std::chrono::seconds cool_off(std::uint32_t count, const RestartRules& rules) {
    auto wait = rules.cool_off_unit;
    for (std::uint32_t i = 0; i < count && wait < rules.cool_off_max; ++i) wait *= 2;
    return std::min(wait, rules.cool_off_max);
}

std::chrono::milliseconds retry_wait(std::uint32_t failures, double fraction) {
    const double seconds = std::min(10.0 * std::pow(2.0, std::min(failures, 10u)), 300.0);
    return std::chrono::milliseconds(static_cast<std::int64_t>(seconds * (800.0 + 400.0 * fraction)));
}

Decision decide(const manifest::Module* desired, const Observed* seen, std::string_view wanted_hash,
                const RestartHistory& history, const RestartRules& rules, UtcTime now) {
    Decision decision;
    if (desired == nullptr) {
        decision.runtime_status = seen == nullptr ? ModuleStatus::unknown : seen->status;
        // A manifest without a system module keeps the one that runs: taking the hub away by a slip would stop the site.
        if (seen != nullptr && !is_runtime_module(seen->name)) decision.action = Action::remove;
        return decision;
    }
    if (seen == nullptr) {
        decision.action = Action::create;
        decision.clears_history = true;
        return decision;
    }
    decision.runtime_status = seen->status;
    const auto label = seen->labels.find(std::string(kAppliedLabel));
    if (label == seen->labels.end() || label->second != wanted_hash || seen->image != desired->image) {
        decision.action = Action::update;
        decision.clears_history = true;
        return decision;
    }
    if (desired->name == "edgeAgent") return decision;   // it runs, or this would not be decided
    switch (seen->status) {
        case ModuleStatus::dead:
            decision.action = Action::recreate;
            return decision;
        case ModuleStatus::unknown:
            return decision;   // the daemon could not tell; never act on a guess
        case ModuleStatus::running:
            if (desired->status == ModuleStatus::stopped) decision.action = Action::stop;
            else if (seen->started && now - *seen->started >= rules.intensive_care) decision.clears_history = true;
            return decision;
        default:
            if (desired->status == ModuleStatus::running) return decide_ended(*desired, *seen, history, rules, now);
            return decision;
    }
}

}  // namespace selvage::edge::agent
