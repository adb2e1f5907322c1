// Closed loop: each outcome lets the next message go. Open loop: each message has a time at which it is due, whether or not
// there is room then, and its latency counts from there; so a server that stalls cannot hide the messages that it kept from
// being sent (coordinated omission).
#include "amqp/send.h"

#include <fmt/core.h>
#include <unistd.h>

#include <boost/asio/io_context.hpp>
#include <deque>

#include "amqp/client.h"
#include "async/event.h"
#include "codec/amqp/message.h"
#include "load/latency.h"
#include "mqtt/sequence.h"
#include "mqtt/server_process.h"

namespace selvage::bench {
namespace {

constexpr std::chrono::seconds kDrainTimeout{60};
constexpr std::uint32_t kReceiverCredit = 2000;
// Outcomes may come out of order; a message far behind the others still finds its place.
constexpr std::size_t kSlotsPerWindow = 8;

// AMQP 1.0, part 3, section 3.2.1: a header with durable = true. Servers that store only what is marked would not otherwise.
constexpr std::string_view kDurableHeader{"\x00\x53\x70\xc0\x02\x01\x41", 7};

class SendRun;

// One device.
class Sender {
public:
    Sender(SendRun& run, async::Executor loop, Account account, std::uint32_t number);

    Awaitable<Result<>> connect(net::Dialer& dialer, net::Target target);
    Awaitable<> read();
    Awaitable<> stop() { return client_.stop(); }

    void fill_window();
    // A message that is due now.
    void add_due(TimePoint due);

    std::uint64_t sent() const { return sent_; }
    std::uint64_t acknowledged() const { return acknowledged_; }

private:
    struct Slot {
        TimePoint since{};
        bool waiting = false;
    };
    void take(wire::Event& event);
    void acknowledge(const wire::OutcomeKnown& outcome);
    void send(TimePoint since);
    bool has_room() const;

    SendRun& run_;
    AmqpClient client_;
    Account account_;
    std::uint32_t number_;
    wire::LinkId link_{};
    std::uint32_t credit_ = 0;
    std::string message_;
    std::size_t body_at_ = 0;
    std::vector<Slot> slots_;           // by message number
    std::uint64_t first_delivery_ = 0;
    std::deque<TimePoint> due_;         // open loop: waiting for room
    std::uint64_t sent_ = 0;
    std::uint64_t acknowledged_ = 0;
};

class SendRun {
public:
    explicit SendRun(SendPlan plan_) : plan(std::move(plan_)), check_(plan.peer.count) {}
    Result<JsonObject> go();

    // For the senders.
    void fail_run(Error error) {
        if (!failure_ && !finished_.is_set()) failure_ = std::move(error);
        finished_.set();
        drained_.set();
    }
    void acknowledged(TimePoint since) {
        if (measuring_) latencies_.add(time.now() - since);
        look_for_end();
    }

    SendPlan plan;
    async::SystemTime time;
    bool sending = false;

private:
    Awaitable<> run();
    Awaitable<Result<>> connect_all();
    Awaitable<Result<>> attach_receiver(std::string address);
    Awaitable<> receive();
    void take(wire::Event& event);
    Awaitable<> schedule();
    Awaitable<Result<>> measure();
    Awaitable<Result<>> check_received();
    Awaitable<> give_up_later();
    void look_for_end();
    std::uint64_t total(std::uint64_t (Sender::*what)() const) const {
        std::uint64_t sum = 0;
        for (const auto& sender : senders_) sum += (*sender.*what)();
        return sum;
    }

    boost::asio::io_context loop_{1};
    std::unique_ptr<net::Dialer> dialer_ = net::make_dialer(time);
    net::Target target_;
    async::TaskGroup tasks_{loop_.get_executor()};
    async::Event finished_{loop_.get_executor()};
    async::Event drained_{loop_.get_executor()};
    std::vector<std::unique_ptr<Sender>> senders_;
    std::unique_ptr<AmqpClient> receiver_;
    wire::LinkId receiving_link_{};
    std::uint32_t receiver_credit_ = kReceiverCredit;
    SequenceCheck check_;
    Latencies latencies_;
    bool measuring_ = false;
    bool draining_ = false;
    std::optional<Error> failure_;
    JsonObject figures_;
};

Sender::Sender(SendRun& run, async::Executor loop, Account account, std::uint32_t number)
    : run_(run), client_(std::move(loop)), account_(std::move(account)), number_(number), slots_(run.plan.window * kSlotsPerWindow) {
    const std::string body(std::max(run.plan.body_bytes, kStampBytes), 'x');
    wire::Message message;
    message.data = {body};
    message_ = std::string(kDurableHeader) + wire::encode_message(message);
    body_at_ = message_.size() - body.size();
}

Awaitable<Result<>> Sender::connect(net::Dialer& dialer, net::Target target) {
    SELVAGE_CO_CHECK(co_await client_.connect(dialer, std::move(target), account_.client_id));
    std::string address = run_.plan.address;
    if (address.empty()) {
        SELVAGE_CO_CHECK(co_await client_.put_token(account_));
        address = "/devices/" + account_.client_id + "/messages/events";
    }
    SELVAGE_CO_TRY(link_, co_await client_.attach_sender(address));
    credit_ = client_.engine().credit(link_);
    co_return Result<>{};
}

Awaitable<> Sender::read() {
    const auto ended = co_await client_.read([this](wire::Event& event) { take(event); });
    run_.fail_run(ended.error().in(account_.client_id));
}

void Sender::take(wire::Event& event) {
    if (const auto* outcome = std::get_if<wire::OutcomeKnown>(&event)) return acknowledge(*outcome);
    const auto* credit = std::get_if<wire::CreditChanged>(&event);
    if (credit == nullptr || credit->link != link_) return;
    credit_ = credit->credit;
    if (run_.sending) fill_window();
}

bool Sender::has_room() const {
    return credit_ > 0 && sent_ - acknowledged_ < run_.plan.window && !slots_[sent_ % slots_.size()].waiting;
}

void Sender::fill_window() {
    if (run_.plan.messages_per_second == 0) {
        while (run_.sending && has_room()) send(run_.time.now());
    }
    while (!due_.empty() && has_room()) {
        send(due_.front());
        due_.pop_front();
    }
}

void Sender::add_due(TimePoint due) {
    due_.push_back(due);
    fill_window();
}

void Sender::send(TimePoint since) {
    slots_[sent_ % slots_.size()] = {since, true};
    std::string stamp(kStampBytes, '\0');
    write_stamp({number_, sent_}, stamp);
    message_.replace(body_at_, stamp.size(), stamp);
    char tag[sizeof(std::uint32_t)];
    const auto short_number = static_cast<std::uint32_t>(sent_);
    std::memcpy(tag, &short_number, sizeof tag);
    const auto delivery = client_.engine().send(link_, {tag, sizeof tag}, message_, false);
    SELVAGE_ASSERT(delivery);
    if (sent_ == 0) first_delivery_ = static_cast<std::uint64_t>(*delivery);
    ++sent_;
    --credit_;
    client_.touch();
}

void Sender::acknowledge(const wire::OutcomeKnown& outcome) {
    if (outcome.outcome != wire::Outcome::accepted)
        return run_.fail_run({Errc::malformed, fmt::format("{}: a message was not accepted: {} {}", account_.client_id,
                                                           outcome.error.name, outcome.error.description)});
    // The engine numbers the deliveries of a connection one after the other, and all of ours are on one link.
    auto& slot = slots_[(static_cast<std::uint64_t>(outcome.delivery) - first_delivery_) % slots_.size()];
    slot.waiting = false;
    ++acknowledged_;
    if (!outcome.settled) client_.engine().settle(outcome.delivery, wire::Outcome::accepted);
    fill_window();
    run_.acknowledged(slot.since);
}

Result<JsonObject> SendRun::go() {
    async::spawn_root(loop_.get_executor(), run(), [this] { loop_.stop(); });
    loop_.run();
    if (failure_) return fail(*failure_);
    return std::move(figures_);
}

Awaitable<> SendRun::run() {
    auto done = co_await connect_all();
    if (done) done = co_await measure();
    if (done) done = co_await check_received();
    if (!done) fail_run(done.error());
    finished_.set();   // from here connections may end
    for (const auto& sender : senders_) co_await sender->stop();
    if (receiver_) co_await receiver_->stop();
    co_await tasks_.stop();
}

Awaitable<Result<>> SendRun::connect_all() {
    SELVAGE_CO_TRY(target_, make_target(plan.peer));
    SELVAGE_CO_TRY(auto accounts, make_accounts(plan.peer, time.utc_now()));
    if (!plan.receive_from.empty()) SELVAGE_CO_CHECK(co_await attach_receiver(plan.receive_from));
    for (auto& account : accounts) {
        const auto number = static_cast<std::uint32_t>(senders_.size());
        senders_.push_back(std::make_unique<Sender>(*this, loop_.get_executor(), std::move(account), number));
        SELVAGE_CO_CHECK(co_await senders_.back()->connect(*dialer_, target_));
        tasks_.spawn("sender", senders_.back()->read());
    }
    co_return Result<>{};
}

Awaitable<Result<>> SendRun::attach_receiver(std::string address) {
    receiver_ = std::make_unique<AmqpClient>(loop_.get_executor());
    SELVAGE_CO_CHECK(co_await receiver_->connect(*dialer_, target_, "receiver"));
    SELVAGE_CO_TRY(receiving_link_, co_await receiver_->attach_receiver(address, kReceiverCredit));
    tasks_.spawn("receive", receive());
    co_return Result<>{};
}

Awaitable<> SendRun::receive() {
    const auto ended = co_await receiver_->read([this](wire::Event& event) { take(event); });
    fail_run(ended.error().in("receiver"));
}

void SendRun::take(wire::Event& event) {
    const auto* arrived = std::get_if<wire::MessageArrived>(&event);
    if (arrived == nullptr) return;
    const auto message = wire::decode_message(arrived->bytes);
    if (!message) return fail_run(message.error().in("receiver"));
    check_.take(message->body());
    if (!arrived->settled) receiver_->engine().settle(arrived->delivery, wire::Outcome::accepted);
    if (--receiver_credit_ <= kReceiverCredit / 2) {
        receiver_->engine().add_credit(receiving_link_, kReceiverCredit - receiver_credit_);
        receiver_credit_ = kReceiverCredit;
    }
    look_for_end();
}

// Messages fall due one after the other, round the senders.
Awaitable<> SendRun::schedule() {
    const auto interval = std::chrono::duration<double>(1 / plan.messages_per_second);
    const auto begin = time.now();
    for (std::uint64_t number = 0; sending; ++number) {
        const auto due = begin + std::chrono::duration_cast<Duration>(interval * static_cast<double>(number));
        if (due > time.now()) {
            const auto slept = co_await time.sleep_until(due);
            if (!slept || !sending) co_return;
        }
        senders_[number % senders_.size()]->add_due(due);
    }
}

Awaitable<Result<>> SendRun::measure() {
    const auto own = static_cast<int>(::getpid());
    sending = true;
    if (plan.messages_per_second > 0) {
        tasks_.spawn("schedule", schedule());
    } else {
        for (const auto& sender : senders_) sender->fill_window();
    }
    SELVAGE_CO_CHECK(co_await time.sleep_for(plan.warm_up));
    measuring_ = true;
    const auto begin = time.now();
    const auto before = total(&Sender::acknowledged);
    const double cpu_before = cpu_seconds(plan.server_pid);
    const double own_before = cpu_seconds(own);
    SELVAGE_CO_CHECK(co_await time.sleep_for(plan.measured));
    sending = false;
    draining_ = true;
    tasks_.spawn("drain timeout", give_up_later());
    look_for_end();
    co_await finished_.wait();
    if (failure_) co_return fail(*failure_);

    const double seconds = std::chrono::duration<double>(time.now() - begin).count();
    const double cpu = cpu_seconds(plan.server_pid) - cpu_before;
    const auto messages = total(&Sender::acknowledged) - before;
    figures_ = {{"messages", messages},
                {"sent_in_all", total(&Sender::sent)},
                {"seconds", seconds},
                {"server_cpu_seconds", cpu},
                {"generator_cpu_seconds", cpu_seconds(own) - own_before},
                {"per_second", static_cast<double>(messages) / seconds},
                {"per_cpu_second", cpu > 0 ? static_cast<double>(messages) / cpu : 0},
                {"p50_ms", latencies_.percentile_ms(0.5)},
                {"p99_ms", latencies_.percentile_ms(0.99)},
                {"p999_ms", latencies_.percentile_ms(0.999)},
                {"max_ms", latencies_.longest_ms()}};
    co_return Result<>{};
}

Awaitable<Result<>> SendRun::check_received() {
    if (!plan.drain_from.empty()) {
        SELVAGE_CO_CHECK(co_await attach_receiver(plan.drain_from));
        co_await drained_.wait();
        if (failure_) co_return fail(*failure_);
    }
    if (receiver_ && !check_.clean())
        co_return fail(Errc::malformed, fmt::format("the receiver saw {} repeated, {} early and {} strange messages",
                                                    check_.repeated(), check_.gaps(), check_.strange()));
    co_return Result<>{};
}

Awaitable<> SendRun::give_up_later() {
    const auto slept = co_await time.sleep_for(kDrainTimeout);
    if (!slept) co_return;
    finished_.reset();
    fail_run({Errc::timeout, "messages are still missing, long after the last one was sent"});
}

void SendRun::look_for_end() {
    if (!draining_) return;
    const auto sent = total(&Sender::sent);
    if (check_.received() == sent) drained_.set();
    const bool arrived = plan.receive_from.empty() || check_.received() == sent;
    if (arrived && total(&Sender::acknowledged) == sent) finished_.set();
}

}  // namespace

Result<JsonObject> run_send(SendPlan plan) {
    SendRun run(std::move(plan));
    return run.go();
}

}  // namespace selvage::bench
