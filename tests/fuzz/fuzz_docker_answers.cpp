// What the container engine answers: inspections, lists, pulls, logs, events, statistics. Input: a byte that chooses the call,
// then answers: a letter for the status, then the body. What the engine describes goes on to edgeAgent, so it must be readable.
#include <cstdint>
#include <string>

#include "edge/management/log_frames.h"
#include "edge/runtime/docker/describe.h"
#include "edge/runtime/docker/docker_runtime.h"
#include "rig/answering_dialer.h"
#include "rig/input.h"
#include "rig/world.h"

namespace {

using namespace selvage;
using async::Awaitable;

void check(const edge::management::ModuleDetails& details) {
    SELVAGE_ASSERT(edge::management::parse_module_details(Json(edge::management::to_json(details))).has_value());
}

Awaitable<> call(edge::runtime::ModuleRuntime& engine, int which) {
    edge::management::ModuleSpec spec;
    spec.name = "m";
    spec.image = "r.example/i:1";
    spec.registry_auth = {{"username", "u"}, {"password", "p"}, {"serveraddress", "r.example"}};
    switch (which) {
        case 0: ignore(co_await engine.prepare(), ""); break;
        case 1: ignore(co_await engine.info(), ""); break;
        case 2: ignore(co_await engine.pull(spec), ""); break;
        case 3: ignore(co_await engine.create(spec), ""); break;
        case 4: ignore(co_await engine.stop("m", std::chrono::seconds(1)), ""); break;
        case 5: {
            const auto details = co_await engine.inspect("m");
            if (details) check(*details);
            break;
        }
        case 6: {
            const auto all = co_await engine.list();
            if (!all) break;
            for (const auto& details : *all) check(details);
            break;
        }
        case 7: {
            const auto frames = std::make_shared<edge::management::LogFrames>();
            ignore(co_await engine.logs("m", {}, [frames](std::string_view part) -> Awaitable<bool> {
                frames->feed(part);
                co_return true;
            }), "");
            frames->finish();
            break;
        }
        case 8: ignore(co_await engine.statistics(), ""); break;
        default: ignore(co_await engine.watch([](std::string) {}), "");
    }
}

Awaitable<> ask(fuzz::World& world, int which, std::vector<std::string_view> answers) {
    fuzz::AnsweringDialer dialer(world.loop.get_executor(), world.time, std::move(answers));
    {
        async::BlockingPool blocking("fuzz", 1, 100, world.worker());
        const auto engine = edge::runtime::make_docker_runtime(dialer, world.time, blocking, {});
        co_await call(*engine, which);
    }
    co_await dialer.stop();
}

// What follows an inspection touches processes and mounts of this machine, so only the reading is done here.
void read(std::string_view answer) {
    const auto inspected = parse_json_object(answer.substr(std::min<std::size_t>(1, answer.size())));
    if (!inspected) return;
    edge::runtime::first_process(*inspected);
    edge::runtime::mounts_of(*inspected);
    ignore(edge::runtime::process_ids(*inspected), "refusing is fine");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size == 0) return 0;
    const auto answers = fuzz::parts_of(fuzz::text_of(data + 1, size - 1));
    for (const auto answer : answers) read(answer);
    fuzz::World world;
    world.run(ask(world, data[0] % 10, answers));
    return 0;
}
