#include "mqtt/connect.h"

#include <boost/asio/io_context.hpp>
#include <unistd.h>

#include "async/event.h"
#include "mqtt/client.h"
#include "mqtt/server_process.h"

namespace selvage::bench {
namespace {

class ConnectRun {
public:
    explicit ConnectRun(ConnectPlan plan) : plan_(std::move(plan)) {}

    Result<JsonObject> go(Awaitable<Result<>> (ConnectRun::*measure)()) {
        async::spawn_root(loop_.get_executor(), run(measure), [this] { loop_.stop(); });
        loop_.run();
        if (failure_) return fail(*failure_);
        return std::move(figures_);
    }
    Awaitable<Result<>> churn();
    Awaitable<Result<>> fleet();

private:
    Awaitable<> run(Awaitable<Result<>> (ConnectRun::*measure)());
    Awaitable<> churn_on(std::size_t first);
    Awaitable<> join_fleet();
    Awaitable<> stay(std::size_t number);

    void fail_run(Error error) {
        if (!failure_) failure_ = std::move(error);
        finished_.set();
    }

    ConnectPlan plan_;
    async::SystemTime time_;
    boost::asio::io_context loop_{1};
    std::unique_ptr<net::Dialer> dialer_ = net::make_dialer(time_);
    async::TaskGroup tasks_{loop_.get_executor()};
    async::Event finished_{loop_.get_executor()};
    net::Target target_;
    std::vector<Account> accounts_;
    std::vector<std::unique_ptr<Client>> fleet_;
    bool stopping_ = false;
    std::uint64_t connected_ = 0;
    std::optional<Error> failure_;
    JsonArray pss_;
    JsonObject figures_;
};

Awaitable<> ConnectRun::run(Awaitable<Result<>> (ConnectRun::*measure)()) {
    auto done = co_await (this->*measure)();
    if (!done) fail_run(done.error());
    stopping_ = true;
    for (const auto& client : fleet_) co_await client->stop();
    co_await tasks_.stop();
}

// Each of the workers has every at_once-th account to itself: no connection throws out another.
Awaitable<> ConnectRun::churn_on(std::size_t first) {
    for (std::size_t at = first; !stopping_;) {
        Client client(loop_.get_executor());
        const auto connected = co_await client.connect(*dialer_, target_, accounts_[at]);
        co_await client.stop();
        if (stopping_) co_return;
        if (!connected) co_return fail_run(connected.error().in(accounts_[at].client_id));
        ++connected_;
        at += plan_.at_once;
        if (at >= accounts_.size()) at = first;
    }
}

Awaitable<Result<>> ConnectRun::churn() {
    SELVAGE_CO_TRY(target_, make_target(plan_.peer));
    SELVAGE_CO_TRY(accounts_, make_accounts(plan_.peer, time_.utc_now()));
    for (std::size_t i = 0; i < plan_.at_once; ++i) tasks_.spawn("connect", churn_on(i));
    SELVAGE_CO_CHECK(co_await time_.sleep_for(std::chrono::seconds(1)));
    const auto begin = time_.now();
    const auto before = connected_;
    const double cpu_before = cpu_seconds(plan_.server_pid);
    SELVAGE_CO_CHECK(co_await time_.sleep_for(plan_.measured));
    if (failure_) co_return fail(*failure_);
    const double cpu = cpu_seconds(plan_.server_pid) - cpu_before;
    const double seconds = std::chrono::duration<double>(time_.now() - begin).count();
    const auto connects = static_cast<double>(connected_ - before);
    figures_ = {{"connects", connects},
                {"seconds", seconds},
                {"server_cpu_seconds", cpu},
                {"per_second", connects / seconds},
                {"per_cpu_second", cpu > 0 ? connects / cpu : 0}};
    co_return Result<>{};
}

Awaitable<> ConnectRun::join_fleet() {
    while (fleet_.size() < accounts_.size()) {
        const auto number = fleet_.size();
        auto& client = *fleet_.emplace_back(std::make_unique<Client>(loop_.get_executor()));
        auto done = co_await client.connect(*dialer_, target_, accounts_[number]);
        if (done) done = co_await client.subscribe(accounts_[number].own_filter);
        if (stopping_) co_return;
        if (!done) co_return fail_run(done.error().in(accounts_[number].client_id));
        tasks_.spawn("idle", stay(number));
        if (++connected_ == accounts_.size()) finished_.set();
    }
}

Awaitable<> ConnectRun::stay(std::size_t number) {
    const auto ended = co_await fleet_[number]->read([](const codec::mqtt::Packet&) {});
    if (!stopping_) fail_run(ended.error().in(accounts_[number].client_id));
}

Awaitable<Result<>> ConnectRun::fleet() {
    SELVAGE_CO_TRY(target_, make_target(plan_.peer));
    SELVAGE_CO_TRY(accounts_, make_accounts(plan_.peer, time_.utc_now()));
    SELVAGE_CO_TRY(const auto before, memory_of(plan_.server_pid));
    const double cpu_before = cpu_seconds(plan_.server_pid);
    const auto begin = time_.now();
    fleet_.reserve(accounts_.size());
    tasks_.spawn("memory", sample_pss(time_, plan_.server_pid, pss_));
    for (std::size_t i = 0; i < plan_.at_once; ++i) tasks_.spawn("connect", join_fleet());
    co_await finished_.wait();
    if (failure_) co_return fail(*failure_);
    const double seconds = std::chrono::duration<double>(time_.now() - begin).count();
    const double cpu = cpu_seconds(plan_.server_pid) - cpu_before;
    SELVAGE_CO_CHECK(co_await time_.sleep_for(plan_.settle));
    if (failure_) co_return fail(*failure_);
    SELVAGE_CO_TRY(const auto after, memory_of(plan_.server_pid));
    const auto count = static_cast<double>(fleet_.size());
    figures_ = {{"connections", fleet_.size()},
                {"seconds_to_all", seconds},
                {"server_cpu_seconds", cpu},
                {"memory_before", to_json(before)},
                {"memory_after", to_json(after)},
                {"pss_mib", pss_},
                {"rss_per_connection", (static_cast<double>(after.rss_bytes) - static_cast<double>(before.rss_bytes)) / count},
                {"connections_per_gib", count * (1 << 30) / static_cast<double>(after.rss_bytes)}};
    co_return Result<>{};
}

}  // namespace

Result<JsonObject> run_churn(ConnectPlan plan) {
    ConnectRun run(std::move(plan));
    return run.go(&ConnectRun::churn);
}

Result<JsonObject> run_fleet(ConnectPlan plan) {
    ConnectRun run(std::move(plan));
    return run.go(&ConnectRun::fleet);
}

}  // namespace selvage::bench
