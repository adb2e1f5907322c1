// selvage-bench-amqp: loads an AMQP 1.0 server over TLS and prints what it saw as one JSON object. The AMQP measurements of
// bench/run are made of its commands.
#include <sys/resource.h>

#include <CLI/CLI.hpp>
#include <cstdio>

#include "amqp/fleet.h"
#include "amqp/send.h"
#include "base/log.h"

namespace {

using namespace selvage;

int answer(const Result<JsonObject>& figures) {
    if (figures) {
        std::puts(to_text(*figures).c_str());
        return 0;
    }
    std::fprintf(stderr, "selvage-bench-amqp: %s\n", figures.error().detail.c_str());
    return 1;
}

void add_peer_options(CLI::App& command, bench::Peer& peer) {
    command.add_option("--host", peer.host, "Name in the server's certificate")->capture_default_str();
    command.add_option("--address", peer.address, "Address to dial")->capture_default_str();
    command.add_option("--port", peer.port, "Port")->required();
    command.add_option("--trust", peer.trusted_file, "PEM: the server's certificate or its CA")->required();
    command.add_option("--devices", peer.devices_file, "Connection strings, one a line; without it nobody has a token");
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
    CLI::App app{"Loads an AMQP 1.0 server over TLS; one JSON object on standard output."};
    app.require_subcommand(1);

    bench::SendPlan sending;
    auto* send = app.add_subcommand("send", "Telemetry, unsettled");
    add_peer_options(*send, sending.peer);
    send->add_option("--window", sending.window, "Unacknowledged messages a connection")->check(CLI::Range(1, 60'000));
    send->add_option("--size", sending.body_bytes, "Bytes of a body")->check(CLI::Range(12, 262'144));
    send->add_option("--rate", sending.messages_per_second, "Messages a second in all; 0: as many as the windows allow");
    send->add_option("--warm-up", sending.warm_up, "Seconds before the measuring");
    send->add_option("--seconds", sending.measured, "Seconds of measuring");
    send->add_option("--target", sending.address, "Where all send to, without tokens; else each device to its telemetry");
    send->add_option("--receive", sending.receive_from, "Receive and check everything from this address meanwhile");
    send->add_option("--drain", sending.drain_from, "Receive and check everything from this address afterwards");
    send->add_option("--server-pid", sending.server_pid, "Whose processor time counts");

    bench::AmqpFleetPlan staying;
    const std::map<std::string, bench::Stage> stages = {
        {"tls", bench::Stage::tls}, {"opened", bench::Stage::opened}, {"token", bench::Stage::token}, {"links", bench::Stage::links}};
    auto* fleet = app.add_subcommand("fleet", "Connect many, and stay idle");
    add_peer_options(*fleet, staying.peer);
    fleet->add_option("--stage", staying.stage, "How far each goes: tls, opened, token, links")
        ->transform(CLI::CheckedTransformer(stages));
    fleet->add_option("--at-once", staying.at_once, "Connections being made at a time");
    fleet->add_option("--settle", staying.settle, "Seconds between the last connection and the look at the memory");
    fleet->add_option("--server-pid", staying.server_pid, "Whose memory counts");
    CLI11_PARSE(app, argc, argv);

    log::start(log::Level::error);
    raise_descriptor_limit();
    if (send->parsed()) return answer(bench::run_send(std::move(sending)));
    return answer(bench::run_amqp_fleet(std::move(staying)));
}
