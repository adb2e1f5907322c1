// Start-up: keys and certificates, then the sockets, then, in the background and as often as it takes: the engine's network,
// the check whether this is still the same device, the modules' sockets, the watchdog.
//
// A container that ran before this process has the old, dead socket files mounted. Each gets the new ones shown in their place
// (ModuleRuntime::refresh_mount); only where the system refuses that is it restarted.

#include "edge/daemon/daemon.h"

#include <fmt/core.h>
#include <grp.h>
#include <unistd.h>

#include <array>

#include "async/event.h"
#include "async/task_group.h"
#include "base/encoding.h"
#include "base/file.h"
#include "base/log.h"
#include "edge/daemon/agent_spec.h"
#include "edge/daemon/api/management_api.h"
#include "edge/daemon/api/workload_api.h"
#include "edge/daemon/connection_limit.h"
#include "edge/daemon/modules.h"
#include "edge/daemon/watchdog.h"
#include "edge/identity/edge_ca.h"
#include "edge/identity/module_identities.h"
#include "edge/identity/provisioning_state.h"
#include "net/http.h"
#include "net/listener.h"
#include "net/tls.h"

namespace selvage::edge::daemon {
namespace {

using management::ModuleDetails;
using management::ModuleStatus;

constexpr unsigned kManagementMode = 0660;
constexpr unsigned kWorkloadMode = 0666;
constexpr uid_t kAgentUser = 13622;   // who edgeAgent's image runs as: docs/wire/management-api.md#socket
constexpr std::chrono::seconds kTryAgain{5};
constexpr std::size_t kBundleBytesMax = 4 << 20;

net::HttpServerSettings http_settings() {
    net::HttpServerSettings settings;
    settings.request_timeout = std::chrono::seconds(5);
    // A client that reads logs slowly holds only its own connection.
    settings.write_timeout = std::chrono::minutes(10);
    return settings;
}

gid_t managers_group() {
    group entry{};
    group* found = nullptr;
    std::array<char, 16384> buffer{};
    if (::getgrnam_r("iotedge", &entry, buffer.data(), buffer.size(), &found) != 0 || found == nullptr) return static_cast<gid_t>(-1);
    return found->gr_gid;
}

std::string parent_of(const std::string& path) { return path.substr(0, std::max<std::size_t>(path.rfind('/'), 1)); }

}  // namespace

struct Daemon::Impl {
    Impl(async::Executor loop_, async::TimeSource& time_, Random& random_, async::BlockingPool& blocking_, net::Dialer& dialer_,
         runtime::ModuleRuntime& runtime_, DaemonSettings settings_)
        : loop(loop_), time(time_), random(random_), blocking(blocking_), dialer(dialer_), runtime(runtime_),
          settings(std::move(settings_)), config(settings.config), ended(loop), group(loop), callers(runtime, time),
          management_limit(config.management_connections_max), workload_limit(config.workload_connections_max),
          sockets([this](const std::string& path, unsigned mode, net::Serve one) { return open_socket(path, mode, std::move(one)); },
                  settings.home.sockets_folder(),
                  [this](std::shared_ptr<net::Stream> stream) { return serve(std::move(stream), workload_api, workload_limit); }),
          modules(runtime, sockets) {}

    Result<> open_keys();
    Result<> open_hub();
    Result<> open_apis(std::map<std::string, std::string> additional_info);
    Result<> open_sockets();
    Result<std::unique_ptr<net::Listener>> open_socket(const std::string& path, unsigned mode, net::Serve one);
    Awaitable<> serve(std::shared_ptr<net::Stream> stream, Api& api, ConnectionLimit& limit);

    Awaitable<> bring_up();
    Awaitable<Result<>> bring_up_once();
    Awaitable<Result<>> remove_anothers_modules();
    Awaitable<Result<>> reconnect_modules();
    Awaitable<> show_sockets(ModuleDetails module);
    Awaitable<> watch_events();
    Awaitable<> watch_agent();
    Awaitable<> give_keys_again();
    Awaitable<Result<management::ModuleSpec>> make_agent_spec();

    async::Executor loop;
    async::TimeSource& time;
    Random& random;
    async::BlockingPool& blocking;
    net::Dialer& dialer;
    runtime::ModuleRuntime& runtime;
    DaemonSettings settings;
    const config::SuperConfig& config;

    async::Event ended;
    Error end_reason{Errc::cancelled, "stopped"};
    async::TaskGroup group;

    std::string user_trust_bundle;
    std::unique_ptr<identity::KeyStore> keys;
    std::unique_ptr<identity::EdgeCa> edge_ca;
    std::unique_ptr<identity::HubModules> hub;
    std::unique_ptr<identity::ModuleIdentities> identities;

    CallerCheck callers;
    ConnectionLimit management_limit;
    ConnectionLimit workload_limit;
    Api management_api;
    Api workload_api;
    ModuleSockets sockets;
    Modules modules;
    std::unique_ptr<SystemInfo> system_info;
    std::unique_ptr<ManagementParts> management_parts;
    std::unique_ptr<WorkloadParts> workload_parts;
    std::unique_ptr<Watchdog> watchdog;
    std::unique_ptr<net::Listener> management_listener;
    std::unique_ptr<net::Listener> workload_listener;
};

Result<> Daemon::Impl::open_keys() {
    const config::Home& home = settings.home;
    for (const std::string& folder : {home.folder, home.cache_folder(), home.sockets_folder(), home.certificates_folder()})
        SELVAGE_CHECK(make_folders(folder, 0755));
    SELVAGE_TRY(keys, identity::make_file_key_store(home.secrets_folder(), config.provisioning.key_path, random));
    identity::EdgeCa::Settings ca{config.edge_ca, config.provisioning.device_id, home.certificates_folder()};
    SELVAGE_TRY(edge_ca, identity::EdgeCa::open(std::move(ca), *keys, time, random, blocking));
    if (config.trust_bundle_path.empty()) return {};
    auto bundle = read_file(config.trust_bundle_path, kBundleBytesMax);
    if (!bundle) return fail(bundle.error().in("trust_bundle_cert"));
    user_trust_bundle = std::move(*bundle);
    return {};
}

Result<> Daemon::Impl::open_hub() {
    identity::HubModulesSettings hub_settings;
    hub_settings.hub_host = config.provisioning.iothub_hostname;
    hub_settings.gateway_host = config.gateway_host();
    hub_settings.port = settings.hub_port;
    hub_settings.device_id = config.provisioning.device_id;
    hub_settings.timeout = config.cloud_timeout;
    hub_settings.retries = config.cloud_retries;
    if (!settings.hub_in_clear) {
        auto tls = net::TlsClientContext::make(user_trust_bundle, true);
        if (!tls) return fail(tls.error().in("trust_bundle_cert"));
        hub_settings.tls = *tls;
    }
    hub = std::make_unique<identity::HubModules>(dialer, time, *keys, std::move(hub_settings));
    identities = std::make_unique<identity::ModuleIdentities>(*hub, *keys, time, blocking,
                                                              settings.home.cache_folder() + "/module-identities.json");
    return {};
}

Result<> Daemon::Impl::open_apis(std::map<std::string, std::string> additional_info) {
    system_info = std::make_unique<SystemInfo>(runtime, time, blocking, settings.version, std::move(additional_info));
    management_parts.reset(new ManagementParts{modules, *identities, callers, *system_info, time, group});
    management_parts->on_reprovision = [this] { group.spawn("provision again", give_keys_again()); };
    workload_parts.reset(new WorkloadParts{runtime, *identities, *keys, *edge_ca, callers, time});
    workload_parts->user_trust_bundle = user_trust_bundle;
    workload_parts->hub_host = config.provisioning.iothub_hostname;
    workload_parts->device_id = config.provisioning.device_id;
    add_management_routes(management_api, *management_parts);
    add_workload_routes(workload_api, *workload_parts);
    Watchdog::Settings watch;
    watch.retries_max = config.watchdog_retries_max;
    watchdog = std::make_unique<Watchdog>(loop, time, modules, [this] { return make_agent_spec(); }, watch);
    return {};
}

Result<std::unique_ptr<net::Listener>> Daemon::Impl::open_socket(const std::string& path, unsigned mode, net::Serve one) {
    if (settings.open_socket) return settings.open_socket(path, mode, std::move(one));
    SELVAGE_CHECK(make_folders(parent_of(path), 0755));
    return net::listen_unix(loop, time, path, mode, net::ListenSettings(), std::move(one));
}

Result<> Daemon::Impl::open_sockets() {
    const std::string& management = config.listen_management_path;
    SELVAGE_TRY(management_listener, open_socket(management, kManagementMode, [this](std::shared_ptr<net::Stream> stream) {
                    return serve(std::move(stream), management_api, management_limit);
                }));
    // The image of edgeAgent runs as this user, so the socket must be his.
    if (!settings.open_socket && ::chown(management.c_str(), kAgentUser, managers_group()) != 0)
        log::warn("daemon.sockets", "{} stays with this user: {}", management, from_errno("chown", errno).detail);
    SELVAGE_TRY(workload_listener, open_socket(config.listen_workload_path, kWorkloadMode, [this](std::shared_ptr<net::Stream> stream) {
                    return serve(std::move(stream), workload_api, workload_limit);
                }));
    return {};
}

Awaitable<> Daemon::Impl::serve(std::shared_ptr<net::Stream> stream, Api& api, ConnectionLimit& limit) {
    const ConnectionLimit::Place place(limit, stream->peer_uid());
    if (!place.granted()) co_return;
    co_await net::serve_http(stream, time, http_settings(),
                             [&api](net::HttpRequest request) { return api.answer(std::move(request)); });
}

Awaitable<> Daemon::Impl::bring_up() {
    std::string said;
    for (;;) {
        auto up = co_await bring_up_once();
        if (up) break;
        if (up.error().code == Errc::cancelled) co_return;
        if (up.error().detail != said) log::warn("daemon", "not up yet, try again every {} s reason={}", kTryAgain.count(), up.error().detail);
        said = up.error().detail;
        auto slept = co_await time.sleep_for(kTryAgain);
        if (!slept) co_return;
    }
    log::info("daemon", "up device={} hub={}", config.provisioning.device_id, config.provisioning.iothub_hostname);
    group.spawn("watch events", watch_events());
    group.spawn("watch edgeAgent", watch_agent());
}

Awaitable<Result<>> Daemon::Impl::bring_up_once() {
    auto prepared = co_await runtime.prepare();
    if (!prepared) co_return prepared;
    auto cleared = co_await remove_anothers_modules();
    if (!cleared) co_return cleared;
    co_return co_await reconnect_modules();
}

Awaitable<Result<>> Daemon::Impl::remove_anothers_modules() {
    const std::string path = settings.home.cache_folder() + "/provisioning_state";
    const std::string digest = identity::provisioning_digest(
        {config.provisioning.device_id, config.gateway_host(), config.provisioning.iothub_hostname});
    auto known = co_await blocking.run([path] { return read_file(path); });
    if (known && trim(*known) == digest) co_return Result<>();
    auto list = co_await runtime.list();
    if (!list) co_return fail(list.error());
    for (const ModuleDetails& module : *list) {
        log::info("daemon", "remove a module of another identity module={}", module.name);
        auto removed = co_await modules.remove(module.name);
        if (!removed && removed.error().code != Errc::not_found) co_return removed;
    }
    co_return co_await blocking.run([path, digest] { return replace_file(path, digest, 0644); });
}

Awaitable<Result<>> Daemon::Impl::reconnect_modules() {
    auto list = co_await runtime.list();
    if (!list) co_return fail(list.error());
    for (const ModuleDetails& module : *list) {
        auto bound = sockets.bind(module.name);
        if (!bound) log::error("daemon.sockets", "a module has no workload socket module={} reason={}", module.name, bound.error().detail);
        if (bound && module.status == ModuleStatus::running) co_await show_sockets(module);
    }
    co_return Result<>();
}

Awaitable<> Daemon::Impl::show_sockets(ModuleDetails module) {
    Result<> shown;
    for (const std::string& path : {sockets.path_of(module.name), config.listen_workload_path, config.listen_management_path}) {
        shown = co_await runtime.refresh_mount(module.name, path);
        if (!shown) break;
    }
    if (shown || shown.error().code == Errc::not_found) co_return;
    log::warn("daemon.sockets", "restart a module that cannot be shown the new sockets module={} reason={}", module.name, shown.error().detail);
    auto restarted = co_await modules.restart(module.name);
    if (!restarted) log::warn("daemon.sockets", "a module has a dead socket module={} reason={}", module.name, restarted.error().detail);
}

Awaitable<> Daemon::Impl::watch_events() {
    for (;;) {
        auto ended_by = co_await runtime.watch([this](std::string name) {
            if (name == kAgentContainer) watchdog->wake();
        });
        if (!ended_by && ended_by.error().code == Errc::cancelled) co_return;
        log::debug("daemon", "no events of the engine, the watchdog's own looks remain");
        auto slept = co_await time.sleep_for(kTryAgain);
        if (!slept) co_return;
    }
}

Awaitable<> Daemon::Impl::watch_agent() {
    auto result = co_await watchdog->run();
    if (result || result.error().code == Errc::cancelled) co_return;
    end_reason = result.error();
    ended.set();
}

// Asked for by edgeAgent when the hub refuses it: the hub may have lost or changed the keys, so all are written once more.
Awaitable<> Daemon::Impl::give_keys_again() {
    auto list = co_await identities->list();
    if (!list) {
        log::warn("daemon", "cannot provision again reason={}", list.error().detail);
        co_return;
    }
    for (const auto& identity : *list) {
        auto updated = co_await identities->update(identity.module_id);
        if (!updated) log::warn("daemon", "cannot write the module's keys again module={} reason={}", identity.module_id, updated.error().detail);
    }
    log::info("daemon", "provisioned again modules={}", list->size());
}

Awaitable<Result<management::ModuleSpec>> Daemon::Impl::make_agent_spec() {
    auto agent = co_await identities->update(std::string(kAgentIdentity));
    if (!agent) co_return fail(agent.error());
    co_return agent_spec(config, settings.home.sockets_folder(), agent->generation_id);
}

Daemon::Daemon(async::Executor loop, async::TimeSource& time, Random& random, async::BlockingPool& blocking,
               net::Dialer& dialer, runtime::ModuleRuntime& runtime, DaemonSettings settings)
    : impl_(std::make_unique<Impl>(std::move(loop), time, random, blocking, dialer, runtime, std::move(settings))) {}
Daemon::~Daemon() = default;

Awaitable<Result<>> Daemon::start() {
    auto opened = impl_->open_keys();
    if (opened) opened = impl_->open_hub();
    if (!opened) co_return opened;
    co_await impl_->identities->start();
    std::map<std::string, std::string> additional_info;
    if (!impl_->config.additional_info_path.empty()) {
        auto text = read_file(impl_->config.additional_info_path);
        auto info = text ? config::parse_additional_info(*text) : Result<std::map<std::string, std::string>>(std::unexpected(text.error()));
        if (!info) co_return fail(info.error().in("additional_info"));
        additional_info = std::move(*info);
    }
    opened = impl_->open_apis(std::move(additional_info));
    if (opened) opened = impl_->open_sockets();
    if (!opened) {
        co_await stop();
        co_return opened;
    }
    impl_->group.spawn("bring up", impl_->bring_up());
    impl_->group.spawn("renew the edge CA", impl_->edge_ca->keep_fresh());
    co_return Result<>();
}

Awaitable<Error> Daemon::over() {
    co_await impl_->ended.wait();
    co_return impl_->end_reason;
}

Awaitable<> Daemon::stop() {
    impl_->group.cancel();
    for (auto* listener : {&impl_->management_listener, &impl_->workload_listener})
        if (*listener) {
            co_await (*listener)->stop();
            listener->reset();
        }
    co_await impl_->sockets.stop();
    co_await impl_->group.stop();
}

}  // namespace selvage::edge::daemon
