// simulated-temperature-sensor: a module of the edge runtime. Configuration comes from the environment alone.
#include <boost/asio/io_context.hpp>

#include <csignal>
#include <cstdlib>

#include "async/signals.h"
#include "async/task_group.h"
#include "base/log.h"
#include "edge/workload/workload_client.h"
#include "net/tls.h"
#include "simulated_temperature_sensor/sensor.h"

namespace selvage::temperature_sensor {
namespace {

constexpr std::uint16_t kMqttPort = 8883;    // docs/wire/mqtt.md

const char* environment_variable(const char* name) { return std::getenv(name); }

// What main builds, and the coroutine that runs it.
class Program {
public:
    Program(boost::asio::io_context& loop, edge::ModuleEnvironment environment, Settings settings)
        : loop_(loop), environment_(std::move(environment)), settings_(settings), dialer_(net::make_dialer(time_)),
          workload_(*dialer_, time_, environment_), tokens_(edge::token_source_from_workload(workload_)) {}

    // Returns the process's exit code.
    int exit_code() const { return exit_code_; }

    Awaitable<> run() {
        async::TaskGroup starting(loop_.get_executor());
        starting.spawn("start", start());
        const int signal = co_await async::wait_for_stop_signal();
        log::info("sensor", "stopping signal={}", signal);
        co_await starting.stop();
        if (sensor_) co_await sensor_->stop();
    }

private:
    // The daemon may not serve the trust bundle yet: asks until it does.
    Awaitable<Result<std::string>> get_trust_bundle() {
        auto wait = std::chrono::seconds(1);
        for (;;) {
            auto bundle = co_await workload_.trust_bundle();
            if (bundle) co_return bundle;
            log::warn("sensor", "no trust bundle yet reason={} retry_in_s={}", bundle.error().detail, wait.count());
            const auto slept = co_await time_.sleep_for(wait);
            if (!slept) co_return fail(slept.error());
            wait = std::min(wait * 2, std::chrono::seconds(30));
        }
    }

    Awaitable<> start() {
        const auto bundle = co_await get_trust_bundle();
        if (!bundle) co_return;
        const bool through_gateway = !environment_.gateway_host.empty();
        auto tls = net::TlsClientContext::make(*bundle, !through_gateway);
        if (!tls) {
            log::error("sensor", "trust bundle of no use: {}", tls.error().detail);
            // The runtime starts the module again; by then the bundle may be right.
            exit_code_ = 1;
            std::raise(SIGTERM);
            co_return;
        }
        device_client::ClientSettings client;
        client.identity = domain::Identity::of_module(environment_.device_id, environment_.module_id);
        client.hub_host = environment_.iothub_host;
        client.target.host = through_gateway ? environment_.gateway_host : environment_.iothub_host;
        client.target.port = kMqttPort;
        client.target.tls = *std::move(tls);
        client.product_info = "selvage-simulated-temperature-sensor";
        log::info("sensor", "starting module={} host={} interval_ms={} count={}", domain::to_text(client.identity),
                  client.target.host, settings_.message_delay.count(), settings_.message_count);
        sensor_ = std::make_unique<Sensor>(loop_.get_executor(), time_, random_, *dialer_, *tokens_, std::move(client), settings_);
        sensor_->start();
    }

    boost::asio::io_context& loop_;
    edge::ModuleEnvironment environment_;
    Settings settings_;
    async::SystemTime time_;
    SystemRandom random_;
    std::unique_ptr<net::Dialer> dialer_;
    edge::WorkloadClient workload_;
    std::unique_ptr<device_client::TokenSource> tokens_;
    std::unique_ptr<Sensor> sensor_;
    int exit_code_ = 0;
};

int run() {
    auto level = log::Level::info;
    if (const char* text = environment_variable("RuntimeLogLevel")) log::parse_level(text, level);
    log::start(level);
    auto environment = edge::read_module_environment(environment_variable);
    if (!environment) {
        log::error("sensor", "{}", environment.error().detail);
        return 1;
    }
    auto settings = read_settings(environment_variable);
    if (!settings) {
        log::error("sensor", "{}", settings.error().detail);
        return 1;
    }
    std::signal(SIGPIPE, SIG_IGN);
    boost::asio::io_context loop(1);
    Program program(loop, *std::move(environment), *settings);
    async::spawn_root(loop.get_executor(), program.run(), [&loop] { loop.stop(); });
    loop.run();
    return program.exit_code();
}

}  // namespace
}  // namespace selvage::temperature_sensor

int main() { return selvage::temperature_sensor::run(); }
