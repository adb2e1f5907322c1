// The identities of this device's scope: asked from the hub above, kept encrypted, used offline.
//
// Refreshed whole at start, every hour, when the hub above becomes reachable again and on demand; single identities when
// someone connects whom the cache does not know or whose key does not fit, at most once in `identity_pause` for each.
// Answers may overtake each other: what was asked for later wins, so that what is known is as new as the last question.
//
// Runs on: the hub's loop. Bounded: the scope itself, and `asked_max` remembered questions; at most `asking_max` single
// questions are under way at once, more get their answer from what is known.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <set>
#include <unordered_map>

#include "async/event.h"
#include "async/task_group.h"
#include "async/time_source.h"
#include "edge/hub/scope/scope_api.h"
#include "edge/hub/state/sealed_store.h"

namespace selvage::edge::hub {

// Told of what a refresh changed. Called on the loop.
class ScopeListener {
public:
    virtual ~ScopeListener() = default;
    virtual void identity_changed(const ScopeIdentity& identity) = 0;    // new, or other keys or status
    virtual void identity_removed(const domain::Identity& identity) = 0;
};

class ScopeCache {
public:
    struct Settings {
        std::chrono::seconds refresh_every{3600};
        std::chrono::seconds retry_every{60};           // until the first success
        std::chrono::seconds refresh_pause{120};        // between two refreshes on demand
        std::chrono::seconds identity_pause{120};
        std::size_t asked_max = 10'000;
        std::size_t asking_max = 8;
    };
    ScopeCache(async::Executor loop, async::TimeSource& time, SealedStore& store, ScopeApi& api, ScopeListener& listener,
               Settings settings);
    ~ScopeCache();

    // Takes what was stored. Errors: io_error.
    async::Awaitable<Result<>> load();
    void start();
    async::Awaitable<> stop();

    // Null when unknown. Valid until the loop's next turn.
    const ScopeIdentity* find(const domain::Identity& identity) const;

    // Asks for one identity, unless that was done lately; joins a question under way. Returns when the cache knows all it
    // can. Errors: unavailable, timeout: the hub above did not say. Not found is no error: look with find().
    async::Awaitable<Result<>> refresh_identity(domain::Identity identity);
    // Asks for the whole scope soon (not more often than refresh_pause).
    void refresh_soon();
    // Asks for these now, whatever was asked before. Errors: as refresh_identity.
    async::Awaitable<Result<>> refresh_now(std::vector<domain::Identity> identities);

private:
    struct Question {
        explicit Question(async::Executor loop) : answered(std::move(loop)) {}
        async::Event answered;
        Result<> result = fail(Errc::cancelled, "the scope cache is stopping");
    };
    // A request to the hub above, from before it is sent until all that it brought is taken.
    class Request {
    public:
        explicit Request(ScopeCache& cache) : cache_(cache), number_(++cache.last_request_) { cache.requests_.insert(number_); }
        ~Request() { cache_.forget(*this); }
        Request(const Request&) = delete;
        Request& operator=(const Request&) = delete;
        std::uint64_t number() const { return number_; }

    private:
        ScopeCache& cache_;
        std::uint64_t number_;
    };

    async::Awaitable<> refresh_loop();
    async::Awaitable<Result<>> refresh_all();
    async::Awaitable<Result<std::string>> refresh_page(std::string continuation, std::set<domain::Identity>& listed);
    // False when a later request has told of this identity already.
    bool is_news(const domain::Identity& identity, const Request& request);
    void forget(const Request& request);
    async::Awaitable<> ask(domain::Identity identity, std::shared_ptr<Question> question);
    async::Awaitable<Result<>> ask_once(domain::Identity identity);
    async::Awaitable<> take(ScopeIdentity identity);
    async::Awaitable<> remove(domain::Identity identity);
    void remember_asked(const domain::Identity& identity);

    async::Executor loop_;
    async::TimeSource& time_;
    SealedStore& store_;
    ScopeApi& api_;
    ScopeListener& listener_;
    Settings settings_;
    std::map<domain::Identity, ScopeIdentity> identities_;
    std::unordered_map<domain::Identity, TimePoint> asked_;
    std::map<domain::Identity, std::shared_ptr<Question>> asking_;
    std::uint64_t last_request_ = 0;
    std::set<std::uint64_t> requests_;                            // under way
    std::map<domain::Identity, std::uint64_t> told_by_;           // only what an older request under way could contradict
    std::optional<TimePoint> last_refresh_;
    bool complete_ = false;             // a listing has succeeded since start
    async::Event refresh_wanted_;
    async::TaskGroup tasks_;
};

}  // namespace selvage::edge::hub
