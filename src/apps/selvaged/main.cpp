// selvaged: the security daemon of an edge device.
//
//   selvaged [--home DIR] [--config FILE]
//
// Reads DIR/config.toml, which `iotedge config apply` wrote; with --config it applies FILE first. SIGTERM and SIGINT end it and
// leave the modules running; SIGHUP makes it read its configuration again. Exit codes: 0 asked to stop, 1 failed, 2 wrong
// usage, 153 the configuration cannot be used (a service manager should not try again).

#include <fcntl.h>
#include <fmt/core.h>
#include <sys/file.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <boost/asio/io_context.hpp>
#include <csignal>
#include <cstdlib>
#include <filesystem>

#include "async/blocking_pool.h"
#include "async/channel.h"
#include "async/signals.h"
#include "async/task_group.h"
#include "base/file.h"
#include "base/log.h"
#include "edge/config/apply.h"
#include "edge/daemon/daemon.h"
#include "edge/runtime/docker/docker_runtime.h"

namespace selvage {
namespace {

constexpr int kFailed = 1;
constexpr int kConfigUnusable = 153;

struct Options {
    std::string home{edge::config::kDefaultHome};
    std::string config;      // empty: what was applied before
};

std::string machine_hostname() {
    std::array<char, 256> name{};
    return ::gethostname(name.data(), name.size() - 1) == 0 ? name.data() : "localhost";
}

Result<edge::config::SuperConfig> load(const edge::config::Home& home, const std::string& file) {
    if (!file.empty()) {
        SELVAGE_TRY(const std::string text, read_file(file));
        auto applied = edge::config::apply_config(text, home, machine_hostname());
        if (!applied) return fail(applied.error().in(file));
        return std::move(applied->config);
    }
    auto text = read_file(home.config_file());
    if (!text && text.error().code == Errc::not_found)
        return fail(Errc::not_found, fmt::format("{} does not exist: run `iotedge config apply`, or give --config", home.config_file()));
    if (!text) return fail(text.error());
    auto config = edge::config::parse_super_config(*text, machine_hostname());
    if (!config) return fail(config.error().in(home.config_file()));
    return std::move(*config);
}

// The pid file, locked for as long as this process lives: one daemon a home.
class PidFile {
public:
    Result<> take(const std::string& path) {
        fd_ = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644);
        if (fd_ < 0) return fail(from_errno("open " + path, errno));
        if (::flock(fd_, LOCK_EX | LOCK_NB) != 0)
            return fail(Errc::already_exists, fmt::format("another selvaged runs with this home ({} is locked)", path));
        const std::string text = fmt::format("{}\n", ::getpid());
        if (::ftruncate(fd_, 0) != 0 || ::write(fd_, text.data(), text.size()) < 0) return fail(from_errno("write " + path, errno));
        path_ = path;
        return {};
    }
    ~PidFile() {
        if (!path_.empty()) ::unlink(path_.c_str());
        if (fd_ >= 0) ::close(fd_);
    }
    PidFile() = default;
    PidFile(const PidFile&) = delete;
    PidFile& operator=(const PidFile&) = delete;

private:
    int fd_ = -1;
    std::string path_;
};

edge::runtime::DockerSettings docker_settings(const edge::config::SuperConfig& config) {
    edge::runtime::DockerSettings settings;
    settings.engine_path = config.engine_path;
    settings.network_name = config.network.name;
    settings.network_ipv6 = config.network.ipv6;
    settings.network_ipam = config.network.ipam;
    settings.allow_elevated_permissions = config.allow_elevated_docker_permissions;
    return settings;
}

using Happenings = async::Channel<int>;   // signal numbers; 0: the daemon gave up

async::Awaitable<> report_signals(async::Signals& signals, Happenings& happenings) {
    for (int number = co_await signals.next(); number != 0; number = co_await signals.next()) happenings.try_push(number);
}

async::Awaitable<> report_end(edge::daemon::Daemon& daemon, Happenings& happenings) {
    const Error reason = co_await daemon.over();
    if (reason.code == Errc::cancelled) co_return;
    log::error("selvaged", "{}", reason.detail);
    happenings.try_push(0);
}

class Program {
public:
    Program(async::Executor loop, edge::config::Home home, edge::config::SuperConfig config)
        : loop_(loop), home_(std::move(home)), config_(std::move(config)), blocking_("selvaged files", 2),
          dialer_(net::make_dialer(time_)), happenings_(loop, 16) {}

    async::Awaitable<> run() {
        async::Signals signals(loop_, {SIGTERM, SIGINT, SIGHUP});
        async::TaskGroup group(loop_);
        group.spawn("signals", report_signals(signals, happenings_));
        while (co_await run_once()) {
        }
        co_await group.stop();
    }
    int exit_code() const { return exit_code_; }

private:
    // One life of the daemon. True when it should live again with the configuration of now.
    async::Awaitable<bool> run_once() {
        const auto runtime = edge::runtime::make_docker_runtime(*dialer_, time_, blocking_, docker_settings(config_));
        edge::daemon::DaemonSettings settings{config_, home_, SELVAGE_VERSION};
        edge::daemon::Daemon daemon(loop_, time_, random_, blocking_, *dialer_, *runtime, std::move(settings));
        auto started = co_await daemon.start();
        if (!started) {
            log::error("selvaged", "cannot start: {}", started.error().detail);
            exit_code_ = kFailed;
            co_return false;
        }
        log::info("selvaged", "started home={} management={}", home_.folder, config_.listen_management_path);
        async::TaskGroup group(loop_);
        group.spawn("end of the daemon", report_end(daemon, happenings_));
        const bool again = co_await wait_for_end();
        co_await group.stop();
        co_await daemon.stop();
        co_return again;
    }

    async::Awaitable<bool> wait_for_end() {
        for (;;) {
            const auto happening = co_await happenings_.pop();
            if (!happening || *happening == SIGTERM || *happening == SIGINT) {
                log::info("selvaged", "stopped; the modules go on running");
                co_return false;
            }
            if (*happening == 0) {
                exit_code_ = kFailed;
                co_return false;
            }
            auto config = load(home_, "");
            if (config) {
                log::info("selvaged", "configured anew");
                config_ = std::move(*config);
                co_return true;
            }
            log::error("selvaged", "go on with the configuration of before, the new one cannot be used: {}", config.error().detail);
        }
    }

    async::Executor loop_;
    edge::config::Home home_;
    edge::config::SuperConfig config_;
    async::SystemTime time_;
    SystemRandom random_;
    async::BlockingPool blocking_;
    std::unique_ptr<net::Dialer> dialer_;
    Happenings happenings_;
    int exit_code_ = 0;
};

void start_log() {
    log::Level level = log::Level::info;
    for (const char* name : {"AZIOT_LOG", "SELVAGE_LOG"})
        if (const char* text = std::getenv(name)) log::parse_level(text, level);
    log::start(level);
}

int run(const Options& options) {
    start_log();
    std::error_code error;
    const auto folder = std::filesystem::weakly_canonical(std::filesystem::absolute(options.home), error);
    const edge::config::Home home{error ? options.home : folder.string()};
    auto config = load(home, options.config);
    if (!config) {
        log::error("selvaged", "{}", config.error().detail);
        return kConfigUnusable;
    }
    PidFile pid_file;
    auto taken = pid_file.take(home.pid_file());
    if (!taken) {
        log::error("selvaged", "{}", taken.error().detail);
        return kFailed;
    }
    boost::asio::io_context loop(1);
    Program program(loop.get_executor(), home, std::move(*config));
    async::spawn_root(loop.get_executor(), program.run(), [] {});
    loop.run();
    return program.exit_code();
}

}  // namespace
}  // namespace selvage

int main(int argc, char** argv) {
    // A peer that leaves while it is written to is an error value, not the end of the process.
    std::signal(SIGPIPE, SIG_IGN);
    selvage::Options options;
    CLI::App app("The security daemon of an edge device: identities, certificates, module runtime.", "selvaged");
    app.add_option("--home", options.home, "Folder with the configuration and everything the daemon keeps")->capture_default_str();
    app.add_option("--config", options.config, "Apply this configuration file first");
    app.set_version_flag("--version", "selvaged " SELVAGE_VERSION);
    try {
        app.parse(argc, argv);
    } catch (const CLI::ParseError& error) {
        return app.exit(error) == 0 ? 0 : 2;
    }
    return selvage::run(options);
}
