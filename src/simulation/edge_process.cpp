#include "simulation/edge_process.h"

#include "base/log.h"
#include "edge/hub/edge_hub.h"
#include "edge/hub/environment/hub_credentials.h"
#include "edge/hub/state/data_key.h"
#include "heads/mqtt/mqtt_head.h"
#include "simulation/cloud_process.h"
#include "simulation/limited_store.h"
#include "storage/log/open_log.h"
#include "storage/sqlite/sqlite_stores.h"

namespace selvage::simulation {

struct EdgeProcess::Parts {
    explicit Parts(const async::Executor& loop) : tasks(loop) {}
    std::unique_ptr<edge::hub::HubCredentials> credentials;
    std::unique_ptr<storage::StateStore> state;
    std::unique_ptr<storage::MessageLog> log;
    std::unique_ptr<edge::hub::EdgeHub> hub;
    async::TaskGroup tasks;
};

EdgeProcess::EdgeProcess(async::Executor loop, std::unique_ptr<Seat> seat, std::string edge_device, std::string key,
                         std::uint64_t store_bytes_max)
    : loop_(std::move(loop)),
      seat_(std::move(seat)),
      edge_device_(std::move(edge_device)),
      key_(std::move(key)),
      store_bytes_max_(store_bytes_max) {}
EdgeProcess::~EdgeProcess() = default;

Result<> EdgeProcess::start() {
    auto parts = std::make_unique<Parts>(loop_);
    edge::hub::DeveloperMode developer;
    developer.key = key_;
    parts->credentials = edge::hub::credentials_for_developer(std::move(developer));
    storage::SqliteSettings database;
    database.worker = seat_->disk->worker();
    database.path = seat_->disk->folder() + "/state.db";
    SELVAGE_TRY(auto state, storage::open_sqlite_state_store(database));
    parts->state = limited_by(seat_->disk, std::move(state));
    storage::LogSettings log;
    log.folder = seat_->disk->folder() + "/messages";
    log.segment_bytes = 256 * 1024;
    log.pending_bytes_max = kPendingBytesMax;
    log.disk_bytes_max = store_bytes_max_;
    log.worker = seat_->disk->worker();
    SELVAGE_TRY(parts->log, storage::open_log(loop_, seat_->time, log, seat_->disk));
    parts_ = std::move(parts);
    parts_->tasks.spawn("simulated edge hub", run());
    return {};
}

async::Awaitable<> EdgeProcess::run() {
    const auto begun = co_await begin();
    if (!begun && begun.error().code != Errc::cancelled)
        log::warn("simulation.edge", "not started reason={}", begun.error().detail);
}

async::Awaitable<Result<>> EdgeProcess::begin() {
    SELVAGE_CO_TRY(auto data_key,
                   co_await edge::hub::load_data_key(*parts_->state, seat_->random, parts_->credentials->sealer()));
    edge::hub::HubSettings settings;
    settings.edge_device = edge_device_;
    settings.hub_host = kCloudHost;
    settings.edge_host = seat_->host;
    settings.upstream_mqtt.host = settings.upstream_https.host = kCloudHost;
    settings.upstream_mqtt.port = kMqttPort;
    settings.upstream_https.port = kHttpsPort;
    settings.version.version = "simulated";
    parts_->hub = std::make_unique<edge::hub::EdgeHub>(
        edge::hub::EdgeHub::Surroundings{loop_, seat_->time, seat_->random, seat_->endpoint, parts_->credentials->tokens(),
                                         *parts_->log, *parts_->state, std::move(data_key)},
        settings);
    SELVAGE_CO_CHECK(co_await parts_->hub->start());
    seat_->endpoint.listen(kMqttPort, [this](std::shared_ptr<net::Stream> stream) {
        return heads::mqtt::serve_mqtt(std::move(stream), *parts_->hub, seat_->time, seat_->random,
                                       std::make_shared<const heads::mqtt::MqttSettings>());
    });
    co_return Result<>{};
}

async::Awaitable<> EdgeProcess::stop() {
    co_await parts_->tasks.stop();
    co_await seat_->endpoint.stop();
    if (parts_->hub) co_await parts_->hub->stop();
    co_await parts_->log->stop();
    co_await parts_->state->stop();
}

const edge::hub::HubCounters* EdgeProcess::counters() const {
    return parts_ && parts_->hub ? &parts_->hub->counters() : nullptr;
}

storage::LogState EdgeProcess::store() const { return parts_ ? parts_->log->state() : storage::LogState{}; }

}  // namespace selvage::simulation
