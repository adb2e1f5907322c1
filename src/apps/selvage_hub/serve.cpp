#include "apps/selvage_hub/serve.h"

#include <fmt/core.h>

#include <unistd.h>

#include <boost/asio/io_context.hpp>
#include <cstdio>

#include "async/signals.h"
#include "async/task_group.h"
#include "async/time_source.h"
#include "base/log.h"
#include "cloud/c2d/feedback_queue.h"
#include "cloud/hub/cloud_hub.h"
#include "cloud/service_http/service.h"
#include "heads/amqp/amqp_head.h"
#include "heads/http/http_head.h"
#include "heads/mqtt/mqtt_head.h"
#include "heads/websocket/websocket_head.h"
#include "net/listener.h"
#include "storage/log/message_log.h"
#include "storage/sqlite/sqlite_stores.h"

namespace selvage::apps {

namespace {

using async::Awaitable;
using cloud::data_folder::HubSettings;

storage::LogSettings log_settings(const ServeOptions& options, const HubSettings& settings) {
    storage::LogSettings log;
    log.folder = options.folder.events();
    log.durability = settings.durable_against_power_loss ? storage::Durability::power : storage::Durability::process;
    return log;
}

// The stores of one data folder. Opened in an order that makes a second process stop at the first: the log is locked.
struct Stores {
    std::unique_ptr<storage::MessageLog> events;
    std::unique_ptr<storage::RegistryStore> registry;
    std::unique_ptr<storage::StateStore> state;
    std::unique_ptr<storage::MailboxStore> mailboxes;

    static Result<Stores> open(async::Executor loop, const Clock& clock, const ServeOptions& options,
                               const HubSettings& settings) {
        Stores stores;
        auto events = storage::MessageLog::open(std::move(loop), clock, log_settings(options, settings));
        if (!events && events.error().code == Errc::already_exists) {
            return fail(
                Errc::already_exists,
                options.folder.root + " is in use by another selvage-hub; stop that one or serve another folder");
        }
        if (!events) return fail(events.error());
        stores.events = *std::move(events);
        SELVAGE_TRY(stores.registry, storage::open_sqlite_registry_store({.path = options.folder.registry_database()}));
        SELVAGE_TRY(stores.state, storage::open_sqlite_state_store({.path = options.folder.state_database()}));
        SELVAGE_TRY(stores.mailboxes,
                    storage::open_sqlite_mailbox_store({.path = options.folder.mailbox_database()}));
        return stores;
    }

    Awaitable<> stop() {
        co_await events->stop();
        if (registry) co_await registry->stop();
        if (state) co_await state->stop();
        if (mailboxes) co_await mailboxes->stop();
    }
};

// The object graph of a running hub.
class HubProcess {
public:
    HubProcess(async::Executor loop, ServeOptions options, HubSettings settings, Stores stores,
               std::vector<cloud::data_folder::Policy> policies)
        : loop_(loop),
          options_(std::move(options)),
          settings_(std::move(settings)),
          stores_(std::move(stores)),
          sessions_(loop, settings_.connections_max),
          stored_sessions_(*stores_.state),
          authorities_(time_, random_, *stores_.state),
          authenticator_(*stores_.registry, authorities_, time_, settings_.host_name, std::move(policies)),
          registry_(time_, random_, *stores_.registry, *stores_.mailboxes, sessions_, stored_sessions_,
                    {.modules_per_device_max = settings_.modules_per_device_max}),
          twins_(time_, *stores_.registry, *stores_.mailboxes, sessions_, registry_, {}),
          methods_(loop, time_, *stores_.registry, sessions_),
          mailboxes_(loop, time_, random_, *stores_.mailboxes, *stores_.registry,
                     {.depth_max = settings_.c2d_depth_max,
                      .time_to_live = settings_.c2d_time_to_live,
                      .deliveries_max = settings_.c2d_deliveries_max}),
          feedback_(time_, random_, *stores_.mailboxes, {.time_to_live = settings_.feedback_time_to_live}),
          events_(*stores_.events, time_, settings_.partitions,
                  {.age = settings_.retention_age, .bytes = settings_.retention_bytes}),
          hub_(loop, settings_.host_name,
               {.time = time_,
                .store = *stores_.registry,
                .sessions = sessions_,
                .stored_sessions = stored_sessions_,
                .authenticator = authenticator_,
                .twins = twins_,
                .methods = methods_,
                .mailboxes = mailboxes_,
                .events = events_}),
          service_({.time = time_,
                    .random = random_,
                    .authenticator = authenticator_,
                    .authorities = authorities_,
                    .registry = registry_,
                    .twins = twins_,
                    .methods = methods_,
                    .mailboxes = mailboxes_,
                    .feedback = feedback_,
                    .events = events_,
                    .sessions = sessions_}) {}

    Awaitable<> run(Result<>& outcome) {
        mailboxes_.start();
        outcome = co_await authorities_.load();
        if (outcome) outcome = listen();
        if (outcome) outcome = announce();
        if (outcome) {
            co_await async::wait_for_stop_signal();
            log::info("hub", "stopping");
        }
        ::unlink(options_.folder.listening().c_str());
        if (mqtt_) co_await mqtt_->stop();
        if (amqp_) co_await amqp_->stop();
        if (https_) co_await https_->stop();
        device_api_.reset();
        co_await hub_.stop();
        co_await mailboxes_.stop();
        co_await stores_.stop();
    }

private:
    Awaitable<net::HttpResponse> answer(net::HttpRequest request) {
        if (heads::http::HttpHead::takes(request.target)) return device_api_->handle(std::move(request));
        return service_.handle(std::move(request));
    }

    Result<> listen() {
        SELVAGE_TRY(auto certificate,
                    cloud::data_folder::server_certificate(options_.folder, settings_.host_name, time_, random_));
        if (certificate.renewed) log::info("hub.tls", "server certificate renewed");
        SELVAGE_TRY(const auto tls, net::TlsServerContext::make(certificate.chain_pem, certificate.key_pem, true));
        net::ListenSettings limits;
        limits.connections_max = settings_.connections_max;
        const auto mqtt = [this](std::shared_ptr<net::Stream> stream) {
            return heads::mqtt::serve_mqtt(std::move(stream), hub_, time_, random_, {}, "mqtt");
        };
        const auto mqtt_over_websocket = [this](std::shared_ptr<net::Stream> stream) {
            return heads::mqtt::serve_mqtt(std::move(stream), hub_, time_, random_, {}, "mqtt-ws");
        };
        device_api_ = std::make_unique<heads::http::HttpHead>(loop_, hub_, time_, random_);
        const auto amqp = [this](std::shared_ptr<net::Stream> stream) {
            return heads::amqp::serve_amqp(std::move(stream), hub_, time_, random_, {}, "amqp");
        };
        const auto amqp_over_websocket = [this](std::shared_ptr<net::Stream> stream) {
            return heads::amqp::serve_amqp(std::move(stream), hub_, time_, random_, {}, "amqp-ws");
        };
        const auto upgrade = heads::websocket::serve_websocket(
            time_, {{"mqtt", mqtt_over_websocket}, {"AMQPWSB10", amqp_over_websocket}});
        const auto https = [this, upgrade](std::shared_ptr<net::Stream> stream) {
            net::HttpServerSettings server;
            server.body_bytes_max = settings_.request_bytes_max;
            return net::serve_http(
                std::move(stream), time_, server,
                [this](net::HttpRequest request) { return answer(std::move(request)); }, upgrade);
        };
        SELVAGE_TRY(mqtt_, listen_on(options_.mqtt_port.value_or(settings_.mqtt_port), tls, limits, mqtt, "mqtt_port"));
        SELVAGE_TRY(amqp_, listen_on(options_.amqp_port.value_or(settings_.amqp_port), tls, limits, amqp, "amqp_port"));
        SELVAGE_TRY(https_,
                    listen_on(options_.https_port.value_or(settings_.https_port), tls, limits, https, "https_port"));
        return {};
    }

    Result<std::unique_ptr<net::Listener>> listen_on(std::uint16_t port, std::shared_ptr<net::TlsServerContext> tls,
                                                     net::ListenSettings limits, net::Serve serve_one,
                                                     const char* setting) {
        auto listener = net::listen_tcp(loop_, time_, address(), port, std::move(tls), limits, std::move(serve_one));
        if (!listener) {
            return fail(
                listener.error().code,
                listener.error().detail + "; stop what uses the port, or change [listen] " + setting + " in hub.toml");
        }
        return listener;
    }

    const std::string& address() const {
        return options_.listen_address ? *options_.listen_address : settings_.listen_address;
    }

    Result<> announce() const {
        SELVAGE_CHECK(cloud::data_folder::write_listening(
            options_.folder, {.address = address(), .mqtt_port = mqtt_->port(), .https_port = https_->port()}));
        std::printf("selvage-hub ready: host=%s mqtt=%s:%u amqp=%s:%u https=%s:%u data=%s\n",
                    settings_.host_name.c_str(), address().c_str(), mqtt_->port(), address().c_str(), amqp_->port(),
                    address().c_str(), https_->port(), options_.folder.root.c_str());
        std::fflush(stdout);
        return {};
    }

    async::Executor loop_;
    ServeOptions options_;
    HubSettings settings_;
    Stores stores_;
    async::SystemTime time_;
    SystemRandom random_;
    cloud::sessions::SessionTable sessions_;
    cloud::sessions::StoredSessions stored_sessions_;
    cloud::authorities::Authorities authorities_;
    cloud::auth::Authenticator authenticator_;
    cloud::registry::Registry registry_;
    cloud::twins::Twins twins_;
    cloud::methods::DirectMethods methods_;
    cloud::c2d::Mailboxes mailboxes_;
    cloud::c2d::FeedbackQueue feedback_;
    cloud::telemetry::EventLog events_;
    cloud::hub::CloudHub hub_;
    cloud::service_http::Service service_;
    std::unique_ptr<heads::http::HttpHead> device_api_;
    std::unique_ptr<net::Listener> mqtt_;
    std::unique_ptr<net::Listener> amqp_;
    std::unique_ptr<net::Listener> https_;
};

}  // namespace

Result<> serve(const ServeOptions& options) {
    SELVAGE_TRY(auto settings, cloud::data_folder::read_settings(options.folder));
    SELVAGE_TRY(auto policies, cloud::data_folder::read_policies(options.folder));
    boost::asio::io_context loop(1);
    const SystemClock clock;
    SELVAGE_TRY(auto stores, Stores::open(loop.get_executor(), clock, options, settings));
    HubProcess hub(loop.get_executor(), options, std::move(settings), std::move(stores), std::move(policies));
    Result<> outcome;
    async::spawn_root(loop.get_executor(), hub.run(outcome), [&loop] { loop.stop(); });
    loop.run();
    return outcome;
}

}  // namespace selvage::apps
