// Containers in memory, behind the interface that the Docker engine has: states, refusals and process lists as that one's
// (runtime/docker/tests/engine_test.cpp shows the same behaviour on the real one).
#pragma once

#include <map>
#include <string>
#include <vector>

#include "async/event.h"
#include "edge/runtime/module_runtime.h"

namespace selvage::edge::daemon::testing {

using async::Awaitable;
using management::ModuleDetails;
using management::ModuleSpec;
using management::ModuleStatus;

class FakeRuntime final : public runtime::ModuleRuntime {
public:
    explicit FakeRuntime(async::Executor loop) : pull_may_end(loop), created(loop) { pull_may_end.set(); }

    struct Container {
        ModuleSpec spec;
        ModuleStatus status = ModuleStatus::stopped;
        std::vector<int> pids{};
        bool refused = false;                 // does not start any more
    };
    std::map<std::string, Container> containers;
    std::vector<std::string> calls;
    bool engine_is_down = false;
    bool mounts_can_be_refreshed = true;
    std::string pull_error;
    std::string log_text = std::string("\1\0\0\0\0\0\0\6", 8) + "hello\n";
    std::vector<int> next_pids{};             // processes of what is started next
    async::Event pull_may_end;
    async::Event created;

    Awaitable<Result<>> prepare() override { co_return note("prepare"); }
    Awaitable<Result<runtime::EngineInfo>> info() override {
        auto up = note("info");
        if (!up) co_return fail(up.error());
        co_return runtime::EngineInfo{"1.2.3"};
    }
    Awaitable<Result<>> pull(ModuleSpec spec) override {
        auto up = note("pull " + spec.image);
        if (!up) co_return up;
        co_await pull_may_end.wait();
        if (!pull_error.empty()) co_return fail(Errc::internal, pull_error);
        co_return Result<>();
    }
    Awaitable<Result<>> create(ModuleSpec spec) override {
        auto up = note("create " + spec.name);
        if (!up) co_return up;
        if (containers.contains(spec.name)) co_return fail(Errc::already_exists, "Conflict. The container name is already in use");
        containers[spec.name] = Container{spec, ModuleStatus::stopped};
        created.set();
        co_return Result<>();
    }
    Awaitable<Result<>> start(std::string name) override {
        auto found = find("start", name);
        if (!found) co_return fail(found.error());
        if ((*found)->refused) co_return fail(Errc::internal, "task 2bf4: already exists");
        (*found)->status = ModuleStatus::running;
        (*found)->pids = next_pids;
        co_return Result<>();
    }
    Awaitable<Result<>> stop(std::string name, std::optional<std::chrono::seconds> /*patience*/) override {
        auto found = find("stop", name);
        if (!found) co_return fail(found.error());
        (*found)->status = ModuleStatus::stopped;
        (*found)->pids.clear();
        co_return Result<>();
    }
    Awaitable<Result<>> restart(std::string name) override {
        auto found = find("restart", name);
        if (!found) co_return fail(found.error());
        co_return Result<>();
    }
    Awaitable<Result<>> remove(std::string name) override {
        auto found = find("remove", name);
        if (!found) co_return fail(found.error());
        containers.erase(name);
        co_return Result<>();
    }
    Awaitable<Result<ModuleDetails>> inspect(std::string name) override {
        if (engine_is_down) co_return fail(down());
        if (!containers.contains(name)) co_return fail(no_such(name));
        co_return details_of(name, containers.at(name));
    }
    Awaitable<Result<std::vector<ModuleDetails>>> list() override {
        auto up = note("list");
        if (!up) co_return fail(up.error());
        std::vector<ModuleDetails> all;
        for (const auto& [name, container] : containers) all.push_back(details_of(name, container));
        co_return all;
    }
    Awaitable<Result<>> logs(std::string name, management::LogQuery /*query*/, runtime::OnLogPart on_part) override {
        auto found = find("logs", name);
        if (!found) co_return fail(found.error());
        co_await on_part(log_text);
        co_return Result<>();
    }
    Awaitable<Result<std::vector<int>>> processes(std::string name) override {
        auto found = find("top", name);
        if (!found) co_return fail(found.error());
        if ((*found)->status != ModuleStatus::running) co_return fail(Errc::already_exists, "the container is not running");
        co_return (*found)->pids;
    }
    Awaitable<Result<JsonArray>> statistics() override { co_return JsonArray{JsonObject{{"name", "m"}}}; }
    Awaitable<Result<>> watch(runtime::OnModuleEvent /*on_event*/) override { co_return fail(Errc::unavailable, "no events here"); }
    Awaitable<Result<>> refresh_mount(std::string name, std::string host_path) override {
        calls.push_back("refresh " + name + " " + host_path.substr(host_path.rfind('/') + 1));
        if (!mounts_can_be_refreshed) co_return fail(Errc::unsupported, "Operation not permitted");
        co_return Result<>();
    }

    // A container that was there before, running.
    void add_running(const std::string& name, std::vector<int> pids = {}) {
        ModuleSpec spec;
        spec.name = name;
        spec.image = "image:1";
        containers[name] = Container{spec, ModuleStatus::running, std::move(pids)};
    }
    bool called(const std::string& call) const { return std::ranges::find(calls, call) != calls.end(); }

private:
    static Error down() { return {Errc::unavailable, "container engine at /fake.sock: Connection refused"}; }
    static Error no_such(const std::string& name) { return {Errc::not_found, "No such container: " + name}; }
    Result<> note(std::string call) {
        calls.push_back(std::move(call));
        if (engine_is_down) return fail(down());
        return {};
    }
    Result<Container*> find(const std::string& verb, const std::string& name) {
        auto up = note(verb + " " + name);
        if (!up) return fail(up.error());
        if (!containers.contains(name)) return fail(no_such(name));
        return &containers.at(name);
    }
    static ModuleDetails details_of(const std::string& name, const Container& container) {
        ModuleDetails details;
        details.name = name;
        details.image = container.spec.image;
        details.status = container.status;
        details.create_options["Labels"] = JsonObject{{management::kOwnerLabel, management::kOwner}};
        return details;
    }
};

}  // namespace selvage::edge::daemon::testing
