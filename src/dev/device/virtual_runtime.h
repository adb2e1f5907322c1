// A module runtime without containers: a module is an object of this process.
//
// States, refusals and process lists are as the Docker engine's. All modules are this one process, so the daemon takes each of
// them for any of them. Runs on: one loop. stop_all() is to be called before destruction, after the daemon has stopped.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "async/event.h"
#include "async/task_group.h"
#include "async/time_source.h"
#include "edge/runtime/module_runtime.h"

namespace selvage::dev {

using async::Awaitable;

class VirtualModule {
public:
    virtual ~VirtualModule() = default;
    // Returns when it runs; it runs until stop(). May be cancelled. An error ends it, as an exit code of 1 does a container.
    virtual Awaitable<Result<>> start() = 0;
    // Also after a start() that failed or was cancelled.
    virtual Awaitable<> stop() = 0;
};

using ModuleVariables = std::vector<std::pair<std::string, std::string>>;
// The module of an image. Errors: not_found (no such image here), invalid_argument (its environment).
using MakeModule = std::function<Result<std::unique_ptr<VirtualModule>>(const std::string& image, ModuleVariables variables)>;
// Whether an image is here. Errors: not_found, in words for whoever wrote the deployment.
using CheckImage = std::function<Result<>(const std::string& image)>;

class VirtualRuntime final : public edge::runtime::ModuleRuntime {
public:
    // `time`: that of the agent, which compares it with starts and ends.
    VirtualRuntime(async::Executor loop, async::TimeSource& time, CheckImage check, MakeModule make);
    ~VirtualRuntime() override;

    // edgeAgent first, so that nothing is started again; edgeHub last, so that the others can say goodbye to it.
    Awaitable<> stop_all();

    Awaitable<Result<>> prepare() override;
    Awaitable<Result<edge::runtime::EngineInfo>> info() override;
    Awaitable<Result<>> pull(edge::management::ModuleSpec spec) override;
    Awaitable<Result<>> create(edge::management::ModuleSpec spec) override;
    Awaitable<Result<>> start(std::string name) override;
    Awaitable<Result<>> stop(std::string name, std::optional<std::chrono::seconds> patience) override;
    Awaitable<Result<>> restart(std::string name) override;
    Awaitable<Result<>> remove(std::string name) override;
    Awaitable<Result<edge::management::ModuleDetails>> inspect(std::string name) override;
    Awaitable<Result<std::vector<edge::management::ModuleDetails>>> list() override;
    Awaitable<Result<>> logs(std::string name, edge::management::LogQuery query, edge::runtime::OnLogPart on_part) override;
    Awaitable<Result<std::vector<int>>> processes(std::string name) override;
    Awaitable<Result<JsonArray>> statistics() override;
    Awaitable<Result<>> watch(edge::runtime::OnModuleEvent on_event) override;
    Awaitable<Result<>> refresh_mount(std::string name, std::string host_path) override;

private:
    // One run of a module.
    struct Run;
    struct Container {
        edge::management::ModuleSpec spec;
        edge::management::ModuleStatus status = edge::management::ModuleStatus::stopped;
        std::optional<UtcTime> started{};
        std::optional<UtcTime> exited{};
        std::optional<std::int64_t> exit_code{};
        std::shared_ptr<Run> run{};
    };
    Result<Container*> find(const std::string& name);
    Awaitable<> run(std::string name, std::shared_ptr<Run> run);
    Awaitable<> bury(std::shared_ptr<Run> run);
    void end(Container& container, std::int64_t exit_code);
    Result<> begin(const std::string& name);
    edge::management::ModuleDetails details_of(const Container& container) const;
    void tell(const std::string& name);

    async::Executor loop_;
    async::TimeSource& time_;
    CheckImage check_;
    MakeModule make_;
    std::map<std::string, Container> containers_;
    std::map<int, edge::runtime::OnModuleEvent> watchers_;
    int last_watcher_ = 0;
    async::Event never_;
    int dying_ = 0;                           // runs that are being taken down
    async::Event buried_;                     // there are none
    async::TaskGroup graves_;                 // never cancelled while anything is in it: an end must not be cut short
};

}  // namespace selvage::dev
