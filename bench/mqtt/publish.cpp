// Closed loop: each acknowledgement lets the next message go. Open loop: each message has a time at which it is due, whether
// or not the window has room then, and its latency counts from there; so a server that stalls cannot hide the messages that
// it kept from being sent (coordinated omission).
#include "mqtt/publish.h"

#include <fmt/core.h>
#include <unistd.h>

#include <deque>

#include "async/event.h"
#include "load/latency.h"
#include "mqtt/client.h"
#include "mqtt/sequence.h"
#include "mqtt/server_process.h"

namespace selvage::bench {
namespace {

using namespace codec;

constexpr std::chrono::seconds kDrainTimeout{30};
constexpr std::uint16_t kPacketIds = 65535;

class PublishRun;

// One device.
class Sender {
public:
    Sender(PublishRun& run, async::Executor loop, Account account, std::uint32_t number);

    Awaitable<Result<>> connect(net::Dialer& dialer, net::Target target) {
        return client_.connect(dialer, std::move(target), account_);
    }
    Awaitable<> read();
    Awaitable<> stop() { return client_.stop(); }

    void fill_window();
    // A message that is due now.
    void add_due(TimePoint due);

    std::uint64_t sent() const { return sent_; }
    std::uint64_t acknowledged() const { return acknowledged_; }

private:
    void acknowledge(const mqtt::Packet& packet);
    void send(TimePoint since);
    bool has_room() const { return sent_ - acknowledged_ < window_.size(); }

    PublishRun& run_;
    Client client_;
    Account account_;
    std::uint32_t number_;
    std::string body_;
    std::vector<TimePoint> window_;     // since when; by message number
    std::deque<TimePoint> due_;         // open loop: waiting for room
    std::uint64_t sent_ = 0;
    std::uint64_t acknowledged_ = 0;
};

class PublishRun {
public:
    explicit PublishRun(PublishPlan plan_) : plan(std::move(plan_)), check_(plan.peer.count) {}
    Result<JsonObject> go();

    // For the senders.
    void fail_run(Error error) {
        if (!failure_ && !finished_.is_set()) failure_ = std::move(error);
        finished_.set();
    }
    // Closed loop: whether one more is to be sent.
    bool takes_one_more() {
        if (!sending || (plan.messages > 0 && allotted_ == plan.messages)) return false;
        ++allotted_;
        return true;
    }
    void acknowledged(TimePoint since) {
        if (measuring_) latencies_.add(time.now() - since);
        if (plan.messages > 0) end_tenth();
        look_for_end();
    }

    PublishPlan plan;
    async::SystemTime time;
    bool sending = false;

private:
    Awaitable<> run();
    Awaitable<Result<>> connect_all();
    Awaitable<> receive();
    Awaitable<> schedule();
    Awaitable<Result<>> measure();
    Awaitable<Result<>> measure_tenths();
    void end_tenth();
    Awaitable<> give_up_later();
    void look_for_end();
    std::uint64_t total(std::uint64_t (Sender::*what)() const) const {
        std::uint64_t sum = 0;
        for (const auto& sender : senders_) sum += (*sender.*what)();
        return sum;
    }
    // What has arrived where it was to arrive.
    std::uint64_t arrived() const { return receiver_ ? check_.received() : total(&Sender::acknowledged); }

    boost::asio::io_context loop_{1};
    std::unique_ptr<net::Dialer> dialer_ = net::make_dialer(time);
    async::TaskGroup tasks_{loop_.get_executor()};
    async::Event finished_{loop_.get_executor()};
    std::vector<std::unique_ptr<Sender>> senders_;
    std::unique_ptr<Client> receiver_;
    SequenceCheck check_;
    Latencies latencies_;
    bool measuring_ = false;
    bool draining_ = false;
    std::uint64_t allotted_ = 0;        // closed loop: sent, or about to be
    struct Mark {
        std::uint64_t messages = 0;
        TimePoint time{};
        double cpu = 0;
        double pss_mib = 0;
    };
    Mark mark() const;
    std::vector<Mark> marks_;           // where each tenth begins, and where the last ends
    JsonArray pss_;
    std::optional<Error> failure_;
    JsonObject figures_;
};

Sender::Sender(PublishRun& run, async::Executor loop, Account account, std::uint32_t number)
    : run_(run), client_(std::move(loop)), account_(std::move(account)), number_(number),
      body_(std::max(run.plan.body_bytes, kStampBytes), 'x'), window_(run.plan.window) {}

Awaitable<> Sender::read() {
    const auto ended = co_await client_.read([this](const mqtt::Packet& packet) { acknowledge(packet); });
    run_.fail_run(ended.error().in(account_.client_id));
}

void Sender::fill_window() {
    while (has_room() && run_.takes_one_more()) send(run_.time.now());
}

void Sender::add_due(TimePoint due) {
    if (has_room() && due_.empty()) return send(due);
    due_.push_back(due);
}

void Sender::send(TimePoint since) {
    window_[sent_ % window_.size()] = since;
    write_stamp({number_, sent_}, body_);
    const auto id = static_cast<std::uint16_t>(sent_ % kPacketIds + 1);
    client_.send(mqtt::Publish{.topic = account_.telemetry_topic, .payload = body_, .packet_id = id, .qos = 1});
    ++sent_;
}

void Sender::acknowledge(const mqtt::Packet& packet) {
    const auto* puback = std::get_if<mqtt::Puback>(&packet);
    if (puback == nullptr || acknowledged_ == sent_ || puback->packet_id != acknowledged_ % kPacketIds + 1)
        return run_.fail_run({Errc::malformed, account_.client_id + ": an acknowledgement that was not its turn"});
    const TimePoint since = window_[acknowledged_ % window_.size()];
    ++acknowledged_;
    if (!due_.empty()) {
        send(due_.front());
        due_.pop_front();
    } else if (run_.plan.messages_per_second == 0 && run_.takes_one_more()) {
        send(run_.time.now());
    }
    run_.acknowledged(since);
}

Result<JsonObject> PublishRun::go() {
    async::spawn_root(loop_.get_executor(), run(), [this] { loop_.stop(); });
    loop_.run();
    if (failure_) return fail(*failure_);
    return std::move(figures_);
}

Awaitable<> PublishRun::run() {
    auto done = co_await connect_all();
    // Looking takes milliseconds, of this thread and under the server's memory lock: every latency near it would be that of the look.
    if (plan.messages_per_second == 0) tasks_.spawn("memory", sample_pss(time, plan.server_pid, pss_));
    if (done) done = co_await (plan.messages > 0 ? measure_tenths() : measure());
    if (!done) fail_run(done.error());
    finished_.set();   // from here connections may end
    for (const auto& sender : senders_) co_await sender->stop();
    if (receiver_) co_await receiver_->stop();
    co_await tasks_.stop();
}

Awaitable<Result<>> PublishRun::connect_all() {
    SELVAGE_CO_TRY(const auto target, make_target(plan.peer));
    SELVAGE_CO_TRY(auto accounts, make_accounts(plan.peer, time.utc_now()));
    if (!plan.subscribe_to.empty()) {
        receiver_ = std::make_unique<Client>(loop_.get_executor());
        Account receiver;
        receiver.client_id = receiver.username = "receiver";
        SELVAGE_CO_CHECK(co_await receiver_->connect(*dialer_, target, receiver));
        SELVAGE_CO_CHECK(co_await receiver_->subscribe(plan.subscribe_to));
        tasks_.spawn("receive", receive());
    }
    for (auto& account : accounts) {
        const auto number = static_cast<std::uint32_t>(senders_.size());
        senders_.push_back(std::make_unique<Sender>(*this, loop_.get_executor(), std::move(account), number));
        SELVAGE_CO_CHECK(co_await senders_.back()->connect(*dialer_, target));
        tasks_.spawn("sender", senders_.back()->read());
    }
    co_return Result<>{};
}

Awaitable<> PublishRun::receive() {
    const auto ended = co_await receiver_->read([this](const mqtt::Packet& packet) {
        const auto* publish = std::get_if<mqtt::Publish>(&packet);
        if (publish == nullptr) return;
        check_.take(publish->payload);
        if (publish->qos == 1) receiver_->send(mqtt::Puback{publish->packet_id});
        look_for_end();
    });
    fail_run(ended.error().in("receiver"));
}

// Messages fall due one after the other, round the senders.
Awaitable<> PublishRun::schedule() {
    const auto interval = std::chrono::duration<double>(1 / plan.messages_per_second);
    const auto begin = time.now();
    for (std::uint64_t number = 0; sending; ++number) {
        const auto due = begin + std::chrono::duration_cast<Duration>(interval * static_cast<double>(number));
        if (due > time.now()) {
            const auto slept = co_await time.sleep_until(due);
            if (!slept) co_return;
        }
        senders_[number % senders_.size()]->add_due(due);
    }
}

Awaitable<Result<>> PublishRun::measure() {
    const auto pid = plan.server_pid;
    sending = true;
    if (plan.messages_per_second > 0) {
        tasks_.spawn("schedule", schedule());
    } else {
        for (const auto& sender : senders_) sender->fill_window();
    }
    SELVAGE_CO_CHECK(co_await time.sleep_for(plan.warm_up));
    measuring_ = true;
    const auto begin = time.now();
    const auto arrived_before = arrived();
    const double cpu_before = cpu_seconds(pid);
    const double own_before = cpu_seconds(static_cast<int>(::getpid()));
    SELVAGE_CO_CHECK(co_await time.sleep_for(plan.measured));
    sending = false;
    draining_ = true;
    look_for_end();
    tasks_.spawn("drain timeout", give_up_later());
    co_await finished_.wait();
    if (failure_) co_return fail(*failure_);

    const double seconds = std::chrono::duration<double>(time.now() - begin).count();
    const double cpu = cpu_seconds(pid) - cpu_before;
    const auto messages = arrived() - arrived_before;
    if (receiver_ && !check_.clean())
        co_return fail(Errc::malformed, fmt::format("the receiver saw {} repeated, {} early and {} strange messages",
                                                    check_.repeated(), check_.gaps(), check_.strange()));
    figures_ = {{"messages", messages},
                {"sent_in_all", total(&Sender::sent)},
                {"seconds", seconds},
                {"server_cpu_seconds", cpu},
                {"generator_cpu_seconds", cpu_seconds(static_cast<int>(::getpid())) - own_before},
                {"per_second", static_cast<double>(messages) / seconds},
                {"per_cpu_second", cpu > 0 ? static_cast<double>(messages) / cpu : 0},
                {"p50_ms", latencies_.percentile_ms(0.5)},
                {"p99_ms", latencies_.percentile_ms(0.99)},
                {"p999_ms", latencies_.percentile_ms(0.999)},
                {"max_ms", latencies_.longest_ms()},
                {"pss_mib", pss_}};
    co_return Result<>{};
}

PublishRun::Mark PublishRun::mark() const {
    const auto memory = memory_of(plan.server_pid);
    return {.messages = arrived(),
            .time = time.now(),
            .cpu = cpu_seconds(plan.server_pid),
            .pss_mib = memory ? static_cast<double>(memory->pss_bytes) / (1 << 20) : 0};
}

void PublishRun::end_tenth() {
    if (arrived() >= plan.messages * marks_.size() / 10) marks_.push_back(mark());
}

Awaitable<Result<>> PublishRun::measure_tenths() {
    marks_.push_back(mark());
    sending = draining_ = measuring_ = true;
    for (const auto& sender : senders_) sender->fill_window();
    co_await finished_.wait();
    if (failure_) co_return fail(*failure_);
    if (receiver_ && !check_.clean()) co_return fail(Errc::malformed, "the receiver misses, doubles or reorders messages");

    JsonArray tenths;
    std::vector<double> rates;
    for (std::size_t i = 1; i < marks_.size(); ++i) {
        const auto messages = static_cast<double>(marks_[i].messages - marks_[i - 1].messages);
        const double seconds = std::chrono::duration<double>(marks_[i].time - marks_[i - 1].time).count();
        rates.push_back(messages / std::max(marks_[i].cpu - marks_[i - 1].cpu, 0.01));
        tenths.push_back(JsonObject{{"per_cpu_second", rates.back()}, {"per_second", messages / seconds}, {"pss_mib", marks_[i].pss_mib}});
    }
    figures_ = {{"messages", arrived()},
                {"sent_in_all", total(&Sender::sent)},
                {"tenths", std::move(tenths)},
                {"first_tenth_per_cpu_second", rates.front()},
                {"last_tenth_per_cpu_second", rates.back()},
                {"last_to_first_tenth", rates.back() / rates.front()},
                {"pss_growth_mib", marks_.back().pss_mib - marks_[1].pss_mib},
                {"p99_ms", latencies_.percentile_ms(0.99)},
                {"pss_mib", pss_}};
    co_return Result<>{};
}

Awaitable<> PublishRun::give_up_later() {
    const auto slept = co_await time.sleep_for(kDrainTimeout);
    if (slept) fail_run({Errc::timeout, "messages are still missing, long after the last one was sent"});
}

void PublishRun::look_for_end() {
    if (!draining_ || finished_.is_set() || allotted_ < plan.messages) return;
    const auto sent = total(&Sender::sent);
    if (total(&Sender::acknowledged) == sent && arrived() == sent) finished_.set();
}

}  // namespace

Result<JsonObject> run_publish(PublishPlan plan) {
    PublishRun run(std::move(plan));
    return run.go();
}

}  // namespace selvage::bench
