#include "apps/edge_hub/serve.h"

#include "async/event.h"
#include "async/signals.h"
#include "async/task_group.h"
#include "base/file.h"
#include "base/log.h"
#include "edge/hub/edge_hub.h"
#include "edge/hub/environment/hub_credentials.h"
#include "edge/hub/server_certificate.h"
#include "heads/amqp/amqp_head.h"
#include "heads/http_edge/method_api.h"
#include "heads/mqtt/mqtt_head.h"
#include "heads/websocket/websocket_head.h"
#include "net/http.h"
#include "net/listener.h"
#include "storage/log/message_log.h"
#include "storage/sqlite/sqlite_stores.h"

namespace selvage::apps {
namespace {

using namespace std::chrono_literals;
using edge::hub::EdgeHub;
using edge::hub::HubEnvironment;

// A direct method's call: its payload, and what JSON adds.
constexpr std::size_t kRequestBytesMax = 1 << 20;

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
    Result<std::unique_ptr<net::Listener>> listen_on(const char* what, const std::string& address, std::uint16_t port,
                                                     std::shared_ptr<net::TlsServerContext> tls, net::Serve serve);
    net::Serve serve_mqtt_as(std::string protocol);
    net::Serve serve_amqp_as(std::string protocol);
    net::Serve serve_https();
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
    std::unique_ptr<heads::http_edge::MethodApi> method_api;
    std::unique_ptr<net::Listener> mqtt;
    std::unique_ptr<net::Listener> amqp;
    std::unique_ptr<net::Listener> https;
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
    SELVAGE_CO_CHECK(listen(std::move(tls)));
    log::info("edge.start", "started device={} hub={} name={} version={}", environment.hub.edge_device,
              environment.hub.hub_host, environment.hub.edge_host, environment.hub.version.version);
    co_return Result<>{};
}

Result<std::unique_ptr<net::Listener>> Program::listen_on(const char* what, const std::string& address, std::uint16_t port,
                                                          std::shared_ptr<net::TlsServerContext> tls, net::Serve serve) {
    // Some connections more than clients: those that are being replaced or have not said who they are.
    const net::ListenSettings limits{.connections_max = environment.hub.clients_max * 2 + 64};
    auto listener = net::listen_tcp(loop, time, address.empty() ? "::" : address, port, tls, limits, serve);
    // A machine without IPv6.
    if (!listener && address.empty()) listener = net::listen_tcp(loop, time, "0.0.0.0", port, tls, limits, serve);
    if (listener) log::info("edge.start", "listening protocol={} port={}", what, (*listener)->port());
    return listener;
}

net::Serve Program::serve_mqtt_as(std::string protocol) {
    const heads::mqtt::MqttSettings settings{.connect_timeout = environment.connect_timeout,
                                             .keep_alive_max = environment.keep_alive_max};
    return [this, settings, protocol](std::shared_ptr<net::Stream> stream) {
        return heads::mqtt::serve_mqtt(std::move(stream), *hub, time, random, settings, protocol);
    };
}

net::Serve Program::serve_amqp_as(std::string protocol) {
    return [this, protocol](std::shared_ptr<net::Stream> stream) {
        return heads::amqp::serve_amqp(std::move(stream), *hub, time, random, {}, protocol);
    };
}

net::Serve Program::serve_https() {
    const auto upgrade = heads::websocket::serve_websocket(
        time, {{"mqtt", serve_mqtt_as("mqtt-ws")}, {"AMQPWSB10", serve_amqp_as("amqp-ws")}});
    const auto answer = [this](net::HttpRequest request) { return method_api->handle(std::move(request)); };
    return [this, upgrade, answer](std::shared_ptr<net::Stream> stream) {
        return net::serve_http(std::move(stream), time, {.body_bytes_max = kRequestBytesMax}, answer, upgrade);
    };
}

Result<> Program::listen(std::shared_ptr<net::TlsServerContext> tls) {
    if (environment.mqtt_enabled) {
        SELVAGE_TRY(mqtt, listen_on("mqtt", environment.mqtt_address, environment.mqtt_port, tls, serve_mqtt_as("mqtt")));
    }
    if (environment.amqp_enabled) {
        SELVAGE_TRY(amqp, listen_on("amqp", environment.amqp_address, environment.amqp_port, tls, serve_amqp_as("amqp")));
    }
    if (environment.https_enabled) {
        method_api = std::make_unique<heads::http_edge::MethodApi>(
            *hub, time, heads::http_edge::MethodApiSettings{.edge_device = environment.hub.edge_device});
        SELVAGE_TRY(https, listen_on("https", environment.https_address, environment.https_port, tls, serve_https()));
    }
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
    if (amqp) co_await amqp->stop();
    if (https) co_await https->stop();
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
