#include "edge/hub/own/own_twin.h"

#include "async/deadline.h"
#include "base/log.h"
#include "edge/hub/own/reported_clients.h"

namespace selvage::edge::hub {
namespace {

constexpr const char* kBucket = "configuration";
constexpr const char* kLastGood = "last_good";
// A twin's strings hold 4096 bytes; what is wrong is said at the beginning.
constexpr std::size_t kDescriptionBytesMax = 2000;

}  // namespace

OwnTwin::OwnTwin(async::Executor loop, async::TimeSource& time, SealedStore& store, TwinCache& twins, Apply apply,
                 Settings settings)
    : time_(time),
      store_(store),
      twins_(twins),
      apply_(std::move(apply)),
      settings_(std::move(settings)),
      own_(domain::Identity::of_module(settings_.edge_device, domain::kEdgeHubModule)),
      wanted_(loop),
      configured_(loop),
      tasks_(loop) {}

OwnTwin::~OwnTwin() = default;

async::Awaitable<Result<>> OwnTwin::start() {
    SELVAGE_CO_TRY(const auto stored, co_await store_.get(kBucket, kLastGood));
    if (stored) {
        const auto desired = parse_json_object(*stored);
        auto configuration = desired ? parse_configuration(*desired) : Result<HubConfiguration>(fail(desired.error()));
        if (configuration) {
            log::info("edge.config", "stored configuration applied routes={}", configuration->routes.routes().size());
            apply_(*std::move(configuration));
            configured_.set();
        } else {
            log::warn("edge.config", "stored configuration ignored reason={}", configuration.error().detail);
        }
    }
    // Whoever was connected before the last stop is not now.
    JsonObject cleared;
    cleared["clients"] = nullptr;
    co_await report(std::move(cleared));
    tasks_.spawn("own twin", look_loop());
    co_return Result<>{};
}

async::Awaitable<> OwnTwin::stop() {
    co_await tasks_.stop();
    configured_.set();
}

async::Awaitable<> OwnTwin::configured() { co_await configured_.wait(); }

void OwnTwin::look_again() { wanted_.set(); }

async::Awaitable<> OwnTwin::look_loop() {
    while (!tasks_.stopping()) {
        wanted_.reset();
        const auto looked = co_await look();
        if (!looked) log::debug("edge.config", "own twin not read reason={}", looked.error().detail);
        static_cast<void>(co_await async::run_for(time_, settings_.refresh_every, wanted_.wait()));
    }
}

async::Awaitable<Result<>> OwnTwin::look() {
    // From the hub above if it can be asked; what is kept otherwise (a change that came by itself is kept already).
    SELVAGE_CO_CHECK(co_await twins_.get(own_));
    SELVAGE_CO_TRY(auto twin, co_await twins_.cached(own_));
    if (version_taken_ == twin.desired_version) co_return Result<>{};
    co_await take(std::move(twin.desired), twin.desired_version);
    co_return Result<>{};
}

async::Awaitable<> OwnTwin::take(JsonObject desired, std::int64_t version) {
    version_taken_ = version;
    auto configuration = parse_configuration(desired);
    JsonObject status;
    if (configuration) {
        for (const auto& warning : configuration->warnings) log::warn("edge.config", "{}", warning);
        log::info("edge.config", "configuration applied version={} routes={}", version, configuration->routes.routes().size());
        const auto stored = co_await store_.put(kBucket, kLastGood, to_text(desired));
        if (!stored) log::warn("edge.config", "configuration not stored reason={}", stored.error().detail);
        apply_(*std::move(configuration));
        configured_.set();
        status = {{"code", 200}, {"description", ""}};
    } else {
        auto description = "Error while parsing desired properties - " + configuration.error().detail;
        log::warn("edge.config", "configuration refused version={} reason={}", version, configuration.error().detail);
        if (description.size() > kDescriptionBytesMax) {
            auto end = kDescriptionBytesMax;
            while (end > 0 && (static_cast<unsigned char>(description[end]) & 0xC0) == 0x80) --end;    // whole characters
            description.resize(end);
        }
        status = {{"code", 400}, {"description", description}};
    }
    JsonObject patch;
    patch["lastDesiredVersion"] = version;
    patch["lastDesiredStatus"] = std::move(status);
    patch["clients"] = JsonObject();
    co_await report(std::move(patch));
}

async::Awaitable<> OwnTwin::report(JsonObject patch) {
    const auto& version = settings_.version;
    patch["schemaVersion"] = "1.0";
    patch["version"] =
        JsonObject{{"version", version.version}, {"build", version.build}, {"commit", version.commit}};
    const auto reported = co_await twins_.patch_reported(own_, to_text(patch), std::nullopt);
    if (!reported && reported.error().code != Errc::cancelled)
        log::warn("edge.config", "own state not reported reason={}", reported.error().detail);
}

void OwnTwin::report_soon(JsonObject patch) { tasks_.spawn("own report", report(std::move(patch))); }

void OwnTwin::client_connected(const domain::Identity& identity) {
    if (identity != own_) report_soon(connected_patch(identity, time_.utc_now()));
}

void OwnTwin::client_disconnected(const domain::Identity& identity) {
    if (identity != own_) report_soon(disconnected_patch(identity, time_.utc_now()));
}

}  // namespace selvage::edge::hub
