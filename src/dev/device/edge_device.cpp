#include "dev/device/edge_device.h"

#include "base/encoding.h"
#include "base/file.h"

namespace selvage::dev {
namespace {

// All modules are one user here, and each has a connection of its own now and then.
constexpr unsigned kConnectionsMax = 100'000;

}  // namespace

EdgeDevice::EdgeDevice(assembly::Surroundings around, net::Dialer& local, net::Dialer& uplink, EdgeDeviceSettings settings)
    : settings_(std::move(settings)),
      device_(around, local, uplink),
      runtime_(around.loop, around.time, virtual_images(), virtual_modules(device_)),
      blocking_("edge device files", 1) {
    device_.cloud = settings_.cloud;
    device_.edge = settings_.edge;
    device_.folder = settings_.folder + "/modules";
}
EdgeDevice::~EdgeDevice() = default;

std::string EdgeDevice::management_uri() const { return "unix://" + settings_.folder + "/mgmt.sock"; }
std::string EdgeDevice::ca_file() const { return settings_.folder + "/home/certs/edge-ca.pem"; }

Result<edge::daemon::DaemonSettings> EdgeDevice::daemon_settings() const {
    edge::daemon::DaemonSettings daemon;
    daemon.home.folder = settings_.folder + "/home";
    daemon.version = kVersion;
    daemon.hub_port = settings_.cloud.https_port;
    SELVAGE_TRY(const auto key, from_base64(settings_.device_key));
    SELVAGE_CHECK(make_folders(daemon.home.secrets_folder(), 0700));
    SELVAGE_CHECK(make_folders(device_.folder, 0700));
    SELVAGE_CHECK(replace_file(daemon.home.device_key_file(), key, 0600));
    auto& config = daemon.config;
    config.hostname = settings_.edge.address;
    config.trust_bundle_path = settings_.hub_ca_file;
    config.provisioning = {settings_.hub_host, settings_.device_id, "", daemon.home.device_key_file()};
    config.agent.name = "edgeAgent";
    config.agent.image = "selvage/edge-agent:dev";
    config.agent.env = {{"StorageFolder", device_.folder}};
    config.listen_management_path = settings_.folder + "/mgmt.sock";
    config.listen_workload_path = settings_.folder + "/workload.sock";
    config.connect_management_uri = "unix://" + config.listen_management_path;
    config.connect_workload_uri = "unix://" + config.listen_workload_path;
    config.management_connections_max = kConnectionsMax;
    config.workload_connections_max = kConnectionsMax;
    return daemon;
}

async::Awaitable<Result<>> EdgeDevice::start() {
    SELVAGE_CO_TRY(auto settings, daemon_settings());
    // Certificates and tokens of the daemon are looked at by others: it lives in their time.
    daemon_ = std::make_unique<edge::daemon::Daemon>(device_.around.loop, device_.around.client_time, device_.around.random,
                                                     blocking_, device_.uplink, runtime_, std::move(settings));
    co_return co_await daemon_->start();
}

async::Awaitable<> EdgeDevice::stop() {
    if (daemon_) co_await daemon_->stop();
    co_await runtime_.stop_all();
}

}  // namespace selvage::dev
