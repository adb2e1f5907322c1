#include "apps/edge_hub/serve.h"

#include "async/event.h"
#include "async/signals.h"
#include "async/task_group.h"
#include "base/file.h"
#include "base/log.h"
#include "edge/hub/edge_hub.h"
#include "edge/hub/environment/hub_credentials.h"
#include "edge/hub/server_certificate.h"
#include "heads/mqtt/mqtt_head.h"
#include "net/listener.h"
#include "storage/log/message_log.h"
#include "storage/sqlite/sqlite_stores.h"

namespace selvage::apps {
namespace {

using namespace std::chrono_literals;
using edge::hub::EdgeHub;
using edge::hub::HubEnvironment;

// The daemon may be starting, or be replaced right now: asks until it answers.
template <class T, class Ask>
async::Awaitable<Result<T>> until_answered(async::TimeSource& time, const char* what, Ask ask) {
    while (true) {
        Result<T> answer = co_await ask();
        if (answer) co_return answer;
        const auto code = answer.error().code;
        if (code != Errc::unavailable && code != Errc::timeout && code != Errc::connection_closed)
            co_return fail(answer.error().in(what));
        log::warn("edge.start", "{}: {}; trying again in 2 s", what, answer.error().detail);
        SELVAGE_CO_CHECK(co_await time.sleep_for(2s));
    }
}

// The objects, in order of construction; stop() goes the other way.
struct Program {
    Program(async::Executor executor, HubEnvironment given)
        : loop(executor), environment(std::move(given)), dialer(net::make_dialer(time)), ended(executor), tasks(executor) {
        credentials = environment.developer
                          ? edge::hub::credentials_for_developer(*environment.developer)
                          : edge::hub::credentials_from_daemon(*dialer, time, environment.module);
    }

    Result<> open_stores();
    async::Awaitable<Result<>> start();
    async::Awaitable<> run_start();
    async::Awaitable<> wait_for_signal();
    Result<> listen(std::shared_ptr<net::TlsServerContext> tls);
    async::Awaitable<> stop();

    async::Executor loop;
    HubEnvironment environment;
    async::SystemTime time;
    SystemRandom random;
    std::unique_ptr<net::Dialer> dialer;
    std::unique_ptr<edge::hub::HubCredentials> credentials;
    std::unique_ptr<storage::StateStore> state;
    std::unique_ptr<storage::MessageLog> log;
    std::unique_ptr<EdgeHub> hub;
    std::unique_ptr<edge::hub::ServerCertificateKeeper> certificate;
    std::unique_ptr<net::Listener> mqtt;
    Result<> outcome;
    async::Event ended;
    async::TaskGroup tasks;
};

Result<> Program::open_stores() {
    const auto& folder = environment.storage_folder;
    SELVAGE_CHECK(make_folders(folder, 0700));
    SELVAGE_TRY(state, storage::open_sqlite_state_store({.path = folder + "/state.db"}));
    SELVAGE_TRY(log, storage::MessageLog::open(loop, time,
                                               {.folder = folder + "/messages",
                                                .durability = environment.durability,
                                                .disk_bytes_max = environment.storage_bytes_max}));
    return {};
}

async::Awaitable<Result<>> Program::start() {
    SELVAGE_CO_TRY(auto trusted, co_await until_answered<std::string>(time, "trust bundle", [this] { return credentials->trusted(); }));
    SELVAGE_CO_TRY(auto key, co_await until_answered<std::string>(time, "state key", [this] {
        return edge::hub::load_data_key(*state, random, credentials->sealer());
    }));
    SELVAGE_CO_TRY(const auto upstream_tls, net::TlsClientContext::make(trusted, true));
    environment.hub.upstream_mqtt.tls = upstream_tls;
    environment.hub.upstream_https.tls = upstream_tls;
    hub = std::make_unique<EdgeHub>(EdgeHub::Surroundings{loop, time, random, *dialer, credentials->tokens(), *log, *state,
                                                          std::move(key)},
                                    environment.hub);
    certificate = std::make_unique<edge::hub::ServerCertificateKeeper>(
        loop, time, [this](UtcTime expires) { return credentials->server_certificate(expires); });
    using Tls = std::shared_ptr<net::TlsServerContext>;
    SELVAGE_CO_TRY(auto tls, co_await until_answered<Tls>(time, "server certificate", [this] { return certificate->start(); }));
    SELVAGE_CO_CHECK(co_await hub->start());
    if (environment.mqtt_enabled) {
        SELVAGE_CO_CHECK(listen(std::move(tls)));
    }
    log::info("edge.start", "started device={} hub={} name={} version={}", environment.hub.edge_device,
              environment.hub.hub_host, environment.hub.edge_host, environment.hub.version.version);
    co_return Result<>{};
}

Result<> Program::listen(std::shared_ptr<net::TlsServerContext> tls) {
    const heads::mqtt::MqttSettings settings{.connect_timeout = environment.connect_timeout,
                                             .keep_alive_max = environment.keep_alive_max};
    const auto serve = [this, settings](std::shared_ptr<net::Stream> stream) {
        return heads::mqtt::serve_mqtt(std::move(stream), *hub, time, random, settings, "mqtt");
    };
    // Some connections more than clients: those that are being replaced or have not said who they are.
    const net::ListenSettings limits{.connections_max = environment.hub.clients_max * 2 + 64};
    const auto try_address = [&](const std::string& address) {
        return net::listen_tcp(loop, time, address, environment.mqtt_port, tls, limits, serve);
    };
    auto listener = try_address(environment.mqtt_address.empty() ? "::" : environment.mqtt_address);
    // A machine without IPv6.
    if (!listener && environment.mqtt_address.empty()) listener = try_address("0.0.0.0");
    if (!listener) return fail(listener.error());
    mqtt = *std::move(listener);
    log::info("edge.start", "listening protocol=mqtt port={}", mqtt->port());
    return {};
}

async::Awaitable<> Program::run_start() {
    auto started = co_await start();
    // Cancelled: someone asked the process to stop before it was ready, which is no failure.
    if (started || started.error().code == Errc::cancelled) co_return;
    outcome = std::move(started);
    ended.set();
}

async::Awaitable<> Program::wait_for_signal() {
    const int number = co_await async::wait_for_stop_signal();
    if (number != 0) log::info("edge.stop", "stopping signal={}", number);
    ended.set();
}

async::Awaitable<> Program::stop() {
    co_await tasks.stop();
    if (mqtt) co_await mqtt->stop();
    if (certificate) co_await certificate->stop();
    if (hub) co_await hub->stop();
    if (log) co_await log->stop();
    if (state) co_await state->stop();
}

}  // namespace

async::Awaitable<Result<>> serve_edge_hub(async::Executor loop, HubEnvironment environment) {
    Program program(loop, std::move(environment));
    program.outcome = program.open_stores();
    if (program.outcome) {
        program.tasks.spawn("signals", program.wait_for_signal());
        program.tasks.spawn("start", program.run_start());
        co_await program.ended.wait();
    }
    co_await program.stop();
    co_return std::move(program.outcome);
}

}  // namespace selvage::apps
