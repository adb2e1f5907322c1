// The edge hub's own twin.
//
// Desired properties become the configuration: the last good one is stored, so that the hub starts offline with it. A bad one
// changes nothing and is reported with the reason. Reported properties: the hub's version, the verdict on the last desired
// properties, and who is connected.
//
// Runs on: the hub's loop. Reported changes are merged by the twin cache, so their number is bounded by that.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "async/event.h"
#include "async/task_group.h"
#include "async/time_source.h"
#include "edge/hub/configuration/hub_configuration.h"
#include "edge/hub/state/sealed_store.h"
#include "edge/hub/twins/twin_cache.h"

namespace selvage::edge::hub {

// What `version` says in the reported properties.
struct VersionInfo {
    std::string version;
    std::string build;
    std::string commit;
};

class OwnTwin {
public:
    using Apply = std::function<void(HubConfiguration)>;
    struct Settings {
        std::string edge_device;
        VersionInfo version;
        std::chrono::seconds refresh_every{3600};
    };
    OwnTwin(async::Executor loop, async::TimeSource& time, SealedStore& store, TwinCache& twins, Apply apply, Settings settings);
    ~OwnTwin();

    // Applies the stored configuration, if there is one, and begins. Errors: io_error.
    async::Awaitable<Result<>> start();
    async::Awaitable<> stop();

    // Returns once a configuration has been applied (or when stopped: look with is_configured).
    async::Awaitable<> configured();
    bool is_configured() const { return configured_.is_set() && !tasks_.stopping(); }

    // The hub's own link is there (again), or the desired properties have changed.
    void look_again();

    void client_connected(const domain::Identity& identity);
    void client_disconnected(const domain::Identity& identity);

private:
    async::Awaitable<> look_loop();
    async::Awaitable<Result<>> look();
    async::Awaitable<> take(JsonObject desired, std::int64_t version);
    async::Awaitable<> report(JsonObject patch);
    void report_soon(JsonObject patch);

    async::TimeSource& time_;
    SealedStore& store_;
    TwinCache& twins_;
    Apply apply_;
    Settings settings_;
    domain::Identity own_;
    std::optional<std::int64_t> version_taken_;    // since this start
    async::Event wanted_;
    async::Event configured_;
    async::TaskGroup tasks_;
};

}  // namespace selvage::edge::hub
