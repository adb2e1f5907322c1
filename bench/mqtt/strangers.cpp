#include "mqtt/strangers.h"

#include <fmt/core.h>

#include <boost/asio/io_context.hpp>

#include "async/deadline.h"
#include "async/event.h"
#include "async/task_group.h"
#include "base/encoding.h"
#include "mqtt/server_process.h"
#include "net/listener.h"

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
    // What a TLS client says first: said to a listener of our own.
    Awaitable<Result<std::string>> make_hello();
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
    std::string hello_;                  // said by each; empty: nothing
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
        if (!hello_.empty()) {
            const auto said = co_await (*stream)->write(hello_);
            if (!said) co_return fail_run(said.error());
        }
        streams_.emplace_back(*std::move(stream));
        tasks_.spawn("stay", stay(streams_.back()));
        if (streams_.size() == plan_.peer.count) all_here_.set();
    }
}

Awaitable<> StrangersRun::stay(std::shared_ptr<net::Stream> stream) {
    const auto begin = time_.now();
    for (;;) {
        const auto count = co_await stream->read_some(net::read_buffer());
        if (stopping_) co_return;
        if (!count || *count == 0) break;
        if (hello_.empty()) co_return fail_run({Errc::malformed, "the server spoke first"});
    }
    longest_ = std::max(longest_, time_.now() - begin);
    if (++gone_ == plan_.peer.count) all_gone_.set();
}

Awaitable<Result<std::string>> StrangersRun::make_hello() {
    std::string said;
    const auto hear = [&](std::shared_ptr<net::Stream> stream) -> Awaitable<> {
        const auto count = co_await stream->read_some(net::read_buffer());
        if (count) said = as_text(net::read_buffer().first(*count));
    };
    SELVAGE_CO_TRY(const auto listener, net::listen_tcp(loop_.get_executor(), time_, "127.0.0.1", 0, nullptr, {}, hear));
    auto target = target_;
    target.via = "127.0.0.1";
    target.port = listener->port();
    const auto dialed = co_await dialer_->dial(target, kDialTimeout);
    co_await listener->stop();
    if (dialed || said.empty()) co_return fail(Errc::internal, "no ClientHello was made");
    co_return said;
}

Awaitable<Result<>> StrangersRun::measure() {
    SELVAGE_CO_TRY(target_, make_target(plan_.peer));
    if (plan_.stage == Stage::hello) {
        SELVAGE_CO_TRY(hello_, co_await make_hello());
    }
    if (plan_.stage != Stage::secured) target_.tls = nullptr;
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
