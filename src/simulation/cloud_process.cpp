#include "simulation/cloud_process.h"

#include "base/encoding.h"
#include "heads/mqtt/mqtt_head.h"
#include "storage/log/open_log.h"
#include "storage/sqlite/sqlite_stores.h"

namespace selvage::simulation {
namespace {

struct Stores {
    std::unique_ptr<storage::MessageLog> events;
    std::unique_ptr<storage::RegistryStore> registry;
    std::unique_ptr<storage::StateStore> state;
    std::unique_ptr<storage::MailboxStore> mailboxes;
};

Result<Stores> open_stores(const async::Executor& loop, Seat& seat) {
    Stores stores;
    storage::LogSettings log;
    log.folder = seat.disk->folder() + "/events";
    log.segment_bytes = 512 * 1024;
    log.pending_bytes_max = kPendingBytesMax;
    log.worker = seat.disk->worker();
    SELVAGE_TRY(stores.events, storage::open_log(loop, seat.time, log, seat.disk));
    storage::SqliteSettings database;
    database.worker = seat.disk->worker();
    database.path = seat.disk->folder() + "/registry.db";
    SELVAGE_TRY(stores.registry, storage::open_sqlite_registry_store(database));
    database.path = seat.disk->folder() + "/state.db";
    SELVAGE_TRY(stores.state, storage::open_sqlite_state_store(database));
    database.path = seat.disk->folder() + "/mailboxes.db";
    SELVAGE_TRY(stores.mailboxes, storage::open_sqlite_mailbox_store(database));
    return stores;
}

}  // namespace

struct CloudProcess::Parts {
    Parts(const async::Executor& loop, Seat& seat, Stores opened)
        : stores(std::move(opened)),
          sessions(loop, 10'000),
          stored_sessions(*stores.state),
          authorities(seat.time, seat.random, *stores.state),
          authenticator(*stores.registry, authorities, seat.time, kCloudHost, {}),
          registry(seat.time, seat.random, *stores.registry, *stores.mailboxes, sessions, stored_sessions, {}),
          twins(seat.time, *stores.registry, *stores.mailboxes, sessions, registry, {}),
          methods(loop, seat.time, *stores.registry, sessions),
          mailboxes(loop, seat.time, seat.random, *stores.mailboxes, *stores.registry,
                    {.time_to_live = std::chrono::hours(24 * 400), .deliveries_max = 1'000'000}),
          feedback(seat.time, seat.random, *stores.mailboxes, {.time_to_live = std::chrono::hours(24 * 400)}),
          events(*stores.events, seat.time, kPartitions, {.age = std::chrono::hours(24 * 400), .bytes = 1ull << 32}),
          hub(loop, kCloudHost,
              {.time = seat.time,
               .store = *stores.registry,
               .sessions = sessions,
               .stored_sessions = stored_sessions,
               .authenticator = authenticator,
               .twins = twins,
               .methods = methods,
               .mailboxes = mailboxes,
               .events = events}),
          service({.time = seat.time,
                   .random = seat.random,
                   .authenticator = authenticator,
                   .authorities = authorities,
                   .registry = registry,
                   .twins = twins,
                   .methods = methods,
                   .mailboxes = mailboxes,
                   .feedback = feedback,
                   .events = events,
                   .sessions = sessions}) {}

    Stores stores;
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
    cloud::service_http::Service service;
};

CloudProcess::CloudProcess(async::Executor loop, std::unique_ptr<Seat> seat)
    : loop_(std::move(loop)), seat_(std::move(seat)), back_ends_(loop_) {}
CloudProcess::~CloudProcess() = default;

Result<> CloudProcess::start() {
    SELVAGE_TRY(auto stores, open_stores(loop_, *seat_));
    parts_ = std::make_unique<Parts>(loop_, *seat_, std::move(stores));
    back_ends_.spawn("simulated hub", begin());
    return {};
}

async::Awaitable<> CloudProcess::begin() {
    parts_->mailboxes.start();
    if (!co_await parts_->authorities.load()) co_return;
    seat_->endpoint.listen(kMqttPort, [this](std::shared_ptr<net::Stream> stream) {
        return heads::mqtt::serve_mqtt(std::move(stream), parts_->hub, seat_->time, seat_->random,
                                       std::make_shared<const heads::mqtt::MqttSettings>());
    });
    seat_->endpoint.listen(kHttpsPort, [this](std::shared_ptr<net::Stream> stream) {
        return net::serve_http(std::move(stream), seat_->time, {},
                               [this](net::HttpRequest request) { return parts_->service.handle(std::move(request)); });
    });
}

async::Awaitable<> CloudProcess::stop() {
    co_await back_ends_.stop();
    co_await seat_->endpoint.stop();
    co_await parts_->hub.stop();
    co_await parts_->mailboxes.stop();
    co_await parts_->stores.events->stop();
    co_await parts_->stores.registry->stop();
    co_await parts_->stores.state->stop();
    co_await parts_->stores.mailboxes->stop();
}

cloud::registry::Registry& CloudProcess::registry() { return parts_->registry; }
cloud::twins::Twins& CloudProcess::twins() { return parts_->twins; }
cloud::methods::DirectMethods& CloudProcess::methods() { return parts_->methods; }
cloud::c2d::Mailboxes& CloudProcess::mailboxes() { return parts_->mailboxes; }
cloud::c2d::FeedbackQueue& CloudProcess::feedback() { return parts_->feedback; }
std::uint64_t CloudProcess::pending_bytes() const { return parts_->stores.events->state().pending_bytes; }
std::size_t CloudProcess::sessions() const { return parts_->sessions.size(); }
cloud::telemetry::EventLog& CloudProcess::events() { return parts_->events; }

}  // namespace selvage::simulation
