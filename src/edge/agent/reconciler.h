// Makes the containers equal the deployment: looks, decides (planner.h) and acts through the management API.
//
// Runs on: the agent's loop. Each module's work is a task of its own, so a slow pull or a failing image never delays the
// others; only the order of startup groups is kept: a group is begun when every lower one has been tried. Failed work is
// tried again for ever, with growing waits. Bounded: one task a module.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "async/event.h"
#include "async/task_group.h"
#include "async/time_source.h"
#include "base/random.h"
#include "edge/agent/container_spec.h"
#include "edge/agent/planner.h"
#include "edge/agent/reported.h"
#include "edge/management/management_client.h"
#include "edge/manifest/deployment.h"

namespace selvage::edge::agent {

class Reconciler {
public:
    // `changed` is called (on the loop) whenever a piece of work has ended: time for another pass.
    Reconciler(async::Executor loop, async::TimeSource& time, Random& random, management::ManagementClient& daemon,
               AgentEnvironment environment, RestartRules rules, std::function<void()> changed);
    ~Reconciler();

    // Looks at the containers once and starts what is to be done. `deployment` null: only looks. The deployment may be
    // replaced between passes; work under way goes on with the one it began with.
    // Errors: what the daemon answered; nothing is changed then.
    async::Awaitable<Result<>> pass(const manifest::Deployment* deployment, std::int64_t version);

    // Ends the work under way. Call before destruction.
    async::Awaitable<> stop();

    // As of the last pass. Pointers into `deployment` and into this object.
    std::vector<ReportedModule> modules(const manifest::Deployment* deployment) const;

    // Everything is as the deployment wants it, or waits for its restart.
    bool settled() const { return pending_.empty() && errors().empty(); }
    // Work that is still under way or not yet begun, by module, for people.
    const std::vector<std::string>& pending() const { return pending_; }
    // One sentence a module that could not be brought to its state.
    std::vector<std::string> errors() const;
    bool has_container(const std::string& name) const { return seen_.contains(name); }

private:
    struct Progress {
        RestartHistory history;
        std::uint32_t failures = 0;
        std::string failed_hash;                 // what the failures are about: another hash starts afresh
        std::optional<TimePoint> retry_at;
        std::string error;
        bool busy = false;
    };
    // What a task takes with it: values only.
    struct Work {
        Action action = Action::none;
        std::string name;
        std::string hash;
        bool run = false;                        // start it afterwards
        bool again = false;                      // it was tried before and failed
        std::optional<management::ModuleSpec> spec;
    };

    async::Awaitable<Result<>> look();
    async::Awaitable<Result<>> learn_identities(const manifest::Deployment& deployment);
    std::string generation_of(const std::string& name) const;
    // Decides on one module and starts its work; true when it is not yet as wanted and has not failed.
    bool advance(const manifest::Module* desired, const std::string& name, const manifest::Deployment& deployment,
                 bool may_begin);
    void remove_strangers(const manifest::Deployment& deployment);
    async::Awaitable<> run(Work work, manifest::Deployment deployment, std::optional<manifest::Module> module);
    async::Awaitable<Result<>> perform(Work& work, const manifest::Deployment& deployment,
                                       const std::optional<manifest::Module>& module);
    async::Awaitable<Result<>> make(Work& work, const manifest::Deployment& deployment, const manifest::Module& module);
    async::Awaitable<Result<>> remove(const std::string& name);
    void finish(const Work& work, const Result<>& result);

    async::Executor loop_;
    async::TimeSource& time_;
    Random& random_;
    management::ManagementClient& daemon_;
    AgentEnvironment environment_;
    RestartRules rules_;
    std::function<void()> changed_;
    std::map<std::string, Observed> seen_;
    std::map<std::string, Progress> progress_;
    std::map<std::string, Decision> decisions_;
    std::map<std::string, std::string> generations_;   // by module name
    std::int64_t identities_for_version_ = -1;
    std::int64_t version_ = 0;
    std::uint64_t ended_ = 0;                  // works, ever
    std::vector<std::string> pending_;
    async::TaskGroup tasks_;
};

}  // namespace selvage::edge::agent
