#include "simulation/engine.h"

#include <deque>

#include "async/event.h"

namespace selvage::simulation {
namespace {

using async::Awaitable;
using edge::management::ModuleDetails;
using edge::management::ModuleSpec;
using edge::management::ModuleStatus;
using namespace std::chrono_literals;

constexpr std::size_t kEventsMax = 1000;

Error no_such(const std::string& name) { return {Errc::not_found, "No such container: " + name}; }

// As runtime/docker/describe.cpp reads Docker's words.
ModuleDetails describe(const Engine::Container& container) {
    ModuleDetails details;
    details.name = container.spec.name;
    details.image = container.spec.image;
    details.image_hash = "sha256:" + container.spec.image;
    details.status = container.running                          ? ModuleStatus::running
                     : container.exited && container.exit_code ? ModuleStatus::failed
                                                                : ModuleStatus::stopped;
    details.start_time = container.started;
    details.exit_time = container.exited;
    if (container.exited) details.exit_code = container.exit_code;
    JsonObject labels;
    if (const auto* given = find_object(container.spec.create_options, "Labels")) labels = *given;
    labels[edge::management::kOwnerLabel] = edge::management::kOwner;
    labels[edge::management::kOriginalImageLabel] = container.spec.image;
    details.create_options["Labels"] = std::move(labels);
    return details;
}

}  // namespace

class Engine::Connection final : public edge::runtime::ModuleRuntime {
public:
    Connection(Engine& engine, const Endpoint& endpoint)
        : engine_(engine), endpoint_(endpoint), happened_(engine.schedule_.loop()) {
        engine_.connections_.push_back(this);
    }
    ~Connection() override { std::erase(engine_.connections_, this); }

    Awaitable<Result<>> prepare() override { co_return co_await call(); }
    Awaitable<Result<edge::runtime::EngineInfo>> info() override {
        SELVAGE_CO_CHECK(co_await call());
        co_return edge::runtime::EngineInfo{"simulated"};
    }
    Awaitable<Result<>> pull(ModuleSpec spec) override {
        SELVAGE_CO_CHECK(co_await call(30s));
        if (engine_.registry_down_) {
            engine_.trace_.count(Effect::pull_failed);
            if (engine_.images_.contains(spec.image)) co_return Result<>{};
            co_return fail(Errc::internal, "the registry does not answer");
        }
        engine_.images_.insert(spec.image);
        co_return Result<>{};
    }
    Awaitable<Result<>> create(ModuleSpec spec) override {
        SELVAGE_CO_CHECK(co_await call());
        if (engine_.containers_.contains(spec.name)) co_return fail(Errc::already_exists, "Conflict: the name is in use");
        if (!engine_.images_.contains(spec.image)) co_return fail(Errc::not_found, "No such image: " + spec.image);
        const std::string name = spec.name;
        engine_.note("create", name);
        engine_.containers_[name].spec = std::move(spec);
        co_return Result<>{};
    }
    Awaitable<Result<>> start(std::string name) override {
        SELVAGE_CO_CHECK(co_await call());
        const auto found = engine_.containers_.find(name);
        if (found == engine_.containers_.end()) co_return fail(no_such(name));
        if (!found->second.running) engine_.run(name);
        co_return Result<>{};
    }
    Awaitable<Result<>> stop(std::string name, std::optional<std::chrono::seconds>) override {
        SELVAGE_CO_CHECK(co_await call());
        const auto* container = engine_.find(name);
        if (container == nullptr) co_return fail(no_such(name));
        const int pid = container->pid;
        if (!container->running) co_return Result<>{};
        if (engine_.on_stop) engine_.on_stop(name, false);
        // Its ten seconds, and then it is killed.
        SELVAGE_CO_CHECK(co_await engine_.schedule_.time().sleep_for(10s));
        container = engine_.find(name);
        if (container == nullptr || !container->running || container->pid != pid) co_return Result<>{};
        if (engine_.on_stop) engine_.on_stop(name, true);
        engine_.ended(name, 137);
        co_return Result<>{};
    }
    Awaitable<Result<>> restart(std::string name) override {
        SELVAGE_CO_CHECK(co_await stop(name, std::nullopt));
        co_return co_await start(name);
    }
    Awaitable<Result<>> remove(std::string name) override {
        SELVAGE_CO_CHECK(co_await call());
        const auto* const container = engine_.find(name);
        if (container == nullptr) co_return fail(no_such(name));
        if (container->running) {
            if (engine_.on_stop) engine_.on_stop(name, true);
            engine_.ended(name, 137);
        }
        engine_.note("remove", name);
        engine_.containers_.erase(name);
        co_return Result<>{};
    }
    Awaitable<Result<ModuleDetails>> inspect(std::string name) override {
        SELVAGE_CO_CHECK(co_await call());
        const auto* const container = engine_.find(name);
        if (container == nullptr) co_return fail(no_such(name));
        co_return describe(*container);
    }
    Awaitable<Result<std::vector<ModuleDetails>>> list() override {
        SELVAGE_CO_CHECK(co_await call());
        std::vector<ModuleDetails> all;
        for (const auto& [name, container] : engine_.containers_) all.push_back(describe(container));
        co_return all;
    }
    Awaitable<Result<>> logs(std::string, edge::management::LogQuery, edge::runtime::OnLogPart) override {
        co_return fail(Errc::unsupported, "simulated containers have no logs");
    }
    Awaitable<Result<std::vector<int>>> processes(std::string name) override {
        SELVAGE_CO_CHECK(co_await call());
        const auto* const container = engine_.find(name);
        if (container == nullptr || !container->running) co_return fail(no_such(name));
        co_return std::vector<int>{container->pid};
    }
    Awaitable<Result<JsonArray>> statistics() override { co_return JsonArray(); }
    Awaitable<Result<>> watch(edge::runtime::OnModuleEvent on_event) override {
        SELVAGE_CO_CHECK(co_await call());
        names_.clear();
        for (;;) {
            happened_.reset();
            co_await happened_.wait();
            if (!happened_.is_set()) co_return fail(Errc::cancelled, "nobody watches any more");
            if (engine_.down_) co_return fail(Errc::unavailable, "the engine does not answer");
            for (const auto& name : std::exchange(names_, {})) on_event(name);
        }
    }
    Awaitable<Result<>> refresh_mount(std::string, std::string) override { co_return co_await call(); }

    void tell(const std::string& name) {
        if (names_.size() < kEventsMax) names_.push_back(name);
        happened_.set();
    }

private:
    // The way there. What a dead process asks for nobody hears.
    Awaitable<Result<>> call(Duration most = 50ms) {
        const auto time = Duration(1 + static_cast<std::int64_t>(engine_.dice_.fraction() * static_cast<double>(most.count())));
        SELVAGE_CO_CHECK(co_await engine_.schedule_.time().sleep_for(time));
        if (endpoint_.is_dead()) co_return fail(Errc::unavailable, "the process is no more");
        if (!engine_.down_) co_return Result<>{};
        engine_.trace_.count(Effect::engine_call_failed);
        co_return fail(Errc::unavailable, "the engine does not answer");
    }

    Engine& engine_;
    const Endpoint& endpoint_;
    std::deque<std::string> names_;
    async::Event happened_;
};

Engine::Engine(Schedule& schedule, Trace& trace, std::string name, std::uint64_t seed)
    : schedule_(schedule), trace_(trace), name_(std::move(name)), dice_(seed) {}
Engine::~Engine() = default;

std::unique_ptr<edge::runtime::ModuleRuntime> Engine::connect(const Endpoint& endpoint) {
    return std::make_unique<Connection>(*this, endpoint);
}

const Engine::Container* Engine::find(const std::string& name) const {
    const auto found = containers_.find(name);
    return found == containers_.end() ? nullptr : &found->second;
}

void Engine::note(std::string_view what, const std::string& name) {
    trace_.note(schedule_.now(), what, name_, 0, name);
    for (auto* const connection : connections_) connection->tell(name);
}

void Engine::run(const std::string& name) {
    Container& container = containers_.at(name);
    container.running = true;
    container.started = schedule_.time().utc_now();
    container.pid = next_pid_++;
    note("run", name);
    if (on_start) on_start(container);
}

void Engine::ended(const std::string& name, std::int64_t exit_code) {
    const auto found = containers_.find(name);
    if (found == containers_.end() || !found->second.running) return;
    found->second.running = false;
    found->second.exited = schedule_.time().utc_now();
    found->second.exit_code = exit_code;
    note("ended", name);
}

void Engine::end_some_module() {
    std::vector<std::string> running;
    for (const auto& [name, container] : containers_)
        if (container.running && name != "edgeAgent") running.push_back(name);
    if (running.empty()) return;
    trace_.count(Effect::module_ended);
    ended(running[dice_.next() % running.size()], dice_.fraction() < 0.5 ? 0 : 1);
}

void Engine::lose_power() {
    for (auto& [name, container] : containers_) {
        if (!container.running) continue;
        if (on_stop) on_stop(name, true);
        ended(name, 255);
    }
}

}  // namespace selvage::simulation
