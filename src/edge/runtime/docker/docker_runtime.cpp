#include "edge/runtime/docker/docker_runtime.h"

#include <fmt/core.h>

#include "async/deadline.h"
#include "base/encoding.h"
#include "base/log.h"
#include "edge/runtime/docker/container_body.h"
#include "edge/runtime/docker/container_processes.h"
#include "edge/runtime/docker/describe.h"
#include "edge/runtime/docker/engine_client.h"
#include "edge/runtime/docker/mount_refresh.h"
#include "edge/runtime/docker/pull_progress.h"

namespace selvage::edge::runtime {
namespace {

using management::ModuleDetails;
using management::ModuleSpec;
using std::chrono::minutes;
using std::chrono::seconds;

constexpr minutes kPullTimeout{60};      // a large image over a slow link
constexpr minutes kStopTimeout{5};       // above any sensible StopTimeout of a container
constexpr seconds kPullHeadTimeout{300};

std::string filters(const JsonObject& value) { return "filters=" + percent_encode(to_text(value)); }

std::string owner_filter() { return fmt::format("{}={}", management::kOwnerLabel, management::kOwner); }

std::string container(std::string_view name, std::string_view rest) {
    return fmt::format("/containers/{}{}", percent_encode(name), rest);
}

class DockerRuntime final : public ModuleRuntime {
public:
    DockerRuntime(net::Dialer& dialer, async::TimeSource& time, async::BlockingPool& blocking, DockerSettings settings)
        : time_(time), blocking_(blocking), engine_(dialer, time, settings.engine_path), settings_(std::move(settings)) {}

    Awaitable<Result<>> prepare() override;
    Awaitable<Result<EngineInfo>> info() override;
    Awaitable<Result<>> pull(ModuleSpec spec) override;
    Awaitable<Result<>> create(ModuleSpec spec) override;
    Awaitable<Result<>> start(std::string name) override { co_return co_await command("POST", container(name, "/start")); }
    Awaitable<Result<>> stop(std::string name, std::optional<seconds> patience) override {
        const std::string query = patience ? fmt::format("/stop?t={}", patience->count()) : "/stop";
        co_return co_await command("POST", container(name, query));
    }
    Awaitable<Result<>> restart(std::string name) override { co_return co_await command("POST", container(name, "/restart")); }
    Awaitable<Result<>> remove(std::string name) override {
        co_return co_await command("DELETE", container(name, "?v=false&force=true&link=false"));
    }
    Awaitable<Result<ModuleDetails>> inspect(std::string name) override;
    Awaitable<Result<std::vector<ModuleDetails>>> list() override;
    Awaitable<Result<>> logs(std::string name, management::LogQuery query, OnLogPart on_part) override;
    Awaitable<Result<std::vector<int>>> processes(std::string name) override;
    Awaitable<Result<JsonArray>> statistics() override;
    Awaitable<Result<>> watch(OnModuleEvent on_event) override;
    Awaitable<Result<>> refresh_mount(std::string name, std::string host_path) override;

private:
    Awaitable<Result<>> command(std::string method, std::string target, std::string body = {});
    Awaitable<Result<JsonObject>> read(std::string target);
    Awaitable<Result<JsonArray>> read_list(std::string target);
    Awaitable<Result<>> fetch_image(std::string image, std::string registry_auth);

    async::TimeSource& time_;
    async::BlockingPool& blocking_;
    EngineClient engine_;
    DockerSettings settings_;
};

Awaitable<Result<>> DockerRuntime::command(std::string method, std::string target, std::string body) {
    EngineRequest request;
    request.method = std::move(method);
    request.target = std::move(target);
    request.body = std::move(body);
    request.timeout = kStopTimeout;
    auto answer = co_await engine_.call(std::move(request));
    if (!answer) co_return fail(answer.error());
    co_return Result<>();
}

Awaitable<Result<JsonObject>> DockerRuntime::read(std::string target) {
    EngineRequest request;
    request.target = std::move(target);
    auto answer = co_await engine_.call(std::move(request));
    if (!answer) co_return fail(answer.error());
    if (!answer->is_object()) co_return fail(Errc::malformed, "the engine's answer is no JSON object");
    co_return std::move(answer->as_object());
}

Awaitable<Result<JsonArray>> DockerRuntime::read_list(std::string target) {
    EngineRequest request;
    request.target = std::move(target);
    auto answer = co_await engine_.call(std::move(request));
    if (!answer) co_return fail(answer.error());
    if (!answer->is_array()) co_return fail(Errc::malformed, "the engine's answer is no JSON array");
    co_return std::move(answer->as_array());
}

Awaitable<Result<>> DockerRuntime::prepare() {
    const JsonObject by_name{{"name", JsonArray{Json(settings_.network_name)}}};
    auto networks = co_await read_list("/networks?" + filters(by_name));
    if (!networks) co_return fail(networks.error());
    // The engine's filter finds every network whose name contains ours.
    for (const Json& network : *networks)
        if (network.is_object() && find_text(network.as_object(), "Name") == settings_.network_name) co_return Result<>();
    JsonObject body{{"Name", settings_.network_name}, {"CheckDuplicate", true}, {"EnableIPv6", settings_.network_ipv6}};
    if (!settings_.network_ipam.empty()) body["IPAM"] = settings_.network_ipam;
    auto created = co_await command("POST", "/networks/create", to_text(body));
    if (!created && created.error().code == Errc::already_exists) co_return Result<>();
    if (!created) co_return fail(created.error().in(fmt::format("create network \"{}\"", settings_.network_name)));
    log::info("runtime.docker", "created network name={}", settings_.network_name);
    co_return Result<>();
}

Awaitable<Result<EngineInfo>> DockerRuntime::info() {
    auto object = co_await read("/info");
    if (!object) co_return fail(object.error());
    co_return EngineInfo{std::string(find_text(*object, "ServerVersion"))};
}

Awaitable<Result<>> DockerRuntime::fetch_image(std::string image, std::string registry_auth) {
    EngineRequest request;
    request.method = "POST";
    request.target = "/images/create?fromImage=" + percent_encode(image);
    request.registry_auth = std::move(registry_auth);
    request.timeout = kPullHeadTimeout;
    const auto progress = std::make_shared<PullProgress>();
    auto done = co_await engine_.stream(std::move(request), [progress](std::string_view part) -> Awaitable<bool> {
        progress->feed(part);
        co_return true;
    });
    if (!done) co_return fail(done.error());
    co_return progress->finish();
}

Awaitable<Result<>> DockerRuntime::pull(ModuleSpec spec) {
    if (spec.image_pull_policy == management::ImagePullPolicy::never) co_return Result<>();
    const std::string image = image_to_pull(spec.image);
    log::info("runtime.docker", "pull image={}", image);
    auto fetched = co_await async::with_deadline(time_, kPullTimeout, fetch_image(image, registry_auth_header(spec.registry_auth)));
    if (fetched || fetched.error().code == Errc::cancelled) co_return fetched;
    auto local = co_await read(fmt::format("/images/{}/json", percent_encode(image)));
    if (!local) co_return fail(fetched.error());
    log::warn("runtime.docker", "use the image that is here, its pull failed image={} reason={}", image, fetched.error().detail);
    co_return Result<>();
}

Awaitable<Result<>> DockerRuntime::create(ModuleSpec spec) {
    if (spec.type != "docker") co_return fail(Errc::internal, fmt::format("invalid module type: \"{}\"", spec.type));
    const JsonObject body = container_body(spec, settings_.allow_elevated_permissions);
    co_return co_await command("POST", "/containers/create?name=" + percent_encode(spec.name), to_text(body));
}

Awaitable<Result<ModuleDetails>> DockerRuntime::inspect(std::string name) {
    auto object = co_await read(container(name, "/json"));
    if (!object) co_return fail(object.error());
    co_return describe_container(*object);
}

Awaitable<Result<std::vector<ModuleDetails>>> DockerRuntime::list() {
    const JsonObject ours{{"label", JsonArray{Json(owner_filter())}}};
    auto containers = co_await read_list("/containers/json?all=true&" + filters(ours));
    if (!containers) co_return fail(containers.error());
    std::vector<ModuleDetails> modules;
    for (const Json& entry : *containers) {
        if (!entry.is_object()) continue;
        auto details = co_await inspect(std::string(find_text(entry.as_object(), "Id")));
        if (!details && details.error().code == Errc::not_found) continue;
        if (!details) co_return fail(details.error());
        modules.push_back(std::move(*details));
    }
    co_return modules;
}

Awaitable<Result<>> DockerRuntime::logs(std::string name, management::LogQuery query, OnLogPart on_part) {
    EngineRequest request;
    request.target = container(
        name, fmt::format("/logs?follow={}&stdout=true&stderr=true&since={}&until={}&timestamps={}&tail={}", query.follow,
                          query.since, query.until ? std::to_string(*query.until) : "", query.timestamps,
                          query.tail ? std::to_string(*query.tail) : "all"));
    co_return co_await engine_.stream(std::move(request), std::move(on_part));
}

Awaitable<Result<std::vector<int>>> DockerRuntime::processes(std::string name) {
    auto top = co_await read(container(name, "/top?ps_args="));
    if (top) {
        auto listed = process_ids(*top);
        if (!listed || !listed->empty()) co_return listed;
    } else if (top.error().code != Errc::internal) {
        co_return fail(top.error());
    }
    auto inspected = co_await read(container(name, "/json"));
    if (!inspected) co_return fail(inspected.error());
    const int first = first_process(*inspected);
    co_return co_await blocking_.run([first] { return processes_beside(first); });
}

Awaitable<Result<JsonArray>> DockerRuntime::statistics() {
    auto modules = co_await list();
    if (!modules) co_return fail(modules.error());
    JsonArray all;
    for (const ModuleDetails& module : *modules) {
        auto stats = co_await read(container(module.name, "/stats?stream=false&one-shot=false"));
        if (!stats) co_return fail(stats.error());
        all.push_back(std::move(*stats));
    }
    co_return all;
}

Awaitable<Result<>> DockerRuntime::watch(OnModuleEvent on_event) {
    const JsonObject ours{{"type", JsonArray{"container"}},
                          {"event", JsonArray{"start", "die", "destroy"}},
                          {"label", JsonArray{Json(owner_filter())}}};
    EngineRequest request;
    request.target = "/events?" + filters(ours);
    const auto line = std::make_shared<std::string>();
    auto ended = co_await engine_.stream(std::move(request), [line, on_event](std::string_view part) -> Awaitable<bool> {
        constexpr std::size_t kEventBytesMax = 256 * 1024;
        line->append(part);
        for (auto end = line->find('\n'); end != std::string::npos; end = line->find('\n')) {
            if (const auto event = parse_json_object(trim(std::string_view(*line).substr(0, end))))
                if (const JsonObject* actor = find_object(*event, "Actor"))
                    if (const JsonObject* attributes = find_object(*actor, "Attributes"))
                        on_event(std::string(find_text(*attributes, "name")));
            line->erase(0, end + 1);
        }
        co_return line->size() < kEventBytesMax;
    });
    if (!ended) co_return fail(ended.error());
    co_return fail(Errc::unavailable, "the engine's event stream ended");
}

Awaitable<Result<>> DockerRuntime::refresh_mount(std::string name, std::string host_path) {
    auto inspected = co_await read(container(name, "/json"));
    if (!inspected) co_return fail(inspected.error());
    const int pid = first_process(*inspected);
    if (pid <= 0) co_return Result<>();
    std::string inside;
    for (const Mount& mount : mounts_of(*inspected))
        if (mount.source == host_path) inside = mount.destination;
    if (inside.empty()) co_return Result<>();
    co_return co_await blocking_.run([pid, host_path, inside] { return refresh_file_mount(pid, host_path, inside); });
}

}  // namespace

std::unique_ptr<ModuleRuntime> make_docker_runtime(net::Dialer& dialer, async::TimeSource& time,
                                                   async::BlockingPool& blocking, DockerSettings settings) {
    return std::make_unique<DockerRuntime>(dialer, time, blocking, std::move(settings));
}

}  // namespace selvage::edge::runtime
