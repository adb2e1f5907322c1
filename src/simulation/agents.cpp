// The agents' side of the world: the device's engine, deployments of a back end, and whether what should run does run.
#include <fmt/core.h>

#include <cstdlib>

#include "base/encoding.h"
#include "base/file.h"
#include "domain/twin.h"
#include "simulation/agent_process.h"
#include "simulation/daemon_process.h"
#include "simulation/world_parts.h"

namespace selvage::simulation {
namespace {

using namespace std::chrono_literals;
using domain::Identity;

constexpr const char* kAgent = "edgeAgent";
constexpr std::size_t kModulesMost = 5;

JsonObject entry(const std::string& image, bool runs) {
    return {{"version", "1.0"},
            {"type", "docker"},
            {"status", runs ? "running" : "stopped"},
            {"restartPolicy", "always"},
            {"settings", JsonObject{{"image", image}, {"createOptions", "{}"}}}};
}

}  // namespace

void World::add_agent(Edge& edge, const Machine::World& around) {
    edge.engine = std::make_unique<Engine>(schedule_, trace_, edge.device + ".engine", dice_.next());
    edge.key_file = plan_.folder + "/" + edge.device + ".key";
    const auto written = replace_file(edge.key_file, *from_base64(key_of(edge.device)), 0600);
    SELVAGE_ASSERT(written.has_value());
    edge.daemon = std::make_unique<Machine>(around, edge.device + ".daemon", [this, &edge](std::unique_ptr<Seat> seat) {
        return std::make_unique<DaemonProcess>(schedule_.loop(), std::move(seat), *edge.engine,
                                               DaemonProcess::Settings{edge.device, edge.key_file});
    });
    edge.agent = std::make_unique<Machine>(around, edge.device + ".agent", [this, &edge](std::unique_ptr<Seat> seat) {
        return std::make_unique<AgentProcess>(schedule_.loop(), std::move(seat), *edge.engine->find(kAgent), edge.device);
    });
    // Whoever started it starts it again: the daemon, by its watchdog.
    edge.agent->on_end = [&edge](bool killed) { edge.engine->ended(kAgent, killed ? 137 : 0); };
    edge.engine->on_start = [&edge](const Engine::Container& container) {
        if (container.spec.name == kAgent) edge.agent->start();
    };
    edge.engine->on_stop = [this, &edge](const std::string& name, bool killed) {
        if (name != kAgent) {
            if (!killed) schedule_.after(any_time(10ms, 5s), [&edge, name] { edge.engine->ended(name, 0); });
            return;
        }
        if (killed)
            edge.agent->crash(Disk::Loss::none, 0s);
        else
            edge.agent->restart(0s);
    };
}

// ---- deployments -------------------------------------------------------------------------------------------------------

JsonObject World::deployment_of(Edge& edge, std::int64_t number) {
    Wanted wanted;
    // Which deployment this is can be told from this module's image.
    wanted["counter"] = {fmt::format("counter:{}", number), true};
    for (std::size_t i = 0; i < kModulesMost; ++i)
        if (dice(3) != 0) wanted[fmt::format("worker{}", i)] = {fmt::format("worker:{}", dice(3)), dice(5) != 0};
    JsonObject modules;
    for (const auto& [name, module] : wanted) modules[name] = entry(module.image, module.runs);
    // Now and then the agent has to replace itself.
    const auto agent_image = fmt::format("agent:{}", dice(6) == 0 ? 2 : 1);
    JsonObject system;
    system[kAgent] = JsonObject{{"type", "docker"}, {"settings", JsonObject{{"image", agent_image}, {"createOptions", "{}"}}}};
    wanted[kAgent] = {agent_image, true};
    edge.wanted[number] = std::move(wanted);
    JsonObject runtime{{"type", "docker"},
                       {"settings", JsonObject{{"minDockerVersion", "v1.25"}, {"loggingOptions", ""}}}};
    return JsonObject{{"schemaVersion", "1.1"},
                      {"runtime", std::move(runtime)},
                      {"systemModules", std::move(system)},
                      {"modules", std::move(modules)}};
}

void World::deploy_for(Edge& edge, TimePoint end) {
    const auto next = schedule_.now() + any_time(5min, 1h);
    if (next >= end) return;
    schedule_.at(next, [this, &edge, end] {
        if (cloud()) {
            const auto number = ++edge.deployed.asked;
            auto desired = deployment_of(edge, number);
            cloud()->serve_back_end("back end deploys", deploy(edge, std::move(desired), number, cloud_->runs()));
        }
        deploy_for(edge, end);
    });
}

async::Awaitable<> World::deploy(Edge& edge, JsonObject desired, std::int64_t number, std::uint64_t run) {
    JsonObject content;
    content["modulesContent"] = JsonObject{{"$edgeAgent", JsonObject{{"properties.desired", std::move(desired)}}}};
    const auto applied = co_await cloud()->twins().apply_configuration(edge.device, std::move(content));
    if (run != cloud_->runs() || !cloud()) co_return;
    if (applied) edge.deployed.confirmed = std::max(edge.deployed.confirmed, number);
    trace_.note(schedule_.now(), "deployed", edge.device, applied ? number : -number);
}

// ---- whether it came to be ---------------------------------------------------------------------------------------------

std::int64_t World::running_deployment(const Edge& edge) const {
    const auto* const counter = edge.engine->find("counter");
    if (counter == nullptr) return 0;
    return std::strtoll(counter->spec.image.substr(8).c_str(), nullptr, 10);
}

std::string World::agent_unrest(const Edge& edge) const {
    const auto number = running_deployment(edge);
    if (number < edge.deployed.confirmed)
        return fmt::format("{} runs deployment {} instead of {}", edge.device, number, edge.deployed.confirmed);
    if (number == 0) return {};
    const Wanted& wanted = edge.wanted.at(number);
    for (const auto& [name, module] : wanted) {
        const auto* const container = edge.engine->find(name);
        if (container == nullptr) return fmt::format("{} has no container {}", edge.device, name);
        if (container->spec.image != module.image)
            return fmt::format("{} has {} of {} instead of {}", edge.device, name, container->spec.image, module.image);
        if (container->running != module.runs)
            return fmt::format("{} on {} {}", name, edge.device, module.runs ? "does not run" : "runs");
    }
    for (const auto& [name, container] : edge.engine->containers())
        if (!wanted.contains(name)) return fmt::format("{} still has {}", edge.device, name);
    return {};
}

// Where nothing goes wrong, an agent ends only to make way for another image of itself.
void World::check_replacements(const Edge& edge) {
    if (!edge.engine) return;
    std::uint64_t images = 1;
    std::string image = "agent:1";
    for (const auto& [number, wanted] : edge.wanted)
        if (std::exchange(image, wanted.at(kAgent).image) != wanted.at(kAgent).image) ++images;
    if (edge.agent->runs() > images)
        ledger_.violated(fmt::format("the agent of {} was started {} times for {} images", edge.device, edge.agent->runs(), images));
}

async::Awaitable<bool> World::compare_deployment(Edge& edge) {
    const auto text = co_await cloud()->twins().device_document(Identity::of_module(edge.device, "$edgeAgent"));
    const auto twin = text ? parse_json_object(*text) : Result<JsonObject>(fail(text.error()));
    if (!twin) co_return false;
    const auto* const desired = find_object(*twin, "desired");
    const auto* const reported = find_object(*twin, "reported");
    if (desired == nullptr || reported == nullptr) co_return false;
    trace_.note(schedule_.now(), "compared", edge.device + ".agent", running_deployment(edge), *text);
    if (edge.deployed.asked == 0) co_return true;
    if (const auto unrest = agent_unrest(edge); !unrest.empty()) ledger_.violated(unrest);
    const auto* const modules = find_object(*desired, "modules");
    const auto* const counter = modules == nullptr ? nullptr : find_object(*modules, "counter");
    const auto* const settings = counter == nullptr ? nullptr : find_object(*counter, "settings");
    const auto image = settings == nullptr ? std::string_view() : find_text(*settings, "image");
    const auto runs = fmt::format("counter:{}", running_deployment(edge));
    if (settings != nullptr && image != runs)
        ledger_.violated(fmt::format("{} runs {} and the cloud wants {}", edge.device, runs, image));
    const auto* const status = find_object(*reported, "lastDesiredStatus");
    const auto told = find_integer(*reported, "lastDesiredVersion");
    const auto version = find_integer(*desired, "$version");
    if (settings != nullptr && (told != version || status == nullptr || find_integer(*status, "code") != 200))
        ledger_.violated(fmt::format("the agent of {} reports version {} with {} and the cloud has version {}", edge.device, told,
                                     status == nullptr ? "nothing" : to_text(*status), version));
    const auto* const told_modules = find_object(*reported, "modules");
    for (const auto& [name, container] : edge.engine->containers()) {
        if (name == kAgent || told_modules == nullptr) continue;
        const auto* const one = find_object(*told_modules, name);
        const auto word = one == nullptr ? std::string_view("nothing") : find_text(*one, "runtimeStatus");
        if ((word == "running") != container.running)
            ledger_.violated(fmt::format("the agent of {} reports {} for {}", edge.device, word, name));
    }
    co_return true;
}

}  // namespace selvage::simulation
