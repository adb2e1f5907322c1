#include "edge/agent/reconciler.h"

#include <algorithm>
#include <tuple>

#include "base/log.h"

namespace selvage::edge::agent {
namespace {

constexpr std::chrono::minutes kOwnReplacementMax{2};

using manifest::Deployment;
using manifest::Module;
using manifest::ModuleStatus;

ModuleStatus convert(management::ModuleStatus status) {
    switch (status) {
        case management::ModuleStatus::stopped: return ModuleStatus::stopped;
        case management::ModuleStatus::running: return ModuleStatus::running;
        case management::ModuleStatus::failed: return ModuleStatus::failed;
        case management::ModuleStatus::dead: return ModuleStatus::dead;
        case management::ModuleStatus::unknown: break;
    }
    return ModuleStatus::unknown;
}

Observed observe(const management::ModuleDetails& details) {
    Observed seen;
    seen.name = details.name;
    seen.image = details.image;
    seen.image_hash = details.image_hash;
    seen.status = convert(details.status);
    seen.exit_code = details.exit_code.value_or(0);
    seen.started = details.start_time;
    seen.exited = details.exit_time;
    if (const JsonObject* labels = find_object(details.create_options, "Labels"))
        for (const auto& label : *labels)
            if (label.value().is_string()) seen.labels[std::string(label.key())] = std::string(label.value().get_string());
    return seen;
}

// Docker, killed and started again, may keep an old task of a container and never start it again: only a new one starts then.
bool is_stuck(const Error& refusal) { return refusal.detail.find("already exists") != std::string::npos; }

std::string_view verb(Action action) {
    switch (action) {
        case Action::create: return "create";
        case Action::update: return "update";
        case Action::remove: return "remove";
        case Action::recreate: return "recreate";
        case Action::start: return "start";
        case Action::stop: return "stop";
        case Action::restart: return "restart";
        case Action::none: break;
    }
    return "none";
}

}  // namespace

Reconciler::Reconciler(async::Executor loop, async::TimeSource& time, Random& random, management::ManagementClient& daemon,
                       AgentEnvironment environment, RestartRules rules, std::function<void()> changed)
    : loop_(loop), time_(time), random_(random), daemon_(daemon), environment_(std::move(environment)), rules_(rules),
      changed_(std::move(changed)), tasks_(loop) {}

Reconciler::~Reconciler() = default;

async::Awaitable<> Reconciler::stop() { co_await tasks_.stop(); }

async::Awaitable<Result<>> Reconciler::look() {
    auto listed = co_await daemon_.list_modules();
    if (!listed) co_return fail(listed.error());
    seen_.clear();
    for (const auto& details : *listed)
        if (details.type == "docker") seen_.emplace(details.name, observe(details));
    co_return Result<>{};
}

// Generations are needed to tell whether a container still belongs to its identity. Asked for once a deployment, and again
// when a module has none yet.
async::Awaitable<Result<>> Reconciler::learn_identities(const Deployment& deployment) {
    bool missing = identities_for_version_ != version_;
    for (const Module& module : deployment.modules) missing = missing || !generations_.contains(module.name);
    if (!missing) co_return Result<>{};
    auto listed = co_await daemon_.list_identities();
    if (!listed) co_return fail(listed.error());
    identities_for_version_ = version_;
    std::map<std::string, std::string> by_identity;
    for (const auto& identity : *listed) by_identity[identity.module_id] = identity.generation_id;
    for (const Module& module : deployment.modules) {
        const auto found = by_identity.find(manifest::identity_name(module.name));
        if (found != by_identity.end()) generations_[module.name] = found->second;
        else generations_.erase(module.name);
    }
    co_return Result<>{};
}

std::string Reconciler::generation_of(const std::string& name) const {
    if (const auto known = generations_.find(name); known != generations_.end()) return known->second;
    // The hub cannot be asked: believe the container.
    if (const auto seen = seen_.find(name); seen != seen_.end())
        if (const auto label = seen->second.labels.find(std::string(kGenerationLabel)); label != seen->second.labels.end())
            return label->second;
    return {};
}

async::Awaitable<Result<>> Reconciler::pass(const Deployment* deployment, std::int64_t version) {
    auto ended = ended_;
    SELVAGE_CO_CHECK(co_await look());
    pending_.clear();
    decisions_.clear();
    if (deployment == nullptr) co_return Result<>{};
    version_ = version;
    const auto learned = co_await learn_identities(*deployment);
    if (!learned) log::debug("agent.identities", "not known now: {}", learned.error().detail);
    // What work has made or removed while the daemon was asked is not in its answer, and would be made or removed again.
    while (ended != ended_) {
        ended = ended_;
        SELVAGE_CO_CHECK(co_await look());
    }

    remove_strangers(*deployment);
    std::vector<const Module*> ordered;
    for (const Module& module : deployment->modules) ordered.push_back(&module);
    std::sort(ordered.begin(), ordered.end(), [](const Module* a, const Module* b) {
        return std::tie(a->startup_order, a->name) < std::tie(b->startup_order, b->name);
    });
    bool may_begin = true;
    bool group_pending = false;
    std::uint32_t group = ordered.empty() ? 0 : ordered.front()->startup_order;
    for (const Module* module : ordered) {
        if (module->startup_order != group) {
            may_begin = may_begin && !group_pending;
            group = module->startup_order;
            group_pending = false;
        }
        if (advance(module, module->name, *deployment, may_begin)) group_pending = true;
    }
    co_return Result<>{};
}

void Reconciler::remove_strangers(const Deployment& deployment) {
    std::vector<std::string> names;
    for (const auto& [name, seen] : seen_)
        if (deployment.find(name) == nullptr) names.push_back(name);
    for (const std::string& name : names) advance(nullptr, name, deployment, true);
    std::erase_if(progress_, [&](const auto& entry) {
        return !entry.second.busy && deployment.find(entry.first) == nullptr && !seen_.contains(entry.first);
    });
}

bool Reconciler::advance(const Module* desired, const std::string& name, const Deployment& deployment, bool may_begin) {
    const auto found = seen_.find(name);
    const Observed* seen = found == seen_.end() ? nullptr : &found->second;
    std::string hash = desired == nullptr ? std::string() : applied_hash(*desired, deployment, generation_of(name));
    // The daemon's bootstrap container carries the settings themselves instead of our hash.
    if (name == "edgeAgent" && desired != nullptr && seen != nullptr && !seen->labels.contains(std::string(kAppliedLabel))) {
        JsonObject env;
        for (const auto& [variable, value] : desired->env) env[variable] = JsonObject{{"value", value}};
        const auto same = [&](std::string_view label, const JsonObject& wanted) {
            const auto text = seen->labels.find(std::string(label));
            if (text == seen->labels.end()) return true;
            const auto parsed = parse_json(text->second);
            return parsed && manifest::canonical_text(*parsed) == manifest::canonical_text(wanted);
        };
        if (same(management::kCreateOptionsLabel, desired->create_options) && same(management::kEnvLabel, env))
            found->second.labels[std::string(kAppliedLabel)] = hash;
    }
    Progress& progress = progress_[name];
    Decision decision = decide(desired, seen, hash, progress.history, rules_, time_.utc_now());
    if (decision.clears_history) progress.history = {};
    decisions_[name] = decision;
    if (progress.failures > 0 && progress.failed_hash != hash) {
        progress.failures = 0;
        progress.retry_at.reset();
        progress.error.clear();
    }
    if (progress.busy) {
        pending_.push_back(name);
        return progress.failures == 0;
    }
    if (decision.action == Action::none) {
        progress.failures = 0;
        progress.error.clear();
        progress.retry_at.reset();
        return false;
    }
    if (progress.retry_at && *progress.retry_at > time_.now()) {
        if (progress.error.empty()) pending_.push_back(name);
        return false;
    }
    if (!may_begin) {
        pending_.push_back(name);
        return true;
    }
    progress.busy = true;
    pending_.push_back(name);
    const bool first_try = progress.failures == 0;
    log::info("agent.plan", "module={} action={} deployment={}", name, verb(decision.action), version_);
    Work work{decision.action, name, hash, desired != nullptr && desired->status == ModuleStatus::running, !first_try, {}};
    std::optional<Module> module;
    if (desired != nullptr) module = *desired;
    tasks_.spawn("module work", run(std::move(work), deployment, std::move(module)));
    return first_try;
}

async::Awaitable<> Reconciler::run(Work work, Deployment deployment, std::optional<Module> module) {
    const Result<> result = co_await perform(work, deployment, module);
    finish(work, result);
}

async::Awaitable<Result<>> Reconciler::perform(Work& work, const Deployment& deployment, const std::optional<Module>& module) {
    switch (work.action) {
        case Action::create:
        case Action::update: co_return co_await make(work, deployment, *module);
        case Action::recreate: {
            SELVAGE_CO_CHECK(co_await daemon_.delete_module(work.name));
            co_return co_await make(work, deployment, *module);
        }
        case Action::remove: co_return co_await remove(work.name);
        case Action::start:
        case Action::restart: {
            auto started = co_await daemon_.start_module(work.name);
            if (started || !work.again || work.name == "edgeAgent" || !is_stuck(started.error())) co_return started;
            SELVAGE_CO_CHECK(co_await daemon_.delete_module(work.name));
            work.run = true;
            co_return co_await make(work, deployment, *module);
        }
        case Action::stop: co_return co_await daemon_.stop_module(work.name);
        case Action::none: break;
    }
    co_return Result<>{};
}

async::Awaitable<Result<>> Reconciler::make(Work& work, const Deployment& deployment, const Module& module) {
    std::string generation = generation_of(module.name);
    if (generation.empty()) {
        auto identity = co_await daemon_.create_identity(manifest::identity_name(module.name));
        if (!identity) co_return fail(identity.error());
        generation = identity->generation_id;
    } else if (module.name != "edgeAgent") {
        // An identity that the hub made by itself ($edgeHub with its device, or by hand) may have no keys of ours yet.
        auto identity = co_await daemon_.update_identity({manifest::identity_name(module.name), generation, "iotedge"});
        if (identity) generation = identity->generation_id;
        else if (identity.error().code == Errc::not_found) co_return fail(identity.error());
        else log::warn("agent.identity", "keys not renewed module={}: {}", module.name, identity.error().detail);
    }
    if (module.name != "edgeAgent") {
        generations_[module.name] = generation;
        work.hash = applied_hash(module, deployment, generation);
    }
    management::ModuleSpec spec = container_spec(module, deployment, environment_, generation);
    if (work.action == Action::update) {
        // The old container runs while the new image comes.
        SELVAGE_CO_CHECK(co_await daemon_.prepare_update(spec));
        auto updated = co_await daemon_.update_module(std::move(spec), work.run);
        if (!updated) co_return fail(updated.error());
        co_return Result<>{};
    }
    auto created = co_await daemon_.create_module(std::move(spec));
    if (!created) co_return fail(created.error());
    if (work.run) co_return co_await daemon_.start_module(module.name);
    co_return Result<>{};
}

async::Awaitable<Result<>> Reconciler::remove(const std::string& name) {
    // A container that is gone already is no failure.
    auto stopped = co_await daemon_.stop_module(name);
    if (!stopped && stopped.error().code != Errc::not_found) co_return fail(stopped.error());
    auto deleted = co_await daemon_.delete_module(name);
    if (!deleted && deleted.error().code != Errc::not_found) co_return fail(deleted.error());
    generations_.erase(name);
    auto identity = co_await daemon_.delete_identity(manifest::identity_name(name));
    if (!identity && identity.error().code != Errc::not_found)
        log::warn("agent.identity", "identity of removed module={} stays for now: {}", name, identity.error().detail);
    co_return Result<>{};
}

void Reconciler::finish(const Work& work, const Result<>& result) {
    Progress& progress = progress_[work.name];
    progress.busy = false;
    ++ended_;
    if (result) {
        progress.failures = 0;
        progress.retry_at.reset();
        progress.error.clear();
        if (work.action == Action::restart) {
            ++progress.history.count;
            progress.history.last_restart = time_.utc_now();
        }
        // The daemon has answered before the work: this process is about to be stopped, and asks no second time meanwhile.
        if (work.name == "edgeAgent" && work.action != Action::restart) progress.retry_at = time_.now() + kOwnReplacementMax;
        log::info("agent.plan", "done module={} action={}", work.name, verb(work.action));
    } else if (result.error().code != Errc::cancelled) {
        const auto wait = retry_wait(progress.failures, random_.fraction());
        ++progress.failures;
        progress.failed_hash = work.hash;
        progress.retry_at = time_.now() + wait;
        progress.error = fmt::format("{}; next try in {} s", result.error().detail,
                                     std::chrono::duration_cast<std::chrono::seconds>(wait).count());
        log::warn("agent.plan", "failed module={} action={} try={}: {}", work.name, verb(work.action), progress.failures,
                  progress.error);
    }
    changed_();
}

std::vector<std::string> Reconciler::errors() const {
    std::vector<std::string> errors;
    for (const auto& [name, progress] : progress_)
        if (!progress.error.empty()) errors.push_back(fmt::format("{}: {}", name, progress.error));
    return errors;
}

std::vector<ReportedModule> Reconciler::modules(const Deployment* deployment) const {
    std::vector<ReportedModule> modules;
    const auto add = [&](const Module* desired, const std::string& name) {
        const auto seen = seen_.find(name);
        const auto decision = decisions_.find(name);
        const auto progress = progress_.find(name);
        ReportedModule reported;
        reported.desired = desired;
        reported.seen = seen == seen_.end() ? nullptr : &seen->second;
        if (decision != decisions_.end()) reported.runtime_status = decision->second.runtime_status;
        else if (reported.seen != nullptr) reported.runtime_status = reported.seen->status;
        if (progress != progress_.end()) {
            reported.history = progress->second.history;
            reported.status_description = progress->second.error;
        }
        modules.push_back(reported);
    };
    if (deployment != nullptr)
        for (const Module& module : deployment->modules) add(&module, module.name);
    for (const auto& [name, seen] : seen_)
        if (deployment == nullptr || deployment->find(name) == nullptr) add(nullptr, name);
    return modules;
}

}  // namespace selvage::edge::agent
