#include "assembly/cloud_process.h"

#include "assembly/uploaded_files.h"
#include "base/log.h"
#include "cloud/c2d/feedback_queue.h"
#include "cloud/hub/cloud_hub.h"
#include "cloud/service_http/service.h"
#include "heads/amqp/amqp_head.h"
#include "heads/http/http_head.h"
#include "heads/mqtt/mqtt_head.h"
#include "heads/websocket/websocket_head.h"
#include "storage/sqlite/sqlite_stores.h"

namespace selvage::assembly {

using async::Awaitable;
using cloud::data_folder::HubSettings;

Result<CloudStores> CloudStores::open(const Surroundings& around, const cloud::data_folder::DataFolder& folder,
                                      const HubSettings& settings) {
    storage::LogSettings log;
    log.folder = folder.events();
    log.durability = settings.durable_against_power_loss ? storage::Durability::power : storage::Durability::process;
    CloudStores stores;
    auto events = storage::MessageLog::open(around.loop, around.time, log);
    if (!events && events.error().code == Errc::already_exists) {
        return fail(Errc::already_exists,
                    folder.root + " is in use by another selvage-hub; stop that one or serve another folder");
    }
    if (!events) return fail(events.error());
    stores.events = around.around_log ? around.around_log(*std::move(events)) : *std::move(events);
    SELVAGE_TRY(stores.registry, storage::open_sqlite_registry_store({.path = folder.registry_database()}));
    SELVAGE_TRY(stores.state, storage::open_sqlite_state_store({.path = folder.state_database()}));
    SELVAGE_TRY(stores.mailboxes, storage::open_sqlite_mailbox_store({.path = folder.mailbox_database()}));
    if (settings.files_enabled) {
        SELVAGE_TRY(stores.files_key, cloud::data_folder::files_key(folder, around.random));
        SELVAGE_TRY(stores.files, open_blobs(around, folder, settings));
    }
    return stores;
}

Awaitable<> CloudStores::stop() {
    co_await events->stop();
    if (registry) co_await registry->stop();
    if (state) co_await state->stop();
    if (mailboxes) co_await mailboxes->stop();
}

struct CloudProcess::Parts {
    Parts(Surroundings given, HubSettings hub_settings, CloudStores opened, std::vector<cloud::data_folder::Policy> policies)
        : around(std::move(given)),
          settings(std::move(hub_settings)),
          stores(std::move(opened)),
          sessions(around.loop, settings.connections_max),
          stored_sessions(*stores.state),
          authorities(around.client_time, around.random, *stores.state),
          authenticator(*stores.registry, authorities, around.client_time, settings.host_name, std::move(policies)),
          registry(around.time, around.random, *stores.registry, *stores.mailboxes, sessions, stored_sessions,
                   {.modules_per_device_max = settings.modules_per_device_max}),
          twins(around.time, *stores.registry, *stores.mailboxes, sessions, registry, {}),
          methods(around.loop, around.client_time, *stores.registry, sessions),
          mailboxes(around.loop, around.time, around.random, *stores.mailboxes, *stores.registry,
                    {.depth_max = settings.c2d_depth_max,
                     .time_to_live = settings.c2d_time_to_live,
                     .deliveries_max = settings.c2d_deliveries_max}),
          feedback(around.time, around.random, *stores.mailboxes, {.time_to_live = settings.feedback_time_to_live}),
          events(*stores.events, around.time, settings.partitions,
                 {.age = settings.retention_age, .bytes = settings.retention_bytes}),
          hub(around.loop, settings.host_name,
              {.time = around.time,
               .store = *stores.registry,
               .sessions = sessions,
               .stored_sessions = stored_sessions,
               .authenticator = authenticator,
               .twins = twins,
               .methods = methods,
               .mailboxes = mailboxes,
               .events = events}),
          files(stores.files ? std::make_unique<UploadedFiles>(
                                   around, settings,
                                   cloud::files::Uploads::Stores{*stores.state, *stores.registry, *stores.files}, stores.files_key)
                             : nullptr),
          service({.time = around.client_time,
                   .random = around.random,
                   .authenticator = authenticator,
                   .authorities = authorities,
                   .registry = registry,
                   .twins = twins,
                   .methods = methods,
                   .mailboxes = mailboxes,
                   .feedback = feedback,
                   .events = events,
                   .sessions = sessions,
                   .files = files ? &files->container : nullptr,
                   .file_notifications = files ? &files->notifications : nullptr}) {}

    Result<> listen(const std::shared_ptr<net::TlsServerContext>& tls, const ListenAt& where);
    Result<std::unique_ptr<net::Listener>> listen_on(const ListenAt& where, std::uint16_t port, const char* protocol,
                                                     const std::shared_ptr<net::TlsServerContext>& tls, net::Serve serve,
                                                     net::SaidEnough said_enough = nullptr);
    net::Serve serve_mqtt_as(std::string protocol);
    net::Serve serve_amqp_as(std::string protocol);
    net::Serve serve_https();
    Awaitable<net::HttpResponse> answer(net::HttpRequest request) {
        if (files && files->head.takes(request.target)) return files->head.handle(std::move(request));
        if (heads::http::HttpHead::takes(request.target)) return device_api->handle(std::move(request));
        return service.handle(std::move(request));
    }

    Surroundings around;
    HubSettings settings;
    CloudStores stores;
    cloud::sessions::SessionTable sessions;
    cloud::sessions::StoredSessions stored_sessions;
    cloud::authorities::Authorities authorities;
    cloud::auth::Authenticator authenticator;
    cloud::registry::Registry registry;
    cloud::twins::Twins twins;
    cloud::methods::DirectMethods methods;
    cloud::c2d::Mailboxes mailboxes;
    cloud::c2d::FeedbackQueue feedback;
    cloud::telemetry::EventLog events;
    cloud::hub::CloudHub hub;
    std::unique_ptr<UploadedFiles> files;  // null: this hub takes none
    cloud::service_http::Service service;
    std::unique_ptr<heads::http::HttpHead> device_api;
    std::string address;
    std::unique_ptr<net::Listener> mqtt;
    std::unique_ptr<net::Listener> amqp;
    std::unique_ptr<net::Listener> https;
};

net::Serve CloudProcess::Parts::serve_mqtt_as(std::string protocol) {
    const auto shared = std::make_shared<const heads::mqtt::MqttSettings>(
        heads::mqtt::MqttSettings{.protocol = std::move(protocol), .connect_timeout = settings.connect_timeout});
    return for_devices(around, [this, shared](std::shared_ptr<net::Stream> stream) {
        return heads::mqtt::serve_mqtt(std::move(stream), hub, around.client_time, around.random, shared);
    });
}

net::Serve CloudProcess::Parts::serve_amqp_as(std::string protocol) {
    return for_devices(around, [this, protocol](std::shared_ptr<net::Stream> stream) {
        return heads::amqp::serve_amqp(std::move(stream), hub, around.client_time, around.random,
                                       {.authenticate_timeout = settings.connect_timeout}, protocol);
    });
}

net::Serve CloudProcess::Parts::serve_https() {
    const auto upgrade = heads::websocket::serve_websocket(
        around.client_time, {{"mqtt", serve_mqtt_as("mqtt-ws")}, {"AMQPWSB10", serve_amqp_as("amqp-ws")}});
    return [this, upgrade](std::shared_ptr<net::Stream> stream) {
        net::HttpServerSettings server;
        server.body_bytes_max = settings.request_bytes_max;
        if (files) {
            server.streamed_bytes_max = [this](const net::HttpRequest& head) { return files->head.streamed_bytes_max(head); };
        }
        server.idle_timeout = settings.connect_timeout;
        return net::serve_http(
            std::move(stream), around.client_time, server,
            [this](net::HttpRequest request) { return answer(std::move(request)); }, upgrade);
    };
}

Result<> CloudProcess::Parts::listen(const std::shared_ptr<net::TlsServerContext>& tls, const ListenAt& where) {
    address = where.address;
    device_api = std::make_unique<heads::http::HttpHead>(around.loop, hub, around.time, around.random,
                                                       heads::http::HttpHeadSettings{}, files ? &files->uploads : nullptr);
    SELVAGE_TRY(mqtt, listen_on(where, where.mqtt_port, "mqtt", tls, serve_mqtt_as("mqtt"), heads::mqtt::is_opening));
    SELVAGE_TRY(amqp, listen_on(where, where.amqp_port, "amqp", tls, serve_amqp_as("amqp")));
    SELVAGE_TRY(https, listen_on(where, where.https_port, "https", tls, serve_https()));
    return {};
}

Result<std::unique_ptr<net::Listener>> CloudProcess::Parts::listen_on(const ListenAt& where, std::uint16_t port,
                                                                      const char* protocol,
                                                                      const std::shared_ptr<net::TlsServerContext>& tls,
                                                                      net::Serve serve, net::SaidEnough said_enough) {
    const net::ListenSettings limits{.connections_max = settings.connections_max,
                                     .handshake_timeout = settings.connect_timeout,
                                     .said_enough = std::move(said_enough),
                                     .first_words_timeout = settings.connect_timeout};
    auto listener = net::listen_tcp(around.loop, around.client_time, where.address, port, tls, limits, std::move(serve));
    if (!listener && where.advice)
        return fail(listener.error().code, listener.error().detail + "; " + where.advice(protocol));
    return listener;
}

CloudProcess::CloudProcess(Surroundings around, HubSettings settings, CloudStores stores,
                           std::vector<cloud::data_folder::Policy> policies)
    : parts_(std::make_unique<Parts>(std::move(around), std::move(settings), std::move(stores), std::move(policies))) {}
CloudProcess::~CloudProcess() = default;

Awaitable<Result<>> CloudProcess::start(cloud::data_folder::ServerCertificate certificate, ListenAt where) {
    parts_->mailboxes.start();
    SELVAGE_CO_CHECK(co_await parts_->authorities.load());
    SELVAGE_CO_CHECK(co_await parts_->stored_sessions.start());
    if (parts_->files) SELVAGE_CO_CHECK(co_await parts_->files->start());
    if (certificate.renewed) log::info("hub.tls", "server certificate renewed");
    SELVAGE_CO_TRY(const auto tls, net::TlsServerContext::make(certificate.chain_pem, certificate.key_pem, true));
    co_return parts_->listen(tls, where);
}

Awaitable<> CloudProcess::stop() {
    if (parts_->mqtt) co_await parts_->mqtt->stop();
    if (parts_->amqp) co_await parts_->amqp->stop();
    if (parts_->https) co_await parts_->https->stop();
    parts_->device_api.reset();
    if (parts_->files) co_await parts_->files->stop();
    co_await parts_->hub.stop();
    co_await parts_->mailboxes.stop();
    co_await parts_->stores.stop();
}

ListenAt CloudProcess::listening_at() const {
    return {parts_->address, parts_->mqtt->port(), parts_->amqp->port(), parts_->https->port()};
}

cloud::registry::Registry& CloudProcess::registry() { return parts_->registry; }
cloud::twins::Twins& CloudProcess::twins() { return parts_->twins; }
cloud::telemetry::EventLog& CloudProcess::events() { return parts_->events; }

}  // namespace selvage::assembly
