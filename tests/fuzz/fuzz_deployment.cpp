// What a deployment makes edgeAgent and edgeHub do: desired properties line by line, the first a whole twin's desired section, the
// rest patches of it. What is accepted becomes containers, survives being reported, and means the same when it is read again.
#include <cstdint>
#include <set>
#include <string>

#include "domain/twin.h"
#include "edge/agent/container_spec.h"
#include "edge/agent/deployment_source.h"
#include "edge/agent/reported.h"
#include "edge/hub/configuration/hub_configuration.h"
#include "edge/manifest/deployment.h"
#include "edge/runtime/docker/container_body.h"
#include "rig/answering_dialer.h"
#include "rig/input.h"
#include "rig/world.h"

namespace {

using namespace selvage;
namespace manifest = edge::manifest;

void check(const manifest::Deployment& deployment) {
    std::set<std::string> names;
    for (const auto& module : deployment.modules) {
        SELVAGE_ASSERT(!module.name.empty() && names.insert(module.name).second);
        edge::agent::AgentEnvironment agent;
        agent.module.iothub_host = "h";
        agent.module.device_id = "d";
        agent.module.module_id = "$edgeAgent";
        const auto spec = edge::agent::container_spec(module, deployment, agent, "1");
        // The daemon must take what the agent asks of it.
        const auto taken = edge::management::parse_module_spec(Json(edge::management::to_json(spec)));
        SELVAGE_ASSERT(taken && taken->name == spec.name && taken->image == spec.image);
        edge::runtime::container_body(*taken, false);
        const auto hash = edge::agent::applied_hash(module, deployment, "1");
        SELVAGE_ASSERT(hash == edge::agent::applied_hash(manifest::Module(module), deployment, "1"));
    }
    const auto reported = edge::agent::reported_document(&deployment, {}, {}, {});
    SELVAGE_ASSERT(parse_json_object(to_text(reported)).has_value());
}

void read(const JsonObject& desired) {
    const auto deployment = manifest::parse_deployment(desired, {.parent_host = "parent"});
    if (deployment) check(*deployment);
    else SELVAGE_ASSERT(!deployment.error().description.empty());
    if (const auto configuration = edge::hub::parse_configuration(desired))
        for (const auto& route : configuration->routes.routes()) SELVAGE_ASSERT(!route.name.empty() || desired.contains("routes"));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    auto text = fuzz::text_of(data, size);
    fuzz::World world;
    fuzz::AnsweringDialer dialer(world.loop.get_executor(), world.time, {});
    {
        async::BlockingPool blocking("fuzz", 1, 10, world.worker());
        edge::WorkloadClient workload(dialer, world.time, {});
        edge::agent::DeploymentSource source(blocking, world.random, workload, "/nowhere", {.parent_host = "parent"});
        JsonObject desired;
        std::int64_t version = 1;
        for (bool first = true; !text.empty() && version < 16; first = false) {
            const auto line = fuzz::take_until(text, '\n');
            const auto patch = parse_json_object(line);
            if (!patch) continue;
            domain::merge_patch(desired, *patch);
            read(desired);
            if (first) ignore(source.take_twin("{\"desired\":" + std::string(line) + "}"), "refusing is fine");
            source.take_patch(++version, std::string(line));
            SELVAGE_ASSERT(source.deployment() == nullptr || source.deployment_version() <= version);
        }
    }
    world.run(dialer.stop());
    return 0;
}
