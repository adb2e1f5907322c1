// selvage-bench-mqtt: loads an MQTT server over TLS and prints what it saw as one JSON object. The measurements of bench/run
// are made of its commands.
#include <sys/resource.h>

#include <CLI/CLI.hpp>
#include <cstdio>
#include <map>
#include <string>

#include "base/log.h"
#include "mqtt/connect.h"
#include "mqtt/event_log.h"
#include "mqtt/publish.h"
#include "mqtt/start_up.h"
#include "mqtt/strangers.h"

namespace {

using namespace selvage;
using bench::Peer;

int answer(const Result<JsonObject>& figures) {
    if (figures) {
        std::puts(to_text(*figures).c_str());
        return 0;
    }
    std::fprintf(stderr, "selvage-bench-mqtt: %s\n", figures.error().detail.c_str());
    return 1;
}

void add_peer_options(CLI::App& command, Peer& peer) {
    command.add_option("--host", peer.host, "Name in the server's certificate")->capture_default_str();
    command.add_option("--address", peer.address, "Address to dial")->capture_default_str();
    command.add_option("--port", peer.port, "Port")->capture_default_str();
    command.add_option("--trust", peer.trusted_file, "PEM: the server's certificate or its CA")->required();
    command.add_option("--devices", peer.devices_file, "Connection strings, one a line; without it plain names");
    command.add_option("--count", peer.count, "Connections")->capture_default_str();
}

// A connection is a descriptor.
void raise_descriptor_limit() {
    rlimit limit{};
    ::getrlimit(RLIMIT_NOFILE, &limit);
    limit.rlim_cur = limit.rlim_max;
    ::setrlimit(RLIMIT_NOFILE, &limit);
}

}  // namespace

int main(int argc, char** argv) {
    CLI::App app{"Loads an MQTT server over TLS; one JSON object on standard output."};
    app.require_subcommand(1);

    bench::PublishPlan publishing;
    auto* publish = app.add_subcommand("publish", "Telemetry with QoS 1");
    add_peer_options(*publish, publishing.peer);
    publish->add_option("--window", publishing.window, "Unacknowledged messages a connection")->check(CLI::Range(1, 60'000));
    publish->add_option("--size", publishing.body_bytes, "Bytes of a body")->check(CLI::Range(12, 262'144));
    publish->add_option("--rate", publishing.messages_per_second, "Messages a second in all; 0: as many as the windows allow");
    publish->add_option("--messages", publishing.messages, "So many, each tenth measured apart; 0: by time")->check(CLI::Range(0u, 1u << 30));
    publish->add_option("--warm-up", publishing.warm_up, "Seconds before the measuring");
    publish->add_option("--seconds", publishing.measured, "Seconds of measuring");
    publish->add_option("--subscribe", publishing.subscribe_to, "Receive and check everything through this filter");
    publish->add_option("--server-pid", publishing.server_pid, "Whose processor time counts");

    bench::ConnectPlan connecting;
    auto* churn = app.add_subcommand("churn", "Connect and disconnect, again and again");
    auto* fleet = app.add_subcommand("fleet", "Connect all at once, subscribe, stay idle");
    for (auto* command : {churn, fleet}) {
        add_peer_options(*command, connecting.peer);
        command->add_option("--server-pid", connecting.server_pid, "Whose processor time and memory count");
        command->add_option("--at-once", connecting.at_once, "Connections being made at a time");
    }
    churn->add_option("--seconds", connecting.measured, "Seconds of measuring");
    fleet->add_option("--settle", connecting.settle, "Seconds between the last subscription and the look at the memory");

    bench::StrangersPlan strange;
    auto* strangers = app.add_subcommand("strangers", "Make connections that never say who they are");
    add_peer_options(*strangers, strange.peer);
    const std::map<std::string, bench::Stage> stages{
        {"connected", bench::Stage::connected}, {"hello", bench::Stage::hello}, {"secured", bench::Stage::secured}};
    strangers->add_option("--stage", strange.stage, "Where they stop: connected, hello or secured")
        ->transform(CLI::CheckedTransformer(stages));
    strangers->add_option("--server-pid", strange.server_pid, "Whose memory counts");
    strangers->add_option("--at-once", strange.at_once, "Connections being made at a time");
    strangers->add_option("--settle", strange.settle, "Seconds between the last handshake and the look at the memory");
    strangers->add_option("--wait", strange.wait, "Seconds to wait for the server to drop all of them");

    bench::StartUpPlan starting;
    auto* start_up = app.add_subcommand("start-up", "From exec to the first CONNACK");
    add_peer_options(*start_up, starting.peer);
    start_up->add_option("--processor", starting.processor, "The processor that the server may use");
    start_up->add_option("--output", starting.output_file, "Where the server's output goes");
    start_up->add_option("command", starting.command, "The server's path and arguments, behind --")->required();

    std::string registry, host = "localhost", devices_file, events;
    std::size_t devices = 1;
    std::uint64_t expected = 0;
    auto* make = app.add_subcommand("make-devices", "Register devices in a hub's data folder");
    make->add_option("--registry", registry, "registry.db of the data folder")->required();
    make->add_option("--host", host, "The hub's host name");
    make->add_option("--count", devices, "How many");
    make->add_option("--out", devices_file, "File for their connection strings")->required();
    bench::EdgeAbove edge;
    make->add_option("--edge", edge.device_id, "Register this edge device too, and the others below it");
    make->add_option("--edge-out", edge.file, "File for the connection string of its $edgeHub");
    auto* check = app.add_subcommand("check-events", "Check that a hub's event log has every message once and in order");
    check->add_option("--events", events, "Folder of the event log")->required();
    check->add_option("--devices", devices, "How many devices sent");
    check->add_option("--expected", expected, "How many messages were acknowledged");
    CLI11_PARSE(app, argc, argv);

    log::start(log::Level::error);
    raise_descriptor_limit();
    if (publish->parsed()) return answer(bench::run_publish(std::move(publishing)));
    if (churn->parsed()) return answer(bench::run_churn(std::move(connecting)));
    if (fleet->parsed()) return answer(bench::run_fleet(std::move(connecting)));
    if (strangers->parsed()) return answer(bench::run_strangers(std::move(strange)));
    if (start_up->parsed()) return answer(bench::run_start_up(std::move(starting)));
    if (make->parsed()) {
        const auto made = bench::make_devices(registry, host, devices, devices_file, edge);
        return made ? answer(JsonObject{{"devices", devices}}) : answer(fail(made.error()));
    }
    return answer(bench::check_events(events, devices, expected));
}
