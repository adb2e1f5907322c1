#include "edge/daemon/tests/daemon_fixture.h"

#include <sys/stat.h>

#include "edge/identity/provisioning_state.h"

namespace selvage::edge::daemon {
namespace {

using testing::DaemonTest;
using testing::ModuleStatus;

class DaemonStart : public DaemonTest {
protected:
    void remember(const std::string& device) {
        ASSERT_TRUE(make_folders(folder_ + "/home/cache"));
        ASSERT_TRUE(replace_file(folder_ + "/home/cache/provisioning_state", identity::provisioning_digest({device, "127.0.0.1", "127.0.0.1"})));
    }
};

TEST_F(DaemonStart, CreatesTheAgentWithItsGenerationAndSocket) {
    start_with_agent();
    const auto& spec = runtime_.containers["edgeAgent"].spec;
    EXPECT_NE(std::ranges::find(spec.env, std::pair<std::string, std::string>("IOTEDGE_MODULEGENERATIONID", "agentgen")), spec.env.end());
    EXPECT_TRUE(file_exists(folder_ + "/home/mnt/edgeAgent.sock"));
    struct stat info {};
    ASSERT_EQ(::stat((folder_ + "/mgmt.sock").c_str(), &info), 0);
    EXPECT_EQ(info.st_mode & 07777, 0660u);
    if (::geteuid() == 0) EXPECT_EQ(info.st_uid, 13622u);
    ASSERT_EQ(::stat((folder_ + "/home/mnt/edgeAgent.sock").c_str(), &info), 0);
    EXPECT_EQ(info.st_mode & 07777, 0666u);
}

TEST_F(DaemonStart, LeavesRunningModulesOfTheSameDeviceAndShowsThemTheNewSockets) {
    remember("d1");
    runtime_.add_running("edgeAgent");
    runtime_.add_running("m1");
    start_daemon();
    until([this] { return runtime_.called("refresh m1 m1.sock"); }, "the sockets are shown");
    EXPECT_TRUE(file_exists(folder_ + "/home/mnt/m1.sock"));
    EXPECT_EQ(runtime_.containers["m1"].status, ModuleStatus::running);
    for (const char* call : {"stop m1", "restart m1", "remove m1"}) EXPECT_FALSE(runtime_.called(call)) << call;
}

TEST_F(DaemonStart, RestartsModulesThatCannotBeShownTheNewSockets) {
    remember("d1");
    runtime_.mounts_can_be_refreshed = false;
    runtime_.add_running("m1");
    start_daemon();
    until([this] { return runtime_.called("restart m1"); }, "the module is restarted");
}

TEST_F(DaemonStart, RemovesModulesOfAnotherDevice) {
    remember("another device");
    runtime_.add_running("m1");
    start_daemon();
    until([this] { return runtime_.called("start edgeAgent"); }, "the new agent starts");
    EXPECT_FALSE(runtime_.containers.contains("m1"));
    EXPECT_EQ(*read_file(folder_ + "/home/cache/provisioning_state"), identity::provisioning_digest({"d1", "127.0.0.1", "127.0.0.1"}));
}

TEST_F(DaemonStart, LeavesModulesRunningWhenItStops) {
    start_with_agent();
    run(daemon_->stop());
    EXPECT_EQ(runtime_.containers["edgeAgent"].status, ModuleStatus::running);
    EXPECT_FALSE(runtime_.called("stop edgeAgent"));
    run(daemon_->stop());
}

TEST_F(DaemonStart, SaysWhatIsWrongWithItsFiles) {
    const auto refusal = [this] {
        std::string detail;
        Daemon daemon(loop_.get_executor(), time_, random_, *blocking_, *dialer_, runtime_, settings_);
        run([](Daemon& tried, std::string& out) -> async::Awaitable<> {
            auto started = co_await tried.start();
            EXPECT_FALSE(started);
            if (!started) out = started.error().detail;
            co_await tried.stop();
        }(daemon, detail));
        return detail;
    };
    settings_.config.trust_bundle_path = folder_ + "/missing.pem";
    EXPECT_NE(refusal().find("missing.pem"), std::string::npos);
    settings_.config.trust_bundle_path.clear();
    settings_.config.listen_workload_path = folder_ + "/" + std::string(120, 'x');
    EXPECT_NE(refusal().find("107"), std::string::npos) << refusal();
    settings_.config.provisioning.key_path = folder_ + "/no-key";
    EXPECT_NE(refusal().find("no-key"), std::string::npos);
}

TEST_F(DaemonStart, RefusesMoreConnectionsThanAUserMayHave) {
    settings_.config.workload_connections_max = 2;
    start_with_agent();
    run([](net::Dialer& dialer, std::string path) -> async::Awaitable<> {
        net::Target target;
        target.unix_path = std::move(path);
        std::vector<std::unique_ptr<net::Stream>> open;
        for (int i = 0; i < 3; ++i) {
            auto stream = co_await dialer.dial(target, std::chrono::seconds(5));
            EXPECT_TRUE(stream);
            open.push_back(std::move(*stream));
        }
        std::array<std::byte, 16> buffer{};
        auto got = co_await open[2]->read_some(buffer);
        EXPECT_TRUE(!got || *got == 0) << "closed without a word";
    }(*dialer_, settings_.config.listen_workload_path));
}

}  // namespace
}  // namespace selvage::edge::daemon
