#include "mqtt/strangers.h"

#include <fmt/core.h>

#include <array>
#include <boost/asio/io_context.hpp>

#include "async/deadline.h"
#include "async/event.h"
#include "async/task_group.h"
#include "mqtt/server_process.h"

namespace selvage::bench {
namespace {

using async::Awaitable;

constexpr std::chrono::seconds kDialTimeout{60};

class StrangersRun {
public:
    explicit StrangersRun(StrangersPlan plan) : plan_(std::move(plan)) {}

    Result<JsonObject> go() {
        async::spawn_root(loop_.get_executor(), run(), [this] { loop_.stop(); });
        loop_.run();
        if (failure_) return fail(*failure_);
        return std::move(figures_);
    }

private:
    Awaitable<> run() {
        auto done = co_await measure();
        if (!done) fail_run(done.error());
        stopping_ = true;
        for (const auto& stream : streams_) stream->close();
        co_await tasks_.stop();
    }
    Awaitable<Result<>> measure();
    Awaitable<> arrive();
    Awaitable<> stay(std::shared_ptr<net::Stream> stream);
    void fail_run(Error error) {
        if (!failure_) failure_ = std::move(error);
        all_here_.set();
        all_gone_.set();
    }

    StrangersPlan plan_;
    async::SystemTime time_;
    boost::asio::io_context loop_{1};
    std::unique_ptr<net::Dialer> dialer_ = net::make_dialer(time_);
    async::TaskGroup tasks_{loop_.get_executor()};
    async::Event all_here_{loop_.get_executor()};
    async::Event all_gone_{loop_.get_executor()};
    net::Target target_;
    std::vector<std::shared_ptr<net::Stream>> streams_;
    std::size_t begun_ = 0;
    std::size_t gone_ = 0;
    Duration longest_{0};                // that one of them lived
    bool stopping_ = false;
    std::optional<Error> failure_;
    JsonObject figures_;
};

Awaitable<> StrangersRun::arrive() {
    while (begun_ < plan_.peer.count && !stopping_) {
        ++begun_;
        auto stream = co_await dialer_->dial(target_, kDialTimeout);
        if (!stream) co_return fail_run(stream.error());
        streams_.emplace_back(*std::move(stream));
        tasks_.spawn("stay", stay(streams_.back()));
        if (streams_.size() == plan_.peer.count) all_here_.set();
    }
}

Awaitable<> StrangersRun::stay(std::shared_ptr<net::Stream> stream) {
    const auto begin = time_.now();
    std::array<std::byte, 64> buffer;
    const auto count = co_await stream->read_some(buffer);
    if (stopping_) co_return;
    if (count && *count > 0) co_return fail_run({Errc::malformed, "the server spoke first"});
    longest_ = std::max(longest_, time_.now() - begin);
    if (++gone_ == plan_.peer.count) all_gone_.set();
}

Awaitable<Result<>> StrangersRun::measure() {
    SELVAGE_CO_TRY(target_, make_target(plan_.peer));
    SELVAGE_CO_TRY(const auto before, memory_of(plan_.server_pid));
    for (std::size_t i = 0; i < plan_.at_once; ++i) tasks_.spawn("arrive", arrive());
    co_await all_here_.wait();
    if (failure_) co_return fail(*failure_);
    SELVAGE_CO_CHECK(co_await time_.sleep_for(plan_.settle));
    SELVAGE_CO_TRY(const auto after, memory_of(plan_.server_pid));
    if (gone_ > 0) co_return fail(Errc::malformed, fmt::format("{} connections are gone already: nothing can be said", gone_));
    const auto grown = static_cast<double>(after.rss_bytes) - static_cast<double>(before.rss_bytes);
    figures_ = {{"connections", plan_.peer.count},
                {"memory_before", to_json(before)},
                {"memory_after", to_json(after)},
                {"rss_per_connection", grown / static_cast<double>(plan_.peer.count)}};
    if (plan_.wait == plan_.wait.zero()) co_return Result<>{};
    const bool in_time = co_await async::run_for(time_, plan_.wait, all_gone_.wait());
    if (failure_) co_return fail(*failure_);
    if (!in_time)
        co_return fail(Errc::timeout, fmt::format("{} of {} strangers are still connected", plan_.peer.count - gone_, plan_.peer.count));
    figures_["longest_seconds"] = std::chrono::duration<double>(longest_).count();
    co_return Result<>{};
}

}  // namespace

Result<JsonObject> run_strangers(StrangersPlan plan) {
    StrangersRun run(std::move(plan));
    return run.go();
}

}  // namespace selvage::bench
