#include "amqp/fleet.h"

#include <boost/asio/io_context.hpp>

#include "amqp/client.h"
#include "async/event.h"
#include "mqtt/server_process.h"

namespace selvage::bench {
namespace {

class FleetRun {
public:
    explicit FleetRun(AmqpFleetPlan plan) : plan_(std::move(plan)) {}

    Result<JsonObject> go() {
        async::spawn_root(loop_.get_executor(), run(), [this] { loop_.stop(); });
        loop_.run();
        if (failure_) return fail(*failure_);
        return std::move(figures_);
    }

private:
    Awaitable<> run();
    Awaitable<Result<>> measure();
    Awaitable<> join();
    Awaitable<Result<>> come_to(Stage stage, AmqpClient* client, Account account);
    Awaitable<> stay(std::size_t number);

    void fail_run(Error error) {
        if (!failure_ && !stopping_) failure_ = std::move(error);
        finished_.set();
    }

    AmqpFleetPlan plan_;
    async::SystemTime time_;
    boost::asio::io_context loop_{1};
    std::unique_ptr<net::Dialer> dialer_ = net::make_dialer(time_);
    async::TaskGroup tasks_{loop_.get_executor()};
    async::Event finished_{loop_.get_executor()};
    net::Target target_;
    std::vector<Account> accounts_;
    std::vector<std::unique_ptr<AmqpClient>> fleet_;
    bool stopping_ = false;
    std::size_t connected_ = 0;
    std::optional<Error> failure_;
    JsonObject figures_;
};

Awaitable<> FleetRun::run() {
    const auto done = co_await measure();
    if (!done) fail_run(done.error());
    stopping_ = true;
    for (const auto& client : fleet_) co_await client->stop();
    co_await tasks_.stop();
}

Awaitable<> FleetRun::join() {
    while (fleet_.size() < accounts_.size() && !failure_) {
        const auto number = fleet_.size();
        auto* client = fleet_.emplace_back(std::make_unique<AmqpClient>(loop_.get_executor())).get();
        const auto done = co_await come_to(plan_.stage, client, accounts_[number]);
        if (stopping_) co_return;
        if (!done) co_return fail_run(done.error().in(accounts_[number].client_id));
        tasks_.spawn("idle", stay(number));
        if (++connected_ == accounts_.size()) finished_.set();
    }
}

Awaitable<Result<>> FleetRun::come_to(Stage stage, AmqpClient* client, Account account) {
    SELVAGE_CO_CHECK(co_await client->connect(*dialer_, target_, account.client_id, stage != Stage::tls));
    if (stage < Stage::token) co_return Result<>{};
    SELVAGE_CO_CHECK(co_await client->put_token(account));
    if (stage < Stage::links) co_return Result<>{};
    const std::string path = "/devices/" + account.client_id;
    const auto sender = co_await client->attach_sender(path + "/messages/events");
    if (!sender) co_return fail(sender.error());
    const auto receiver = co_await client->attach_receiver(path + "/messages/devicebound", 50);
    if (!receiver) co_return fail(receiver.error());
    co_return Result<>{};
}

Awaitable<> FleetRun::stay(std::size_t number) {
    const auto ended = co_await fleet_[number]->read([](wire::Event&) {});
    fail_run(ended.error().in(accounts_[number].client_id));
}

Awaitable<Result<>> FleetRun::measure() {
    SELVAGE_CO_TRY(target_, make_target(plan_.peer));
    SELVAGE_CO_TRY(accounts_, make_accounts(plan_.peer, time_.utc_now()));
    SELVAGE_CO_TRY(const auto before, memory_of(plan_.server_pid));
    const double cpu_before = cpu_seconds(plan_.server_pid);
    const auto begin = time_.now();
    fleet_.reserve(accounts_.size());
    for (std::size_t i = 0; i < plan_.at_once; ++i) tasks_.spawn("connect", join());
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
                {"rss_per_connection", (static_cast<double>(after.rss_bytes) - static_cast<double>(before.rss_bytes)) / count}};
    co_return Result<>{};
}

}  // namespace

Result<JsonObject> run_amqp_fleet(AmqpFleetPlan plan) {
    FleetRun run(std::move(plan));
    return run.go();
}

}  // namespace selvage::bench
