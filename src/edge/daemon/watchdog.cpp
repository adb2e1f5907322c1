#include "edge/daemon/watchdog.h"

#include <algorithm>

#include "async/deadline.h"
#include "base/log.h"
#include "edge/daemon/agent_spec.h"

namespace selvage::edge::daemon {

using management::ModuleStatus;

namespace {

// Docker, killed and started again, may refuse a container for ever ("task … already exists"): only a new one starts then.
constexpr unsigned kRefusalsUntilMadeAnew = 2;

}  // namespace

Watchdog::Watchdog(async::Executor loop, async::TimeSource& time, Modules& modules, MakeAgentSpec make_spec, Settings settings)
    : time_(time), modules_(modules), make_spec_(std::move(make_spec)), settings_(settings), woken_(std::move(loop)) {}

Awaitable<Result<>> Watchdog::run() {
    for (;;) {
        woken_.reset();
        auto checked = co_await check();
        if (!checked && checked.error().code == Errc::cancelled) co_return checked;
        note(checked);
        if (settings_.retries_max && failures_ > 0 && failures_ >= *settings_.retries_max) {
            log::error("daemon.watchdog", "edgeAgent could not be brought up failures={} reason={}", failures_, last_logged_);
            co_return fail(Errc::unavailable, "Watchdog error count has exceeded allowed retries: " + last_logged_);
        }
        const bool woken = co_await async::run_for(time_, settings_.interval, woken_.wait());
        // A cancelled wait looks like a wake-up without the flag.
        if (woken && !woken_.is_set()) co_return fail(Errc::cancelled, "the watchdog was stopped");
    }
}

void Watchdog::note(const Result<>& result) {
    if (result) {
        last_logged_.clear();
        if (running_since_ && time_.now() - *running_since_ >= settings_.stable_after) {
            failures_ = 0;
            quick_ends_ = 0;
        }
        return;
    }
    ++failures_;
    // The same failure every ten seconds is one line.
    if (result.error().detail != last_logged_) log::warn("daemon.watchdog", "edgeAgent does not run yet reason={}", result.error().detail);
    last_logged_ = result.error().detail;
}

Awaitable<Result<>> Watchdog::check() {
    const std::string name(kAgentContainer);
    if (modules_.is_being_replaced(name)) co_return Result<>();
    auto details = co_await modules_.runtime().inspect(name);
    // Meanwhile a replacement may have begun.
    if (modules_.is_being_replaced(name)) co_return Result<>();
    if (!details && details.error().code != Errc::not_found) {
        running_since_.reset();
        co_return fail(details.error());
    }
    if (details && details->status == ModuleStatus::running) {
        if (!running_since_) running_since_ = time_.now();
        co_return Result<>();
    }
    running_since_.reset();
    if (!may_start_now()) co_return Result<>();
    if (details && (details->status == ModuleStatus::stopped || details->status == ModuleStatus::failed)) {
        auto started = co_await start_agent();
        if (started || starts_refused_ < kRefusalsUntilMadeAnew) co_return started;
    }
    co_return co_await create_agent(details.has_value());
}

bool Watchdog::may_start_now() {
    if (!last_start_) return true;
    const auto since = time_.now() - *last_start_;
    if (since >= settings_.longest_pause) {
        quick_ends_ = 0;
        return true;
    }
    // The first end after a start is healed at once; then 2, 4, 8 … seconds.
    if (quick_ends_ == 0) return true;
    const auto pause = std::min<Duration>(std::chrono::seconds(1ll << std::min(quick_ends_, 6u)), settings_.longest_pause);
    return since >= pause;
}

Awaitable<Result<>> Watchdog::start_agent() {
    if (last_start_ && time_.now() - *last_start_ < settings_.longest_pause) ++quick_ends_;
    last_start_ = time_.now();
    auto started = co_await modules_.start(std::string(kAgentContainer));
    if (started) starts_refused_ = 0;
    else if (started.error().code != Errc::unavailable) ++starts_refused_;
    co_return started;
}

Awaitable<Result<>> Watchdog::create_agent(bool in_the_way) {
    log::info("daemon.watchdog", "create edgeAgent starts_refused={}", starts_refused_);
    auto spec = co_await make_spec_();
    if (!spec) co_return fail(spec.error());
    if (in_the_way) {
        auto removed = co_await modules_.remove(std::string(kAgentContainer));
        if (!removed) co_return removed;
    }
    auto created = co_await modules_.create(std::move(*spec));
    if (!created) co_return created;
    co_return co_await start_agent();
}

}  // namespace selvage::edge::daemon
