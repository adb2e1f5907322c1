// Twins of the identities that connect to this hub.
//
// While the hub above can be reached, reading passes through and what was read is kept; otherwise reading answers from what
// was kept. Reported changes are merged here, stored, acknowledged at once and sent up, now or when the hub above is back;
// until it has acknowledged them they are kept. Desired changes come from above, are kept and passed on; those missed while
// away are passed on as one.
//
// Runs on: the hub's loop. The work for one identity runs one piece after the other, at most `jobs_max` waiting; it is not
// cancelled when whoever asked goes away. Memory: twins of identities that are in use.
#pragma once

#include <deque>
#include <map>
#include <memory>

#include "async/event.h"
#include "async/task_group.h"
#include "async/time_source.h"
#include "domain/twin.h"
#include "edge/hub/counters.h"
#include "edge/hub/state/sealed_store.h"
#include "edge/hub/twins/cached_twin.h"
#include "edge/hub/upstream/upstream_link.h"

namespace selvage::edge::hub {

// Told of changes. Called on the loop.
class TwinListener {
public:
    virtual ~TwinListener() = default;
    // `patch`: JSON text with $version.
    virtual void desired_changed(const domain::Identity& identity, std::int64_t version, const std::string& patch) = 0;
    // A client's accepted change.
    virtual void reported_changed(const domain::Identity& identity, const std::string& patch) = 0;
};

class TwinCache {
public:
    struct Settings {
        std::chrono::seconds connect_patience{10};    // how long a read waits for the identity's link while online
        std::chrono::seconds answer_patience{20};
        std::chrono::seconds push_pause_min{5};       // between attempts that failed
        std::chrono::seconds push_pause_max{60};
        std::size_t jobs_max = 64;
        domain::TwinLimits limits{};
    };
    TwinCache(async::Executor loop, async::TimeSource& time, SealedStore& store, LinkSource& links, TwinListener& listener,
              HubCounters& counters, Settings settings);
    ~TwinCache();

    // Goes on sending what was reported before the last stop. Errors: io_error.
    async::Awaitable<Result<>> start();
    async::Awaitable<> stop();

    // The document for a device. Errors: unavailable (never seen, and the hub above cannot be asked); what the hub above
    // said; throttled.
    async::Awaitable<Result<std::string>> get(domain::Identity identity);
    // Errors: malformed, invalid_argument, precondition_failed, throttled, io_error.
    async::Awaitable<Result<std::int64_t>> patch_reported(domain::Identity identity, std::string patch,
                                                          std::optional<std::int64_t> if_version);
    // What is kept, without asking. Errors: io_error.
    async::Awaitable<Result<CachedTwin>> cached(domain::Identity identity);

    // From the identity's link.
    void desired_arrived(const domain::Identity& identity, std::int64_t version, std::string patch);
    // The link is connected (again): find out what was missed, if anyone here listens.
    void link_connected(const domain::Identity& identity, bool listening);

    // The identity is not in use now: its twin may leave the memory.
    void release(const domain::Identity& identity);
    // The identity is gone for good.
    void forget(const domain::Identity& identity);

private:
    using Job = std::move_only_function<async::Awaitable<>()>;
    struct Actor {
        explicit Actor(domain::Identity who) : identity(std::move(who)) {}
        domain::Identity identity;
        std::optional<CachedTwin> twin;
        std::deque<Job> jobs;
        bool running = false;
        bool catching_up = false;              // a job that finds out what was missed is waiting
        bool pushing = false;
        std::optional<JsonObject> sent;        // reported changes under way
        JsonObject since;                      // and what was reported after they left
    };
    using ActorPtr = std::shared_ptr<Actor>;
    template <class T>
    struct Answer;

    ActorPtr actor(const domain::Identity& identity);
    bool enqueue(const ActorPtr& actor, Job job);
    async::Awaitable<> run_jobs(ActorPtr actor);
    // Runs `work` in the identity's turn and gives its result. `work` is called with the actor, its twin loaded.
    template <class T, class F>
    async::Awaitable<Result<T>> in_turn(domain::Identity identity, F work);
    async::Awaitable<Result<>> load(ActorPtr actor);
    async::Awaitable<Result<>> save(ActorPtr actor);

    async::Awaitable<Result<std::string>> do_get(ActorPtr actor);
    async::Awaitable<Result<std::int64_t>> do_patch(ActorPtr actor, std::string patch, std::optional<std::int64_t> if_version);

    // twin_exchange.cpp
    async::Awaitable<Result<>> pull(ActorPtr actor);
    async::Awaitable<Result<>> do_desired(ActorPtr actor, std::int64_t version, std::string patch);
    async::Awaitable<Result<>> catch_up(ActorPtr actor);
    void start_catch_up(const ActorPtr& actor);
    void start_push(const ActorPtr& actor);
    async::Awaitable<> push(ActorPtr actor);
    async::Awaitable<Result<std::int64_t>> push_once(ActorPtr actor);
    async::Awaitable<Result<>> take_push_result(ActorPtr actor, Result<std::int64_t> result);
    async::Awaitable<> run_desired(domain::Identity identity, std::int64_t version, std::string patch);
    async::Awaitable<> run_catch_up(domain::Identity identity);

    async::Executor loop_;
    async::TimeSource& time_;
    SealedStore& store_;
    LinkSource& links_;
    TwinListener& listener_;
    HubCounters& counters_;
    Settings settings_;
    std::map<domain::Identity, ActorPtr> actors_;
    async::TaskGroup tasks_;
};

}  // namespace selvage::edge::hub
