// What modules, edgeAgent and `iotedge` ask of the security daemon, and what the hub answers it meanwhile. Input: up to eight
// texts. `<` begins an answer of the hub (a letter for the status, the body); `m` and `w` a request to the management and the
// workload API: "METHOD /path?query", the body behind the line. The callers are processes of every module.
//
// Whatever comes is answered as the API says, and no answer holds what a registry password in the request said (unless the
// caller said it in another place as well: an answer may repeat a name or a version).
#include <stdlib.h>

#include <algorithm>
#include <cstdint>
#include <filesystem>
#include <string>

#include "base/file.h"
#include "base/json.h"
#include "edge/daemon/api/management_api.h"
#include "edge/daemon/api/workload_api.h"
#include "edge/daemon/tests/fake_runtime.h"
#include "net/listener.h"
#include "rig/answering_dialer.h"
#include "rig/input.h"
#include "rig/world.h"

namespace {

using namespace selvage;
using namespace selvage::edge;
using async::Awaitable;

constexpr int kCaller = -1;   // who asks without a socket

// Keys and the CA are made once: they cost more than a thousand requests.
struct Device : fuzz::World {
    std::string folder;
    std::unique_ptr<identity::KeyStore> keys;
    std::unique_ptr<async::BlockingPool> blocking = std::make_unique<async::BlockingPool>("fuzz", 1, 100, worker());
    std::unique_ptr<identity::EdgeCa> ca;
    Device() {
        std::string pattern = (std::filesystem::temp_directory_path() / "selvage-fuzz-XXXXXX").string();
        SELVAGE_ASSERT(::mkdtemp(pattern.data()) != nullptr);
        folder = pattern;
        ignore(make_folders(folder + "/secrets", 0700), "");
        ignore(replace_file(folder + "/key", "device key", 0600), "");
        keys = identity::make_file_key_store(folder + "/secrets", folder + "/key", random).value();
        ca = identity::EdgeCa::open({.edge_ca = {}, .device_id = "d", .certificates_folder = folder}, *keys, time, random, *blocking).value();
    }
    ~Device() {
        std::error_code ignored;
        std::filesystem::remove_all(folder, ignored);
    }
    Device(const Device&) = delete;
    Device& operator=(const Device&) = delete;
};

// Nobody knocks: requests go to the API itself.
class NoSocket final : public net::Listener {
    std::uint16_t port() const override { return 0; }
    Awaitable<> stop() override { co_return; }
};

constexpr std::string_view kPassword = "registry-password";

// Whether a part of the input has the password where it is no secret: in its line, or in a body anywhere but at its place.
bool tells_password(std::string_view part) {
    if (part.starts_with('<')) return part.contains(kPassword);
    if (fuzz::take_until(part, '\n').contains(kPassword)) return true;
    auto body = parse_json_object(part);
    if (!body) return false;   // of such a body nothing is to be repeated
    JsonObject* object = &*body;
    for (const char* key : {"config", "settings", "auth"}) {
        auto* const found = object->if_contains(key);
        if (found == nullptr || !found->is_object()) return to_text(*body).contains(kPassword);
        object = &found->as_object();
    }
    object->erase("password");
    return to_text(*body).contains(kPassword);
}

Awaitable<> ask(const daemon::Api& api, std::string_view text, bool password_is_secret) {
    auto line = fuzz::take_until(text, '\n');
    net::HttpRequest request;
    request.method = fuzz::take_until(line, ' ');
    request.target = line;
    if (request.target.find("api-version") == std::string::npos)
        request.target += (request.target.find('?') == std::string::npos ? "?" : "&") + std::string("api-version=2022-08-03");
    request.body = text;
    const auto response = co_await api.answer(std::move(request));
    SELVAGE_ASSERT(response.status >= 200 && response.status < 600);
    if (password_is_secret) SELVAGE_ASSERT(!response.body.contains(kPassword));
    if (response.status >= 400) SELVAGE_ASSERT(parse_json_object(response.body).has_value());
}

Awaitable<> live(Device& device, std::vector<std::string_view> parts) {
    std::vector<std::string_view> answers;
    for (const auto part : parts)
        if (part.starts_with('<')) answers.push_back(part.substr(1));
    fuzz::AnsweringDialer dialer(device.loop.get_executor(), device.time, std::move(answers));
    daemon::testing::FakeRuntime runtime(device.loop.get_executor());
    runtime.next_pids = {kCaller};
    for (const char* name : {"edgeAgent", "edgeHub", "m"}) runtime.add_running(name, {kCaller});
    identity::HubModules hub(dialer, device.time, *device.keys, {.hub_host = "h", .gateway_host = "h", .device_id = "d", .retries = 0});
    identity::ModuleIdentities identities(hub, *device.keys, device.time, *device.blocking, device.folder + "/modules.json");
    daemon::CallerCheck callers(runtime, device.time);
    const auto open = [](const std::string&, unsigned, net::Serve) -> Result<std::unique_ptr<net::Listener>> { return std::make_unique<NoSocket>(); };
    daemon::ModuleSockets sockets(open, "/sockets", [](std::shared_ptr<net::Stream>) -> Awaitable<> { co_return; });
    daemon::Modules modules(runtime, sockets);
    daemon::SystemInfo info(runtime, device.time, *device.blocking, "0.1.0", {});
    async::TaskGroup background(device.loop.get_executor());
    daemon::ManagementParts management_parts{.modules = modules, .identities = identities, .callers = callers, .system_info = info,
                                             .time = device.time, .background = background, .on_reprovision = [] {}};
    daemon::WorkloadParts workload_parts{.runtime = runtime, .identities = identities, .keys = *device.keys, .edge_ca = *device.ca,
                                         .callers = callers, .time = device.time, .hub_host = "h", .device_id = "d"};
    daemon::Api management;
    daemon::Api workload;
    daemon::add_management_routes(management, management_parts);
    daemon::add_workload_routes(workload, workload_parts);
    const bool password_is_secret = std::ranges::none_of(parts, tells_password);
    for (const auto part : parts) {
        if (part.starts_with('m')) co_await ask(management, part.substr(1), password_is_secret);
        if (part.starts_with('w')) co_await ask(workload, part.substr(1), password_is_secret);
    }
    co_await background.stop();
    co_await sockets.stop();
    co_await dialer.stop();
    // What is still to be written to the disk.
    ignore(co_await device.blocking->run([]() -> Result<> { return {}; }), "");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    static Device device;
    constexpr std::size_t kPartsMax = 8;
    device.run(live(device, fuzz::parts_of(fuzz::text_of(data, size), kPartsMax)));
    return 0;
}
