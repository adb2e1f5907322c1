// A whole daemon over real Unix sockets, with containers in memory and a hub without TLS.
#pragma once

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <functional>

#include "async/tests/run.h"
#include "base/file.h"
#include "edge/daemon/daemon.h"
#include "edge/daemon/tests/fake_runtime.h"
#include "edge/identity/tests/fake_hub.h"
#include "edge/management/management_client.h"
#include "net/http.h"

namespace selvage::edge::daemon::testing {

class DaemonTest : public ::testing::Test {
protected:
    void SetUp() override {
        std::string pattern = (std::filesystem::temp_directory_path() / "selvage-d-XXXXXX").string();
        ASSERT_NE(::mkdtemp(pattern.data()), nullptr);
        folder_ = pattern;
        ASSERT_TRUE(replace_file(folder_ + "/key", "device key", 0600));
        hub_.modules["$edgeAgent"].generation = "agentgen";
        runtime_.next_pids = {::getpid()};   // so that this test is a process of every module
        settings_.config.hostname = "edge.local";
        settings_.config.provisioning = {"127.0.0.1", "d1", "", folder_ + "/key"};
        settings_.config.listen_management_path = folder_ + "/mgmt.sock";
        settings_.config.listen_workload_path = folder_ + "/workload.sock";
        settings_.config.connect_management_uri = "unix://" + folder_ + "/mgmt.sock";
        settings_.config.agent.name = "edgeAgent";
        settings_.config.agent.image = "agent:1";
        settings_.config.cloud_retries = 0;
        settings_.home.folder = folder_ + "/home";
        settings_.version = "0.1.0";
        settings_.hub_port = hub_.port();
        settings_.hub_in_clear = true;
    }
    void TearDown() override {
        if (daemon_) run(daemon_->stop());
        daemon_.reset();
        run(hub_.stop());
        blocking_.reset();
        std::filesystem::remove_all(folder_);
    }

    void run(async::Awaitable<> task) { async::testing::run(loop_, std::move(task)); }

    void start_daemon() {
        daemon_ = std::make_unique<Daemon>(loop_.get_executor(), time_, random_, *blocking_, *dialer_, runtime_, settings_);
        run([](Daemon& daemon) -> async::Awaitable<> {
            auto started = co_await daemon.start();
            EXPECT_TRUE(started) << started.error().detail;
        }(*daemon_));
    }
    // Lets the daemon work until `condition` holds.
    void until(std::function<bool()> condition, const char* what) {
        const auto limit = std::chrono::steady_clock::now() + std::chrono::seconds(10);
        while (!condition() && std::chrono::steady_clock::now() < limit) {
            loop_.restart();
            loop_.run_one_for(std::chrono::milliseconds(50));
        }
        ASSERT_TRUE(condition()) << what;
    }
    void start_with_agent() {
        start_daemon();
        until([this] { return runtime_.called("start edgeAgent"); }, "the watchdog starts edgeAgent");
    }

    struct Answer {
        int status = 0;
        std::string type;
        std::string body;
        JsonObject json() const {
            const auto object = parse_json_object(body);
            return object ? *object : JsonObject();
        }
        std::string message() const { return std::string(find_text(json(), "message")); }
    };
    // A request to one of the daemon's sockets (or a path), with Content-Type unless `type` is empty.
    Answer ask(const std::string& socket, const std::string& method, const std::string& target, const std::string& body = {},
               const std::string& type = {}) {
        Answer answer;
        run([](DaemonTest& test, std::string path, net::HttpRequest request, Answer& out) -> async::Awaitable<> {
            net::Target where;
            where.host = "localhost";
            where.unix_path = std::move(path);
            net::HttpClient http(*test.dialer_, test.time_, std::move(where));
            auto response = co_await http.send(std::move(request));
            EXPECT_TRUE(response) << response.error().detail;
            if (!response) co_return;
            out.status = response->status;
            out.type = response->headers.get("Content-Type");
            out.body = response->body;
        }(*this, socket, request(method, target, body, type), answer));
        return answer;
    }
    Answer manage(const std::string& method, const std::string& target, const std::string& body = {}, const std::string& type = {}) {
        return ask(settings_.config.listen_management_path, method, target, body, type);
    }
    Answer work(const std::string& method, const std::string& target, const std::string& body = {}, const std::string& type = {}) {
        return ask(settings_.config.listen_workload_path, method, target, body, type);
    }
    static net::HttpRequest request(const std::string& method, const std::string& target, const std::string& body, const std::string& type) {
        net::HttpRequest made;
        made.method = method;
        made.target = target;
        made.body = body;
        made.headers.set("Connection", "close");
        if (!type.empty()) made.headers.set("Content-Type", type);
        return made;
    }

    boost::asio::io_context loop_;
    async::SystemTime time_;
    SystemRandom random_;
    std::unique_ptr<net::Dialer> dialer_ = net::make_dialer(time_);
    std::unique_ptr<async::BlockingPool> blocking_ = std::make_unique<async::BlockingPool>("test", 1);
    FakeRuntime runtime_{loop_.get_executor()};
    identity::testing::FakeHub hub_{loop_.get_executor(), time_};
    std::string folder_;
    DaemonSettings settings_;
    std::unique_ptr<Daemon> daemon_;
};

}  // namespace selvage::edge::daemon::testing
