// The commands against a management API over a real Unix socket.

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <sstream>

#include "async/tests/run.h"
#include "base/file.h"
#include "cli/iotedge/command.h"
#include "cli/iotedge/daemon_process.h"
#include "net/http.h"
#include "net/listener.h"

namespace selvage::cli {
namespace {

class Commands : public ::testing::Test {
protected:
    void SetUp() override {
        std::string pattern = (std::filesystem::temp_directory_path() / "selvage-cli-XXXXXX").string();
        ASSERT_NE(::mkdtemp(pattern.data()), nullptr);
        folder_ = pattern;
        auto listener = net::listen_unix(loop_.get_executor(), time_, folder_ + "/mgmt.sock", 0600, net::ListenSettings(),
                                         [this](std::shared_ptr<net::Stream> stream) { return serve(std::move(stream)); });
        ASSERT_TRUE(listener) << listener.error().detail;
        listener_ = std::move(*listener);
    }
    void TearDown() override {
        async::testing::run(loop_, listener_->stop());
        std::filesystem::remove_all(folder_);
    }

    async::Awaitable<> serve(std::shared_ptr<net::Stream> stream) {
        co_await net::serve_http(stream, time_, net::HttpServerSettings(), [this](net::HttpRequest request) -> async::Awaitable<net::HttpResponse> {
            requests_.push_back(request.method + " " + request.target.substr(0, request.target.find('?')));
            const auto canned = answers_.find(requests_.back());
            net::HttpResponse response;
            response.status = canned == answers_.end() ? 404 : canned->second.first;
            response.headers.set("Content-Type", "application/json");
            response.body = canned == answers_.end() ? R"({"message":"not found"})" : canned->second.second;
            if (!log_parts_.empty() && request.target.find("/logs") != std::string::npos)
                response.stream = [this](net::HttpBodyWriter& writer) -> async::Awaitable<Result<>> {
                    for (const std::string& part : log_parts_) SELVAGE_CO_CHECK(co_await writer.write(part));
                    co_return Result<>();
                };
            co_return response;
        });
    }

    int run(Command command) {
        out_.str("");
        err_.str("");
        if (command.host.find("/var/run") != std::string::npos) command.host = "unix://" + folder_ + "/mgmt.sock";
        if (command.home == edge::config::kDefaultHome) command.home = folder_ + "/home";
        Surroundings surroundings{out_, err_, *dialer_, time_, "machine", "0.1.0"};
        int exit_code = -1;
        async::testing::run(loop_, [](Command given, Surroundings& around, int& code) -> async::Awaitable<> {
            code = co_await execute(std::move(given), around);
        }(std::move(command), surroundings, exit_code));
        return exit_code;
    }
    static Command command(Command::Verb verb, const std::string& module = {}) {
        Command made;
        made.verb = verb;
        made.module = module;
        return made;
    }

    boost::asio::io_context loop_;
    async::SystemTime time_;
    std::unique_ptr<net::Dialer> dialer_ = net::make_dialer(time_);
    std::unique_ptr<net::Listener> listener_;
    std::string folder_;
    std::map<std::string, std::pair<int, std::string>> answers_;
    std::vector<std::string> log_parts_;
    std::vector<std::string> requests_;
    std::ostringstream out_;
    std::ostringstream err_;
};

TEST_F(Commands, ListModules) {
    answers_["GET /modules"] = {200, R"({"modules":[{"id":"id","name":"m1","type":"docker","config":{"settings":{"image":"i:1"}},
        "status":{"runtimeStatus":{"status":"stopped"}}}]})"};
    EXPECT_EQ(run(command(Command::Verb::list)), 0);
    EXPECT_EQ(out_.str(), "NAME             STATUS           DESCRIPTION      Config\nm1               stopped          Stopped          i:1\n");
    answers_["GET /modules"] = {500, R"({"message":"runtime operation error: list modules\ncaused by: engine down"})"};
    EXPECT_EQ(run(command(Command::Verb::list)), 1);
    EXPECT_EQ(out_.str(), "");
    EXPECT_EQ(err_.str(), "A module runtime error occurred\n\tcaused by: Error calling List modules: runtime operation error: list modules\n"
                          "\tcaused by: engine down\n\n");
}

TEST_F(Commands, SayThatNobodyListens) {
    Command list = command(Command::Verb::list);
    list.host = "unix://" + folder_ + "/nobody.sock";
    EXPECT_EQ(run(list), 1);
    EXPECT_NE(err_.str().find("nobody.sock"), std::string::npos) << err_.str();
    list.host = "http://localhost";
    EXPECT_EQ(run(list), 1);
    EXPECT_TRUE(err_.str().starts_with("Invalid value for --host parameter\n")) << err_.str();
}

TEST_F(Commands, StripFramesFromLogsWhereverTheyAreCut) {
    const std::string stream = std::string("\1\0\0\0\0\0\0\6", 8) + "first\n" + std::string("\2\0\0\0\0\0\0\7", 8) + "second\n";
    for (const char c : stream) log_parts_.push_back(std::string(1, c));
    answers_["GET /modules/m1/logs"] = {200, ""};
    EXPECT_EQ(run(command(Command::Verb::logs, "m1")), 0) << err_.str();
    EXPECT_EQ(out_.str(), "first\nsecond\n");
    log_parts_.clear();
    EXPECT_EQ(run(command(Command::Verb::logs, "m2")), 1);
    EXPECT_EQ(out_.str(), "") << "an error is no log";
    EXPECT_NE(err_.str().find("Get logs for m2: not found"), std::string::npos) << err_.str();
    for (const auto& [parameter, field] : {std::pair("tail", &Command::tail), std::pair("since", &Command::since), std::pair("until", &Command::until)}) {
        Command bad = command(Command::Verb::logs, "m1");
        bad.*field = "nonsense";
        EXPECT_EQ(run(bad), 1);
        EXPECT_TRUE(err_.str().starts_with(fmt::format("Invalid value for --{} parameter\n", parameter))) << err_.str();
    }
}

TEST_F(Commands, RestartStopsAndStarts) {
    answers_["POST /modules/m1/stop"] = {204, ""};
    answers_["POST /modules/m1/start"] = {204, ""};
    EXPECT_EQ(run(command(Command::Verb::restart, "m1")), 0);
    EXPECT_EQ(out_.str(), "Restarted m1\n\n");
    EXPECT_EQ(requests_, (std::vector<std::string>{"POST /modules/m1/stop", "POST /modules/m1/start"}));
    answers_["POST /modules/m1/stop"] = {500, R"({"message":"busy"})"};
    EXPECT_EQ(run(command(Command::Verb::restart, "m1")), 0);
    EXPECT_EQ(out_.str(), "warn: m1 was not stopped gracefully: Error calling stop module m1: busy\nRestarted m1\n\n");
    EXPECT_EQ(run(command(Command::Verb::restart, "m2")), 1);
}

TEST_F(Commands, ConfigMpWritesAFileThatApplyTakes) {
    Command mp = command(Command::Verb::config_mp);
    mp.connection_string = "HostName=hub.example;DeviceId=d1;SharedAccessKey=c2VjcmV0LWtleQ==";
    mp.config_file = folder_ + "/etc/config.toml";
    EXPECT_EQ(run(mp), 0) << err_.str();
    EXPECT_NE(out_.str().find("sudo iotedge config apply -c '" + mp.config_file + "'"), std::string::npos) << out_.str();
    struct stat info {};
    ASSERT_EQ(::stat(mp.config_file.c_str(), &info), 0);
    EXPECT_EQ(info.st_mode & 07777, 0600u);
    EXPECT_EQ(run(mp), 1) << "it is there already";
    EXPECT_NE(err_.str().find("sudo iotedge config mp --force"), std::string::npos) << err_.str();
    mp.force = true;
    EXPECT_EQ(run(mp), 0);
    mp.connection_string = "HostName=hub.example";
    EXPECT_EQ(run(mp), 1);
    EXPECT_NE(err_.str().find("invalid connection string: required parameter \"DeviceId\""), std::string::npos) << err_.str();

    Command apply = command(Command::Verb::config_apply);
    apply.config_file = mp.config_file;
    EXPECT_EQ(run(apply), 0) << err_.str();
    EXPECT_EQ(*read_file(folder_ + "/home/secrets/device-id"), "secret-key");
    EXPECT_NE(out_.str().find("Note: Symmetric key will be written to"), std::string::npos);
    EXPECT_NE(out_.str().find("selvaged --home"), std::string::npos) << "nothing runs, so it says how to start it";
    apply.config_file = folder_ + "/none.toml";
    EXPECT_EQ(run(apply), 1);
    EXPECT_NE(err_.str().find("none.toml"), std::string::npos);
}

TEST_F(Commands, ConfigApplyKeepsTheHostnameWhileModulesExist) {
    const auto text = [this](const char* hostname) {
        return fmt::format("hostname = \"{}\"\n[provisioning]\nsource = \"manual\"\nconnection_string = \"HostName=h;DeviceId=d;SharedAccessKey=aGVsbG8=\"\n"
                           "[listen]\nmanagement_uri = \"unix://{}/mgmt.sock\"\n", hostname, folder_);
    };
    Command apply = command(Command::Verb::config_apply);
    apply.config_file = folder_ + "/config.toml";
    ASSERT_TRUE(replace_file(apply.config_file, text("one")));
    EXPECT_EQ(run(apply), 0) << err_.str();
    ASSERT_TRUE(replace_file(apply.config_file, text("two")));
    answers_["GET /modules"] = {200, R"({"modules":[{"name":"m1","type":"docker"}]})"};
    EXPECT_EQ(run(apply), 1);
    EXPECT_NE(err_.str().find("the hostname changes from one to two"), std::string::npos) << err_.str();
    answers_["GET /modules"] = {200, R"({"modules":[]})"};
    EXPECT_EQ(run(apply), 0) << err_.str();
}

TEST_F(Commands, SystemStatusSaysWhatRuns) {
    answers_["GET /modules"] = {200, R"({"modules":[]})"};
    EXPECT_EQ(run(command(Command::Verb::system_status)), 0);
    EXPECT_TRUE(out_.str().starts_with("System services:\n    selvaged                Running\n\n")) << out_.str();
    answers_["GET /modules"] = {500, R"({"message":"engine down"})"};
    EXPECT_EQ(run(command(Command::Verb::system_status)), 0);
    EXPECT_NE(out_.str().find("engine down"), std::string::npos);
    Command away = command(Command::Verb::system_status);
    away.host = "unix://" + folder_ + "/nobody.sock";
    EXPECT_EQ(run(away), 0);
    if (!is_systemd_service()) EXPECT_NE(out_.str().find("selvaged                Down - not started\n"), std::string::npos) << out_.str();
    EXPECT_NE(out_.str().find("selvaged is in a bad state because:\n"), std::string::npos);
}

TEST_F(Commands, ADeadOrForeignProcessIsNotTheDaemon) {
    const edge::config::Home home{folder_};
    EXPECT_FALSE(daemon_process(home));
    ASSERT_TRUE(replace_file(home.pid_file(), fmt::format("{}\n", ::getpid())));
    EXPECT_FALSE(daemon_process(home)) << "this test is no selvaged";
    ASSERT_TRUE(replace_file(home.pid_file(), "nonsense"));
    EXPECT_FALSE(daemon_process(home));
}

}  // namespace
}  // namespace selvage::cli
