// A device or module of the simulated world: a program such as users write, over the product's device client.
//
// Keeps what it made until it is acknowledged, sends in order, sends again what a lost connection left open. Reports a
// counter and wants it acknowledged; keeps its desired properties as a program does that follows the rules. A filter makes a
// message of its own for each that arrives at its input, and acknowledges the input once that is acknowledged. A device
// acknowledges cloud-to-device messages as they come. A crash costs it what is on its way, and not its outbox: what its
// memory holds is no promise of the product.
//
// Runs on: the world's loop.
#pragma once

#include <deque>
#include <memory>
#include <string>

#include "async/task_group.h"
#include "base/json.h"
#include "device_client/device_client.h"
#include "simulation/ledger.h"
#include "simulation/network.h"

namespace selvage::simulation {

class Device {
public:
    struct Settings {
        domain::Identity identity;
        std::string key;                  // base64
        std::string host;                 // whom it dials
        std::string output;               // modules: where its messages leave
        bool filters = false;
        std::chrono::seconds keep_alive{60};
        std::uint64_t seed = 0;
    };
    Device(Schedule& schedule, Network& network, Trace& trace, Ledger& ledger, Settings settings);
    ~Device();

    void start();
    async::Awaitable<> stop();
    // It dies here and now and is started again after `downtime`. What it has made and what it wants to report it still
    // knows; what it was in the middle of it does not.
    void crash(Endpoint::Death death, Duration downtime);

    // Makes a message of about that size.
    void make(std::size_t bytes);
    // Wants the next value of its counter in the reported properties.
    void report();
    void set_clock_offset(std::chrono::milliseconds offset) { time_.set_offset(offset); }

    const std::string& name() const { return name_; }
    const std::string& host() const { return settings_.host; }
    const domain::Identity& identity() const { return settings_.identity; }
    bool idle() const { return outbox_.empty() && reported_ == wanted_ && !fetch_wanted_; }
    bool connected() const { return run_ && run_->client->state() == device_client::LinkState::connected; }
    std::int64_t reported() const { return reported_; }
    const JsonObject& desired() const { return desired_; }
    std::int64_t desired_version() const { return desired_version_; }
    std::size_t waiting() const { return outbox_.size(); }
    std::uint64_t methods_run() const { return methods_run_; }
    const Ledger::Reader& inputs() const { return inputs_; }
    // Cloud-to-device messages; their sender in the ledger is mail_name().
    const Ledger::Reader& mail() const { return mail_; }
    std::string mail_name() const { return "back end to " + name_; }

private:
    struct Made {
        std::uint64_t number;
        std::string body;
        bool sent = false;
        std::move_only_function<void()> then;     // once acknowledged
    };
    // From one start to the next end or crash.
    struct Run {
        Run(const async::Executor& loop, Network& network, const std::string& host)
            : endpoint(network, host), to_send(loop), to_report(loop), to_fetch(loop), tasks(loop) {}
        Endpoint endpoint;
        std::unique_ptr<device_client::DeviceClient> client;
        async::Event to_send;
        async::Event to_report;
        async::Event to_fetch;
        async::TaskGroup tasks;
    };
    void make(std::string text, std::size_t bytes, std::move_only_function<void()> then);
    device_client::ClientSettings client_settings() const;
    device_client::Handlers handlers(const Run& run);
    // The loops end when `run` is not the one that lives any more.
    async::Awaitable<> send_loop(Run& run);
    async::Awaitable<> report_loop(Run& run);
    async::Awaitable<> fetch_loop(Run& run);
    async::Awaitable<> bury(std::unique_ptr<Run> run);
    bool lives(const Run& run) const { return run_.get() == &run && !run.tasks.stopping(); }
    void send_waiting(Run& run);
    void settled(std::uint64_t number, const Result<>& result);
    void on_state(device_client::LinkState state);
    void on_desired(std::int64_t version, const std::string& patch);
    void apply_desired(std::int64_t version, const std::string& patch);
    void on_input(const domain::Message& message, std::move_only_function<void()> acknowledge);
    void on_mail(const domain::Message& message, std::move_only_function<void()> acknowledge);
    async::Awaitable<domain::MethodResponse> on_method(domain::MethodRequest request);

    Schedule& schedule_;
    Network& network_;
    Trace& trace_;
    Ledger& ledger_;
    Settings settings_;
    std::string name_;
    MachineTime time_;
    SeededRandom random_;
    std::unique_ptr<device_client::TokenSource> tokens_;
    std::unique_ptr<Run> run_;                    // null while it is down

    std::deque<Made> outbox_;
    std::int64_t wanted_ = 0;
    std::int64_t reported_ = 0;
    JsonObject desired_;
    std::int64_t desired_version_ = 0;
    std::int64_t heard_version_ = 0;              // on this connection
    bool fetch_wanted_ = true;
    std::deque<std::pair<std::int64_t, std::string>> held_;   // changes that came while the whole was being asked for
    Ledger::Reader inputs_;
    Ledger::Reader mail_;
    std::uint64_t methods_run_ = 0;
    bool ended_ = false;
    async::TaskGroup graves_;
};

// {"s":sender,"n":number,"pad":…}
std::string body_of(const std::string& sender, std::uint64_t number, const std::string& text, std::size_t bytes);
struct BodyFacts {
    std::string sender;
    std::uint64_t number = 0;
};
// Errors: malformed.
Result<BodyFacts> read_body(std::string_view body);

}  // namespace selvage::simulation
