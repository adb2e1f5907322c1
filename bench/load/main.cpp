// selvage-load: how many messages a second a hub acknowledges, and how fast.
#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include <csignal>
#include <cstdio>

#include "base/encoding.h"
#include "base/file.h"
#include "base/json.h"
#include "base/log.h"
#include "load/fleet.h"

namespace selvage::bench {
namespace {

using namespace std::chrono_literals;

struct Options {
    std::string devices_file;
    std::string ca_file;
    LoadSettings load;
    double rate = 0;
    unsigned threads = 1;
    unsigned seconds = 30;
    unsigned warm_up_seconds = 3;
    unsigned connect_seconds = 60;
    bool json = false;
};

Result<std::vector<codec::ConnectionString>> read_devices(const std::string& path) {
    SELVAGE_TRY(const auto text, read_file(path));
    std::vector<codec::ConnectionString> devices;
    std::string_view rest = text;
    while (!rest.empty()) {
        const auto line = trim(rest.substr(0, rest.find('\n')));
        rest.remove_prefix(std::min(rest.find('\n'), rest.size() - 1) + 1);
        if (line.empty() || line.starts_with('#')) continue;
        auto device = codec::parse_connection_string(line);
        if (!device) return fail(device.error().in(fmt::format("{}: device {}", path, devices.size() + 1)));
        if (device->device_id.empty()) return fail(Errc::invalid_argument, path + ": a policy's connection string is no device's");
        devices.push_back(*std::move(device));
    }
    if (devices.empty()) return fail(Errc::invalid_argument, path + ": no connection string in it");
    return devices;
}

struct Outcome {
    std::uint64_t acknowledged = 0;
    std::uint64_t lost = 0;
    double seconds = 0;
    Latencies latencies;
};

void print(const Options& options, std::size_t devices, const Outcome& outcome) {
    const double rate = static_cast<double>(outcome.acknowledged) / outcome.seconds;
    const auto& times = outcome.latencies;
    if (options.json) {
        const JsonObject document{{"devices", devices},
                                  {"seconds", outcome.seconds},
                                  {"acknowledged", outcome.acknowledged},
                                  {"lost", outcome.lost},
                                  {"messagesPerSecond", rate},
                                  {"p50Ms", times.percentile_ms(0.5)},
                                  {"p90Ms", times.percentile_ms(0.9)},
                                  {"p99Ms", times.percentile_ms(0.99)},
                                  {"p999Ms", times.percentile_ms(0.999)},
                                  {"maxMs", times.longest_ms()}};
        std::puts(to_text(document).c_str());
        return;
    }
    fmt::print("{} devices, {:.1f} s: {} acknowledged, {} lost, {:.0f} messages/s\n", devices, outcome.seconds,
               outcome.acknowledged, outcome.lost, rate);
    fmt::print("acknowledged within: p50 {:.2f} ms, p90 {:.2f} ms, p99 {:.2f} ms, p99.9 {:.2f} ms, max {:.2f} ms\n",
               times.percentile_ms(0.5), times.percentile_ms(0.9), times.percentile_ms(0.99), times.percentile_ms(0.999),
               times.longest_ms());
}

// Warm-up, then the seconds that count.
Outcome measure(const Options& options, Counters& counters, int devices) {
    const SystemClock clock;
    const auto give_up = clock.now() + std::chrono::seconds(options.connect_seconds);
    while (counters.connected < devices && clock.now() < give_up) std::this_thread::sleep_for(10ms);
    if (counters.connected < devices)
        std::fprintf(stderr, "selvage-load: only %d of %d devices are connected\n", counters.connected.load(), devices);
    std::this_thread::sleep_for(std::chrono::seconds(options.warm_up_seconds));

    Outcome outcome;
    const auto begin = clock.now();
    const auto acknowledged = counters.acknowledged.load();
    const auto lost = counters.lost.load();
    counters.measuring = true;
    auto last = acknowledged;
    for (unsigned second = 1; second <= options.seconds; ++second) {
        std::this_thread::sleep_until(std::chrono::steady_clock::time_point(
            std::chrono::duration_cast<std::chrono::steady_clock::duration>((begin + std::chrono::seconds(second)).time_since_epoch())));
        const auto now = counters.acknowledged.load();
        if (!options.json) fmt::print("{:4} s  connected {}  {} messages/s\n", second, counters.connected.load(), now - last);
        std::fflush(stdout);
        last = now;
    }
    counters.measuring = false;
    outcome.seconds = std::chrono::duration<double>(clock.now() - begin).count();
    outcome.acknowledged = counters.acknowledged - acknowledged;
    outcome.lost = counters.lost - lost;
    return outcome;
}

Result<> run(Options options) {
    SELVAGE_TRY(const auto devices, read_devices(options.devices_file));
    std::string ca;
    if (!options.ca_file.empty()) {
        SELVAGE_TRY(ca, read_file(options.ca_file));
    }
    SELVAGE_TRY(options.load.target.tls, net::TlsClientContext::make(ca, ca.empty()));
    options.load.messages_per_second = options.rate / static_cast<double>(devices.size());

    Counters counters;
    std::vector<std::unique_ptr<Fleet>> fleets;
    for (unsigned i = 0; i < options.threads; ++i) {
        std::vector<codec::ConnectionString> share;
        for (std::size_t at = i; at < devices.size(); at += options.threads) share.push_back(devices[at]);
        fleets.push_back(std::make_unique<Fleet>(std::move(share), options.load, counters));
    }
    for (const auto& fleet : fleets) fleet->start();
    auto outcome = measure(options, counters, static_cast<int>(devices.size()));
    for (const auto& fleet : fleets) fleet->stop();
    for (const auto& fleet : fleets) {
        fleet->join();
        outcome.latencies.merge(fleet->latencies());
    }
    print(options, devices.size(), outcome);
    return {};
}

}  // namespace
}  // namespace selvage::bench

int main(int argc, char** argv) {
    using namespace selvage;
    CLI::App app{"Sends telemetry from many devices and measures the hub's acknowledgements."};
    bench::Options options;
    std::string level = "warning";
    options.load.target.port = 8883;
    app.add_option("--devices", options.devices_file, "File with one connection string a line")->required();
    app.add_option("--ca", options.ca_file, "Trust only this CA (PEM); without it the machine's");
    app.add_option("--via", options.load.target.via, "Dial this name or address instead of the hub's");
    app.add_option("--port", options.load.target.port, "MQTT port")->capture_default_str();
    app.add_option("--window", options.load.window, "Unacknowledged messages a device")->capture_default_str()->check(CLI::Range(1, 60'000));
    app.add_option("--rate", options.rate, "Messages a second of all devices together; 0: as many as the windows allow")->capture_default_str();
    app.add_option("--size", options.load.body_bytes, "Bytes of a message's body")->capture_default_str()->check(CLI::Range(0, 262'144));
    app.add_option("--seconds", options.seconds, "How long to measure")->capture_default_str();
    app.add_option("--warm-up", options.warm_up_seconds, "Seconds before that")->capture_default_str();
    app.add_option("--threads", options.threads, "Threads that share the devices")->capture_default_str()->check(CLI::Range(1, 64));
    app.add_flag("--json", options.json, "One JSON object instead of lines");
    app.add_option("--log-level", level, "error, warning, info, debug or trace")->capture_default_str();
    CLI11_PARSE(app, argc, argv);

    log::Level threshold = log::Level::warn;
    log::parse_level(level, threshold);
    log::start(threshold);
    std::signal(SIGPIPE, SIG_IGN);
    if (auto done = bench::run(std::move(options)); !done) {
        std::fprintf(stderr, "selvage-load: %s\n", done.error().detail.c_str());
        return 1;
    }
    return 0;
}
