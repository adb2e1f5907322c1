#include "dev/device/virtual_runtime.h"

#include <fmt/core.h>
#include <unistd.h>

#include <utility>

#include "base/log.h"

namespace selvage::dev {

using edge::management::ModuleDetails;
using edge::management::ModuleSpec;
using edge::management::ModuleStatus;

struct VirtualRuntime::Run {
    Run(const async::Executor& loop, std::unique_ptr<VirtualModule> its_module)
        : module(std::move(its_module)), starting(loop), ended(loop) {}
    std::unique_ptr<VirtualModule> module;
    async::TaskGroup starting;
    async::Event ended;
};

VirtualRuntime::VirtualRuntime(async::Executor loop, async::TimeSource& time, CheckImage check, MakeModule make)
    : loop_(loop), time_(time), check_(std::move(check)), make_(std::move(make)), never_(loop), buried_(loop), graves_(loop) {
    buried_.set();
}
VirtualRuntime::~VirtualRuntime() = default;

Result<VirtualRuntime::Container*> VirtualRuntime::find(const std::string& name) {
    const auto found = containers_.find(name);
    if (found == containers_.end()) return fail(Errc::not_found, fmt::format("No such container: {}", name));
    return &found->second;
}

void VirtualRuntime::tell(const std::string& name) {
    for (const auto& [number, on_event] : watchers_) on_event(name);
}

// ---- lives -------------------------------------------------------------------------------------------------------------

Result<> VirtualRuntime::begin(const std::string& name) {
    SELVAGE_TRY(auto* container, find(name));
    if (container->status == ModuleStatus::running) return {};
    SELVAGE_TRY(auto module, make_(container->spec.image, container->spec.env));
    container->run = std::make_shared<Run>(loop_, std::move(module));
    container->status = ModuleStatus::running;
    container->started = time_.utc_now();
    container->run->starting.spawn("virtual module", run(name, container->run));
    tell(name);
    return {};
}

Awaitable<> VirtualRuntime::run(std::string name, std::shared_ptr<Run> run) {
    const auto started = co_await run->module->start();
    if (started || started.error().code == Errc::cancelled || run->starting.stopping()) co_return;
    log::error("dev.module", "{} ended: {}", name, started.error().detail);
    const auto found = containers_.find(name);
    if (found != containers_.end() && found->second.run == run) end(found->second, 1);
}

// The run goes to its grave; the container stays.
void VirtualRuntime::end(Container& container, std::int64_t exit_code) {
    container.status = exit_code == 0 ? ModuleStatus::stopped : ModuleStatus::failed;
    container.exited = time_.utc_now();
    container.exit_code = exit_code;
    if (auto run = std::exchange(container.run, nullptr)) {
        buried_.reset();
        ++dying_;
        graves_.spawn("end of a virtual module", bury(std::move(run)));
    }
    tell(container.spec.name);
}

Awaitable<> VirtualRuntime::bury(std::shared_ptr<Run> run) {
    co_await run->starting.stop();
    co_await run->module->stop();
    run->ended.set();
    if (--dying_ == 0) buried_.set();
}

Awaitable<> VirtualRuntime::stop_all() {
    const auto end_those = [this](auto wanted) {
        for (auto& [name, container] : containers_)
            if (container.run && wanted(name)) end(container, 0);
    };
    end_those([](const std::string& name) { return name == "edgeAgent"; });
    co_await buried_.wait();
    end_those([](const std::string& name) { return name != "edgeHub"; });
    co_await buried_.wait();
    end_those([](const std::string&) { return true; });
    co_await buried_.wait();
    co_await graves_.stop();
}

// ---- the engine --------------------------------------------------------------------------------------------------------

Awaitable<Result<>> VirtualRuntime::prepare() { co_return Result<>(); }

Awaitable<Result<edge::runtime::EngineInfo>> VirtualRuntime::info() { co_return edge::runtime::EngineInfo{"in-process"}; }

Awaitable<Result<>> VirtualRuntime::pull(ModuleSpec spec) { co_return check_(spec.image); }

Awaitable<Result<>> VirtualRuntime::create(ModuleSpec spec) {
    SELVAGE_CO_CHECK(check_(spec.image));
    const std::string name = spec.name;
    if (containers_.contains(name))
        co_return fail(Errc::already_exists, fmt::format("The container name \"{}\" is already in use", name));
    containers_.emplace(name, Container{.spec = std::move(spec)});
    co_return Result<>();
}

Awaitable<Result<>> VirtualRuntime::start(std::string name) { co_return begin(name); }

Awaitable<Result<>> VirtualRuntime::stop(std::string name, std::optional<std::chrono::seconds> /*patience*/) {
    SELVAGE_CO_TRY(auto* container, find(name));
    const auto run = container->run;
    if (!run) co_return Result<>();
    end(*container, 0);
    co_await run->ended.wait();
    co_return Result<>();
}

Awaitable<Result<>> VirtualRuntime::restart(std::string name) {
    SELVAGE_CO_CHECK(co_await stop(name, std::nullopt));
    co_return begin(name);
}

Awaitable<Result<>> VirtualRuntime::remove(std::string name) {
    SELVAGE_CO_CHECK(co_await stop(name, std::nullopt));
    containers_.erase(name);
    co_return Result<>();
}

ModuleDetails VirtualRuntime::details_of(const Container& container) const {
    ModuleDetails details;
    details.name = container.spec.name;
    details.image = container.spec.image;
    details.image_hash = "in-process";
    JsonObject labels;
    if (const auto* given = find_object(container.spec.create_options, "Labels")) labels = *given;
    labels[edge::management::kOwnerLabel] = edge::management::kOwner;
    labels[edge::management::kOriginalImageLabel] = container.spec.image;
    details.create_options["Labels"] = std::move(labels);
    details.status = container.status;
    details.start_time = container.started;
    details.exit_time = container.exited;
    details.exit_code = container.exit_code;
    return details;
}

Awaitable<Result<ModuleDetails>> VirtualRuntime::inspect(std::string name) {
    SELVAGE_CO_TRY(const auto* container, find(name));
    co_return details_of(*container);
}

Awaitable<Result<std::vector<ModuleDetails>>> VirtualRuntime::list() {
    std::vector<ModuleDetails> all;
    for (const auto& [name, container] : containers_) all.push_back(details_of(container));
    co_return all;
}

// All modules write to the log of this process.
Awaitable<Result<>> VirtualRuntime::logs(std::string name, edge::management::LogQuery /*query*/,
                                         edge::runtime::OnLogPart /*on_part*/) {
    SELVAGE_CO_CHECK(find(name));
    co_return Result<>();
}

Awaitable<Result<std::vector<int>>> VirtualRuntime::processes(std::string name) {
    SELVAGE_CO_TRY(const auto* container, find(name));
    if (container->status != ModuleStatus::running) co_return fail(Errc::already_exists, "the container is not running");
    co_return std::vector<int>{::getpid()};
}

Awaitable<Result<JsonArray>> VirtualRuntime::statistics() { co_return JsonArray(); }

Awaitable<Result<>> VirtualRuntime::watch(edge::runtime::OnModuleEvent on_event) {
    const int number = ++last_watcher_;
    watchers_[number] = std::move(on_event);
    co_await never_.wait();
    watchers_.erase(number);
    co_return fail(Errc::cancelled, "nobody watches any more");
}

// Modules dial the daemon's sockets by the paths that they have outside.
Awaitable<Result<>> VirtualRuntime::refresh_mount(std::string /*name*/, std::string /*host_path*/) { co_return Result<>(); }

}  // namespace selvage::dev
