#include "assembly/edge_process.h"

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
#include "storage/sqlite/sqlite_stores.h"

namespace selvage::assembly {
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

}  // namespace

// The objects, in order of construction; stop() goes the other way.
struct EdgeProcess::Parts {
    Parts(Surroundings given, net::Dialer& given_dialer, HubEnvironment given_environment)
        : around(std::move(given)), dialer(given_dialer), environment(std::move(given_environment)) {
        credentials = environment.developer
                          ? edge::hub::credentials_for_developer(*environment.developer)
                          : edge::hub::credentials_from_daemon(dialer, around.client_time, environment.module);
    }

    Result<> listen(std::shared_ptr<net::TlsServerContext> tls);
    Result<std::unique_ptr<net::Listener>> listen_on(const char* what, const std::string& address, std::uint16_t port,
                                                     std::shared_ptr<net::TlsServerContext> tls, net::Serve serve,
                                                     net::SaidEnough said_enough = nullptr);
    net::Serve serve_mqtt_as(std::string protocol);
    net::Serve serve_amqp_as(std::string protocol);
    net::Serve serve_https();

    Surroundings around;
    net::Dialer& dialer;
    HubEnvironment environment;
    std::unique_ptr<edge::hub::HubCredentials> credentials;
    std::unique_ptr<storage::StateStore> state;
    std::unique_ptr<storage::MessageLog> log;
    std::unique_ptr<EdgeHub> hub;
    std::unique_ptr<edge::hub::ServerCertificateKeeper> certificate;
    std::unique_ptr<heads::http_edge::MethodApi> method_api;
    std::unique_ptr<net::Listener> mqtt;
    std::unique_ptr<net::Listener> amqp;
    std::unique_ptr<net::Listener> https;
};

Result<std::unique_ptr<net::Listener>> EdgeProcess::Parts::listen_on(const char* what, const std::string& address,
                                                                     std::uint16_t port,
                                                                     std::shared_ptr<net::TlsServerContext> tls,
                                                                     net::Serve serve, net::SaidEnough said_enough) {
    // Some connections more than clients: those that are being replaced or have not said who they are.
    const net::ListenSettings limits{.connections_max = environment.hub.clients_max * 2 + 64,
                                     .handshake_timeout = environment.connect_timeout,
                                     .said_enough = std::move(said_enough),
                                     .first_words_timeout = environment.connect_timeout};
    auto listener =
        net::listen_tcp(around.loop, around.client_time, address.empty() ? "::" : address, port, tls, limits, serve);
    // A machine without IPv6.
    if (!listener && address.empty())
        listener = net::listen_tcp(around.loop, around.client_time, "0.0.0.0", port, tls, limits, serve);
    if (listener) log::info("edge.start", "listening protocol={} port={}", what, (*listener)->port());
    return listener;
}

net::Serve EdgeProcess::Parts::serve_mqtt_as(std::string protocol) {
    const auto shared = std::make_shared<const heads::mqtt::MqttSettings>(
        heads::mqtt::MqttSettings{.protocol = std::move(protocol),
                                  .connect_timeout = environment.connect_timeout,
                                  .keep_alive_max = environment.keep_alive_max});
    return for_devices(around, [this, shared](std::shared_ptr<net::Stream> stream) {
        return heads::mqtt::serve_mqtt(std::move(stream), *hub, around.client_time, around.random, shared);
    });
}

net::Serve EdgeProcess::Parts::serve_amqp_as(std::string protocol) {
    return for_devices(around, [this, protocol](std::shared_ptr<net::Stream> stream) {
        return heads::amqp::serve_amqp(std::move(stream), *hub, around.client_time, around.random, {}, protocol);
    });
}

net::Serve EdgeProcess::Parts::serve_https() {
    const auto upgrade = heads::websocket::serve_websocket(
        around.client_time, {{"mqtt", serve_mqtt_as("mqtt-ws")}, {"AMQPWSB10", serve_amqp_as("amqp-ws")}});
    const auto answer = [this](net::HttpRequest request) { return method_api->handle(std::move(request)); };
    return [this, upgrade, answer](std::shared_ptr<net::Stream> stream) {
        return net::serve_http(std::move(stream), around.client_time, {.body_bytes_max = kRequestBytesMax}, answer, upgrade);
    };
}

Result<> EdgeProcess::Parts::listen(std::shared_ptr<net::TlsServerContext> tls) {
    if (environment.mqtt_enabled) {
        SELVAGE_TRY(mqtt, listen_on("mqtt", environment.mqtt_address, environment.mqtt_port, tls, serve_mqtt_as("mqtt"), heads::mqtt::is_opening));
    }
    if (environment.amqp_enabled) {
        SELVAGE_TRY(amqp, listen_on("amqp", environment.amqp_address, environment.amqp_port, tls, serve_amqp_as("amqp")));
    }
    if (environment.https_enabled) {
        method_api = std::make_unique<heads::http_edge::MethodApi>(
            *hub, around.client_time, heads::http_edge::MethodApiSettings{.edge_device = environment.hub.edge_device});
        SELVAGE_TRY(https, listen_on("https", environment.https_address, environment.https_port, tls, serve_https()));
    }
    return {};
}

EdgeProcess::EdgeProcess(Surroundings around, net::Dialer& dialer, HubEnvironment environment)
    : parts_(std::make_unique<Parts>(std::move(around), dialer, std::move(environment))) {}
EdgeProcess::~EdgeProcess() = default;

Result<> EdgeProcess::open_stores() {
    const auto& environment = parts_->environment;
    const auto& folder = environment.storage_folder;
    SELVAGE_CHECK(make_folders(folder, 0700));
    SELVAGE_TRY(parts_->state, storage::open_sqlite_state_store({.path = folder + "/state.db"}));
    SELVAGE_TRY(auto log, storage::MessageLog::open(parts_->around.loop, parts_->around.time,
                                                    {.folder = folder + "/messages",
                                                     .durability = environment.durability,
                                                     .disk_bytes_max = environment.storage_bytes_max}));
    parts_->log = parts_->around.around_log ? parts_->around.around_log(std::move(log)) : std::move(log);
    return {};
}

async::Awaitable<Result<>> EdgeProcess::start() {
    Parts& parts = *parts_;
    auto& environment = parts.environment;
    auto& around = parts.around;
    auto& credentials = *parts.credentials;
    SELVAGE_CO_TRY(auto trusted, co_await until_answered<std::string>(around.client_time, "trust bundle",
                                                                      [&credentials] { return credentials.trusted(); }));
    SELVAGE_CO_TRY(auto key, co_await until_answered<std::string>(around.client_time, "state key", [&parts] {
        return edge::hub::load_data_key(*parts.state, parts.around.random, parts.credentials->sealer());
    }));
    SELVAGE_CO_TRY(const auto upstream_tls, net::TlsClientContext::make(trusted, true));
    environment.hub.upstream_mqtt.tls = upstream_tls;
    environment.hub.upstream_https.tls = upstream_tls;
    parts.hub = std::make_unique<EdgeHub>(
        EdgeHub::Surroundings{around.loop, around.time, around.random, parts.dialer, credentials.tokens(), *parts.log,
                              *parts.state, std::move(key), &around.client_time},
        environment.hub);
    // Certificates are checked by others, by their own clocks.
    parts.certificate = std::make_unique<edge::hub::ServerCertificateKeeper>(
        around.loop, around.client_time, [&credentials](UtcTime expires) { return credentials.server_certificate(expires); });
    using Tls = std::shared_ptr<net::TlsServerContext>;
    SELVAGE_CO_TRY(auto tls, co_await until_answered<Tls>(around.client_time, "server certificate",
                                                          [&parts] { return parts.certificate->start(); }));
    SELVAGE_CO_CHECK(co_await parts.hub->start());
    SELVAGE_CO_CHECK(parts.listen(std::move(tls)));
    log::info("edge.start", "started device={} hub={} name={} version={}", environment.hub.edge_device,
              environment.hub.hub_host, environment.hub.edge_host, environment.hub.version.version);
    co_return Result<>{};
}

async::Awaitable<> EdgeProcess::stop() {
    Parts& parts = *parts_;
    if (parts.mqtt) co_await parts.mqtt->stop();
    if (parts.amqp) co_await parts.amqp->stop();
    if (parts.https) co_await parts.https->stop();
    if (parts.certificate) co_await parts.certificate->stop();
    if (parts.hub) co_await parts.hub->stop();
    if (parts.log) co_await parts.log->stop();
    if (parts.state) co_await parts.state->stop();
}

ListenAt EdgeProcess::listening_at() const {
    const auto port = [](const std::unique_ptr<net::Listener>& listener) {
        return listener ? listener->port() : std::uint16_t{0};
    };
    return {parts_->environment.mqtt_address, port(parts_->mqtt), port(parts_->amqp), port(parts_->https)};
}

}  // namespace selvage::assembly
