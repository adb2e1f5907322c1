#include "edge/hub/scope/scope_cache.h"

#include "async/deadline.h"
#include "base/log.h"

namespace selvage::edge::hub {
namespace {

constexpr const char* kBucket = "scope";

}  // namespace

ScopeCache::ScopeCache(async::Executor loop, async::TimeSource& time, SealedStore& store, ScopeApi& api,
                       ScopeListener& listener, Settings settings)
    : loop_(loop),
      time_(time),
      store_(store),
      api_(api),
      listener_(listener),
      settings_(settings),
      refresh_wanted_(loop),
      tasks_(loop) {}

ScopeCache::~ScopeCache() = default;

async::Awaitable<Result<>> ScopeCache::load() {
    SELVAGE_CO_TRY(const auto stored, co_await store_.list(kBucket));
    for (const auto& [key, text] : stored) {
        auto identity = scope_identity_from_stored(text);
        if (identity) identities_[identity->identity] = *std::move(identity);
    }
    co_return Result<>{};
}

void ScopeCache::start() { tasks_.spawn("scope refresh", refresh_loop()); }

async::Awaitable<> ScopeCache::stop() {
    co_await tasks_.stop();
    for (const auto& [identity, question] : asking_) question->answered.set();
    asking_.clear();
}

const ScopeIdentity* ScopeCache::find(const domain::Identity& identity) const {
    const auto found = identities_.find(identity);
    return found == identities_.end() ? nullptr : &found->second;
}

void ScopeCache::refresh_soon() { refresh_wanted_.set(); }

async::Awaitable<> ScopeCache::refresh_loop() {
    while (!tasks_.stopping()) {
        refresh_wanted_.reset();
        const auto refreshed = co_await refresh_all();
        last_refresh_ = time_.now();
        if (refreshed) {
            complete_ = true;
            log::info("edge.scope", "refreshed identities={}", identities_.size());
        } else {
            log::warn("edge.scope", "cannot refresh reason={}", refreshed.error().detail);
        }
        if (complete_) {
            // Wishes that come in the pause are served at its end.
            if (!co_await time_.sleep_for(settings_.refresh_pause)) co_return;
            const auto rest = settings_.refresh_every - settings_.refresh_pause;
            static_cast<void>(co_await async::run_for(time_, rest, refresh_wanted_.wait()));
        } else {
            static_cast<void>(co_await async::run_for(time_, settings_.retry_every, refresh_wanted_.wait()));
        }
    }
}

async::Awaitable<Result<>> ScopeCache::refresh_all() {
    std::set<domain::Identity> listed;
    std::string continuation;
    do {
        SELVAGE_CO_TRY(auto next, co_await refresh_page(continuation, listed));
        if (!next.empty() && next == continuation) co_return fail(Errc::malformed, "the hub's listing of the scope does not end");
        continuation = std::move(next);
    } while (!continuation.empty());
    std::vector<domain::Identity> missing;
    for (const auto& [identity, known] : identities_)
        if (!listed.contains(identity)) missing.push_back(identity);
    // Removing an identity drops what it sent: a listing that raced with a change is no proof, so each is asked for.
    for (const auto& identity : missing) {
        SELVAGE_CO_CHECK(co_await ask_once(identity));
    }
    co_return Result<>{};
}

// A page ages while its identities are stored, one commit each: someone whose keys were new meanwhile has been asked for.
async::Awaitable<Result<std::string>> ScopeCache::refresh_page(std::string continuation, std::set<domain::Identity>& listed) {
    const Request request(*this);
    SELVAGE_CO_TRY(auto page, co_await api_.list(std::move(continuation)));
    for (auto& identity : page.identities) {
        listed.insert(identity.identity);
        if (is_news(identity.identity, request)) co_await take(std::move(identity));
    }
    co_return std::move(page.continuation);
}

bool ScopeCache::is_news(const domain::Identity& identity, const Request& request) {
    auto& teller = told_by_[identity];
    if (teller > request.number()) return false;
    teller = request.number();
    return true;
}

void ScopeCache::forget(const Request& request) {
    requests_.erase(request.number());
    if (requests_.empty())
        told_by_.clear();
    else
        std::erase_if(told_by_, [oldest = *requests_.begin()](const auto& told) { return told.second <= oldest; });
}

async::Awaitable<> ScopeCache::take(ScopeIdentity identity) {
    const auto known = identities_.find(identity.identity);
    if (known != identities_.end() && known->second == identity) co_return;
    identities_[identity.identity] = identity;
    const auto stored = co_await store_.put(kBucket, domain::to_text(identity.identity), to_stored_text(identity));
    if (!stored) log::warn("edge.scope", "cannot store identity={} reason={}", to_text(identity.identity), stored.error().detail);
    listener_.identity_changed(identity);
}

async::Awaitable<> ScopeCache::remove(domain::Identity identity) {
    identities_.erase(identity);
    const auto erased = co_await store_.erase(kBucket, domain::to_text(identity));
    if (!erased) log::warn("edge.scope", "cannot forget identity={} reason={}", to_text(identity), erased.error().detail);
    listener_.identity_removed(identity);
}

void ScopeCache::remember_asked(const domain::Identity& identity) {
    if (asked_.size() >= settings_.asked_max) {
        std::erase_if(asked_, [this](const auto& entry) { return time_.now() - entry.second >= settings_.identity_pause; });
        // All are recent: someone makes up names. Forget them all rather than grow.
        if (asked_.size() >= settings_.asked_max) asked_.clear();
    }
    asked_[identity] = time_.now();
}

async::Awaitable<Result<>> ScopeCache::refresh_identity(domain::Identity identity) {
    std::shared_ptr<Question> question;
    if (const auto under_way = asking_.find(identity); under_way != asking_.end()) {
        question = under_way->second;
    } else {
        const auto asked = asked_.find(identity);
        if (asked != asked_.end() && time_.now() - asked->second < settings_.identity_pause) co_return Result<>{};
        if (asking_.size() >= settings_.asking_max) co_return fail(Errc::unavailable, "too many identities are being asked for");
        remember_asked(identity);
        question = std::make_shared<Question>(loop_);
        asking_.emplace(identity, question);
        // A task of its own: whoever asked may go away, others may have joined.
        tasks_.spawn("scope question", ask(identity, question));
    }
    co_await question->answered.wait();
    co_return question->result;
}

async::Awaitable<> ScopeCache::ask(domain::Identity identity, std::shared_ptr<Question> question) {
    question->result = co_await ask_once(identity);
    // No answer is no reason to wait with the next question.
    if (!question->result) asked_.erase(identity);
    asking_.erase(identity);
    question->answered.set();
}

async::Awaitable<Result<>> ScopeCache::ask_once(domain::Identity identity) {
    const Request request(*this);
    auto answer = co_await api_.get(identity);
    if (!answer && answer.error().code != Errc::not_found) co_return fail(answer.error());
    if (!is_news(identity, request)) co_return Result<>{};
    if (answer) {
        co_await take(*std::move(answer));
        co_return Result<>{};
    }
    log::info("edge.scope", "not in scope identity={} reason={}", to_text(identity), answer.error().detail);
    co_await remove(identity);
    co_return Result<>{};
}

async::Awaitable<Result<>> ScopeCache::refresh_now(std::vector<domain::Identity> identities) {
    for (const auto& identity : identities) {
        SELVAGE_CO_CHECK(co_await ask_once(identity));
    }
    co_return Result<>{};
}

}  // namespace selvage::edge::hub
