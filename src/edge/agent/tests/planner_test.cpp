#include "edge/agent/planner.h"

#include <gtest/gtest.h>

namespace selvage::edge::agent {
namespace {

using manifest::Module;
using manifest::ModuleStatus;
using manifest::RestartPolicy;
using std::chrono::seconds;

const UtcTime kNow{std::chrono::hours(1000)};

Module wanted(RestartPolicy policy, ModuleStatus status = ModuleStatus::running) {
    Module module;
    module.name = "m";
    module.image = "m:1";
    module.status = status;
    module.restart_policy = policy;
    return module;
}

Observed seen(ModuleStatus status, seconds ran, seconds ended_ago) {
    Observed observed;
    observed.name = "m";
    observed.image = "m:1";
    observed.labels[std::string(kAppliedLabel)] = "h";
    observed.status = status;
    if (status == ModuleStatus::running) {
        observed.started = kNow - ran;
    } else {
        observed.started = kNow - ended_ago - ran;
        observed.exited = kNow - ended_ago;
        observed.exit_code = status == ModuleStatus::failed ? 1 : 0;
    }
    return observed;
}

struct Row {
    const char* name;
    RestartPolicy policy;
    ModuleStatus desired;
    ModuleStatus raw;
    int ran;
    int ended_ago;
    unsigned count;
    Action action;
    ModuleStatus reported;
};

constexpr auto kAlways = RestartPolicy::always;
constexpr auto kOnFailure = RestartPolicy::on_failure;
constexpr auto kNever = RestartPolicy::never;
constexpr auto kRun = ModuleStatus::running;
constexpr auto kStop = ModuleStatus::stopped;
constexpr auto kFailed = ModuleStatus::failed;

const Row kRows[] = {
    {"runs as wanted", kAlways, kRun, kRun, 100, 0, 0, Action::none, kRun},
    {"first failure after a healthy run heals at once", kAlways, kRun, kFailed, 31, 0, 0, Action::restart, ModuleStatus::backoff},
    {"first failure of a short run waits 10 s", kAlways, kRun, kFailed, 5, 9, 0, Action::none, ModuleStatus::backoff},
    {"… and is restarted then", kAlways, kRun, kFailed, 5, 10, 0, Action::restart, ModuleStatus::backoff},
    {"a later failure after a run of twice its wait heals at once too", kAlways, kRun, kFailed, 40, 0, 1, Action::restart, ModuleStatus::backoff},
    {"… but not after a shorter one", kAlways, kRun, kFailed, 39, 0, 1, Action::none, ModuleStatus::backoff},
    {"second failure waits 20 s", kAlways, kRun, kFailed, 5, 19, 1, Action::none, ModuleStatus::backoff},
    {"the wait is capped at 300 s", kAlways, kRun, kFailed, 5, 300, 40, Action::restart, ModuleStatus::backoff},
    {"no limit of restarts", kAlways, kRun, kFailed, 5, 301, 1000, Action::restart, ModuleStatus::backoff},
    {"always restarts exit code 0 too", kAlways, kRun, kStop, 60, 0, 0, Action::restart, ModuleStatus::backoff},
    {"on-failure leaves exit code 0", kOnFailure, kRun, kStop, 5, 100, 0, Action::none, kStop},
    {"on-failure restarts a failure", kOnFailure, kRun, kFailed, 60, 1, 0, Action::restart, ModuleStatus::backoff},
    {"never leaves a failure", kNever, kRun, kFailed, 60, 1, 0, Action::none, kFailed},
    {"a clock set back does not keep a module down", kAlways, kRun, kFailed, 5, -1000, 3, Action::restart, ModuleStatus::backoff},
    {"stops what should be stopped", kAlways, kStop, kRun, 60, 0, 0, Action::stop, kRun},
    {"stopped with an exit code is not stopped again", kAlways, kStop, kFailed, 60, 5, 0, Action::none, kFailed},
    {"dead is made anew", kAlways, kRun, ModuleStatus::dead, 60, 5, 25, Action::recreate, ModuleStatus::dead},
    {"unknown is left alone", kAlways, kRun, ModuleStatus::unknown, 60, 5, 0, Action::none, ModuleStatus::unknown},
};

TEST(Planner, DecidesAsTheTableSays) {
    for (const auto& row : kRows) {
        const Module module = wanted(row.policy, row.desired);
        const Observed observed = seen(row.raw, seconds(row.ran), seconds(row.ended_ago));
        const Decision decision = decide(&module, &observed, "h", RestartHistory{row.count, {}}, RestartRules{}, kNow);
        EXPECT_EQ(decision.action, row.action) << row.name;
        EXPECT_EQ(decision.runtime_status, row.reported) << row.name;
    }
}

TEST(Planner, CreatesUpdatesAndRemovesByHashImageAndPresence) {
    const Module module = wanted(kAlways);
    Observed observed = seen(kRun, seconds(60), seconds(0));
    EXPECT_EQ(decide(&module, nullptr, "h", {}, {}, kNow).action, Action::create);
    EXPECT_EQ(decide(&module, &observed, "other", {}, {}, kNow).action, Action::update);
    EXPECT_EQ(decide(nullptr, &observed, "", {}, {}, kNow).action, Action::remove);
    observed.image = "m:2";
    EXPECT_EQ(decide(&module, &observed, "h", {}, {}, kNow).action, Action::update);
    observed.labels.clear();
    EXPECT_EQ(decide(&module, &observed, "", {}, {}, kNow).action, Action::update);
}

TEST(Planner, KeepsARuntimeModuleThatTheManifestForgot) {
    Observed hub = seen(kRun, seconds(60), seconds(0));
    hub.name = "edgeHub";
    EXPECT_EQ(decide(nullptr, &hub, "", {}, {}, kNow).action, Action::none);
}

TEST(Planner, StartsWhatWasMadeButNeverStarted) {
    const Module module = wanted(kNever);
    Observed observed = seen(kStop, seconds(0), seconds(0));
    observed.started.reset();
    observed.exited.reset();
    EXPECT_EQ(decide(&module, &observed, "h", {}, {}, kNow).action, Action::start);
}

TEST(Planner, ForgetsRestartsAfterTenGoodMinutes) {
    const Module module = wanted(kAlways);
    const Observed almost = seen(kRun, seconds(599), seconds(0));
    const Observed enough = seen(kRun, seconds(600), seconds(0));
    EXPECT_FALSE(decide(&module, &almost, "h", {}, {}, kNow).clears_history);
    EXPECT_TRUE(decide(&module, &enough, "h", {}, {}, kNow).clears_history);
}

TEST(Planner, GivesUpOnlyWhereTheUserSetALimit) {
    const Module module = wanted(kAlways);
    const Observed observed = seen(kFailed, seconds(5), seconds(1000));
    RestartRules rules;
    rules.restarts_max = 20;
    const Decision decision = decide(&module, &observed, "h", RestartHistory{20, {}}, rules, kNow);
    EXPECT_EQ(decision.action, Action::none);
    EXPECT_EQ(decision.runtime_status, kFailed);
}

TEST(RetryWait, GrowsToFiveMinutesAndHasJitter) {
    EXPECT_EQ(retry_wait(0, 0.5), std::chrono::seconds(10));
    EXPECT_EQ(retry_wait(2, 0.5), std::chrono::seconds(40));
    EXPECT_EQ(retry_wait(30, 0.5), std::chrono::seconds(300));
    EXPECT_EQ(retry_wait(30, 0.0), std::chrono::seconds(240));
    EXPECT_LT(retry_wait(0, 0.999), std::chrono::seconds(12));
}

}  // namespace
}  // namespace selvage::edge::agent
