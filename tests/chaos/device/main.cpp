// selvage-chaos-device: the load of a chaos run. Runs until SIGTERM; may be killed at any time and started again on the same
// journal.
#include <CLI/CLI.hpp>

#include <boost/asio/io_context.hpp>
#include <csignal>
#include <cstdio>
#include <memory>
#include <vector>

#include "async/signals.h"
#include "async/task_group.h"
#include "base/encoding.h"
#include "base/file.h"
#include "base/log.h"
#include "device/sender.h"

namespace selvage::chaos {
namespace {

struct Options {
    std::string identities_file;
    std::string ca_file;
    std::string journal_file;
    unsigned interval_ms = 100;
};

Result<std::vector<codec::ConnectionString>> read_identities(const std::string& path) {
    SELVAGE_TRY(const auto text, read_file(path));
    std::vector<codec::ConnectionString> identities;
    std::string_view rest = text;
    while (!rest.empty()) {
        const auto end = std::min(rest.find('\n'), rest.size() - 1);
        const auto line = trim(rest.substr(0, end + 1));
        rest.remove_prefix(end + 1);
        if (line.empty()) continue;
        SELVAGE_TRY(auto identity, codec::parse_connection_string(line));
        identities.push_back(std::move(identity));
    }
    return identities;
}

Awaitable<> run_senders(std::vector<std::unique_ptr<Sender>>* senders) {
    for (const auto& sender : *senders) sender->start();
    co_await async::wait_for_stop_signal();
    for (const auto& sender : *senders) co_await sender->stop();
}

Result<> run(const Options& options) {
    SELVAGE_TRY(const auto identities, read_identities(options.identities_file));
    SELVAGE_TRY(const auto ca, read_file(options.ca_file));
    SELVAGE_TRY(auto journal, Journal::open(options.journal_file));
    SenderSettings settings;
    settings.interval = std::chrono::milliseconds(options.interval_ms);
    SELVAGE_TRY(settings.tls, net::TlsClientContext::make(ca, false));

    boost::asio::io_context loop{1};
    async::SystemTime time;
    SystemRandom random;
    const auto dialer = net::make_dialer(time);
    std::vector<std::unique_ptr<Sender>> senders;
    for (const auto& identity : identities)
        senders.push_back(std::make_unique<Sender>(loop.get_executor(), time, random, *dialer, journal, identity, settings));
    async::spawn_root(loop.get_executor(), run_senders(&senders), [&loop] { loop.stop(); });
    loop.run();
    return {};
}

}  // namespace
}  // namespace selvage::chaos

int main(int argc, char** argv) {
    using namespace selvage;
    CLI::App app{"Sends numbered telemetry from some identities and keeps a journal of what was acknowledged."};
    chaos::Options options;
    app.add_option("--identities", options.identities_file, "File with one connection string a line")->required();
    app.add_option("--ca", options.ca_file, "Trust only this CA (PEM)")->required();
    app.add_option("--journal", options.journal_file, "Where to write what happened; read first")->required();
    app.add_option("--interval-ms", options.interval_ms, "Between two messages of one identity")->capture_default_str();
    CLI11_PARSE(app, argc, argv);
    log::start(log::Level::info);
    std::signal(SIGPIPE, SIG_IGN);
    if (auto done = chaos::run(options); !done) {
        std::fprintf(stderr, "selvage-chaos-device: %s\n", done.error().detail.c_str());
        return 1;
    }
    return 0;
}
