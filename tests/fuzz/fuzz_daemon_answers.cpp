// What the security daemon answers our own callers: edgeAgent and `iotedge` on the management API, modules on the workload API.
// Input: a byte that chooses the call, then answers: a letter for the status, then the body.
#include <cstdint>
#include <string>

#include "edge/management/log_frames.h"
#include "edge/management/management_client.h"
#include "edge/workload/workload_client.h"
#include "rig/answering_dialer.h"
#include "rig/input.h"
#include "rig/world.h"

namespace {

using namespace selvage;
using async::Awaitable;

Awaitable<> manage(edge::management::ManagementClient& daemon, int call) {
    edge::management::ModuleSpec spec;
    spec.name = "m";
    spec.image = "i:1";
    switch (call) {
        case 0: ignore(co_await daemon.list_modules(), ""); break;
        case 1: ignore(co_await daemon.module("m"), ""); break;
        case 2: ignore(co_await daemon.create_module(spec), ""); break;
        case 3: ignore(co_await daemon.list_identities(), ""); break;
        case 4: ignore(co_await daemon.create_identity("m"), ""); break;
        case 5: ignore(co_await daemon.system_info(), ""); break;
        case 6: ignore(co_await daemon.restart_module("m"), ""); break;
        default: {
            const auto frames = std::make_shared<edge::management::LogFrames>();
            ignore(co_await daemon.logs("m", {}, [frames](std::string_view part) -> Awaitable<bool> {
                frames->feed(part);
                co_return true;
            }), "");
        }
    }
}

Awaitable<> work(fuzz::World& world, edge::WorkloadClient& workload, int call) {
    switch (call) {
        case 0: ignore(co_await workload.sign("data"), ""); break;
        case 1: ignore(co_await workload.trust_bundle(), ""); break;
        case 2: {
            const auto made = co_await workload.server_certificate("h", world.time.utc_now() + std::chrono::hours(1));
            if (made) SELVAGE_ASSERT(!made->chain_pem.empty() && !made->key_pem.empty());
            break;
        }
        case 3: ignore(co_await workload.encrypt("text", "iv"), ""); break;
        case 4: ignore(co_await workload.decrypt("text", "iv"), ""); break;
        default: {
            const auto tokens = edge::token_source_from_workload(workload);
            const auto token = co_await tokens->token("h/devices/d/modules/m", world.time.utc_now() + std::chrono::hours(1));
            if (token) SELVAGE_ASSERT(token->starts_with("SharedAccessSignature "));
        }
    }
}

Awaitable<> ask(fuzz::World& world, std::uint8_t choice, std::string_view answers) {
    fuzz::AnsweringDialer dialer(world.loop.get_executor(), world.time, fuzz::parts_of(answers));
    {
        const edge::ModuleEnvironment environment{.workload_uri = "unix:///w.sock", .management_uri = "unix:///m.sock", .api_version = "2019-01-30",
                                                  .iothub_host = "h", .gateway_host = "", .edge_device_host = "e", .device_id = "d",
                                                  .module_id = "m", .generation_id = "g"};
        edge::management::ManagementClient daemon(dialer, world.time, environment.management_uri);
        edge::WorkloadClient workload(dialer, world.time, environment);
        if (choice % 14 < 8) co_await manage(daemon, choice % 14);
        else co_await work(world, workload, choice % 14 - 8);
    }
    co_await dialer.stop();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size == 0) return 0;
    fuzz::World world;
    world.run(ask(world, data[0], fuzz::text_of(data + 1, size - 1)));
    return 0;
}
