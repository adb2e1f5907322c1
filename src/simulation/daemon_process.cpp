#include "simulation/daemon_process.h"

#include "base/log.h"
#include "simulation/cloud_process.h"

namespace selvage::simulation {
namespace {

edge::daemon::DaemonSettings settings_of(const DaemonProcess::Settings& process, Seat& seat) {
    edge::daemon::DaemonSettings settings;
    settings.config.hostname = process.device + ".simulated";
    settings.config.provisioning.iothub_hostname = kCloudHost;
    settings.config.provisioning.device_id = process.device;
    settings.config.provisioning.key_path = process.key_file;
    settings.config.listen_management_path = settings.config.connect_management_uri = kManagementSocket;
    settings.config.connect_management_uri.insert(0, "unix://");
    settings.config.listen_workload_path = "/run/simulated/workload.sock";
    settings.config.connect_workload_uri = std::string("unix://") + kAgentSocket;
    settings.config.agent.name = "edgeAgent";
    settings.config.agent.image = "agent:1";
    settings.home.folder = seat.disk->folder() + "/home";
    settings.version = "simulated";
    settings.hub_port = kHttpsPort;
    settings.hub_in_clear = true;
    settings.open_socket = [&seat](const std::string& path, unsigned /*mode*/, net::Serve serve) {
        return Result<std::unique_ptr<net::Listener>>(seat.endpoint.listen_unix(path, std::move(serve)));
    };
    return settings;
}

}  // namespace

DaemonProcess::DaemonProcess(async::Executor loop, std::unique_ptr<Seat> seat, Engine& engine, Settings settings)
    : loop_(std::move(loop)),
      seat_(std::move(seat)),
      runtime_(engine.connect(seat_->endpoint)),
      files_("simulated files", 1, 10'000, seat_->disk->worker()),
      tasks_(loop_) {
    seat_->endpoint.share_sockets(settings.device);
    daemon_ = std::make_unique<edge::daemon::Daemon>(loop_, seat_->time, seat_->random, files_, seat_->endpoint, *runtime_,
                                                     settings_of(settings, *seat_));
}
DaemonProcess::~DaemonProcess() = default;

Result<> DaemonProcess::start() {
    tasks_.spawn("simulated daemon", run());
    return {};
}

async::Awaitable<> DaemonProcess::run() {
    const auto started = co_await daemon_->start();
    if (!started) log::warn("simulation.daemon", "not started reason={}", started.error().detail);
}

async::Awaitable<> DaemonProcess::stop() {
    co_await tasks_.stop();
    co_await daemon_->stop();
}

}  // namespace selvage::simulation
