#include "edge/daemon/tests/daemon_fixture.h"

namespace selvage::edge::daemon {
namespace {

using ManagementApi = testing::DaemonTest;
using testing::ModuleStatus;

constexpr const char* kVersion = "api-version=2022-08-03";
constexpr const char* kSpec = R"({"name":"m1","type":"docker","config":{"settings":{"image":"i:1","createOptions":{"Tty":true},
    "auth":{"username":"u","password":"hush"}},"env":[{"key":"A","value":"1"}]}})";

std::string at(const std::string& path) { return path + (path.find('?') == std::string::npos ? "?" : "&") + kVersion; }

TEST_F(ManagementApi, CreatesStartsStopsAndRemovesAModule) {
    start_with_agent();
    auto answer = manage("POST", at("/modules"), kSpec);
    EXPECT_EQ(answer.status, 201) << answer.body;
    EXPECT_EQ(answer.body,
              R"({"id":"id","name":"m1","type":"docker","config":{"settings":{"image":"i:1","createOptions":{"Tty":true}},)"
              R"("env":[{"key":"A","value":"1"}]},"status":{"runtimeStatus":{"status":"stopped"}}})");
    EXPECT_TRUE(runtime_.called("pull i:1"));
    EXPECT_EQ(manage("POST", at("/modules"), kSpec).status, 409);

    EXPECT_EQ(manage("POST", at("/modules/m1/Start")).status, 204);
    EXPECT_EQ(runtime_.containers["m1"].status, ModuleStatus::running);
    EXPECT_TRUE(file_exists(folder_ + "/home/mnt/m1.sock")) << "bound before the engine starts the container";
    EXPECT_EQ(find_text(*find_object(*find_object(manage("GET", at("/modules/m1")).json(), "status"), "runtimeStatus"), "status"), "running");
    EXPECT_EQ(find_array(manage("GET", at("/modules/")).json(), "modules")->size(), 2u);
    EXPECT_EQ(manage("POST", at("/modules/m1/stop")).status, 204);
    EXPECT_EQ(manage("POST", at("/modules/m1/restart")).status, 204);
    EXPECT_EQ(manage("DELETE", at("/modules/m1")).status, 204);
    EXPECT_FALSE(file_exists(folder_ + "/home/mnt/m1.sock"));
    EXPECT_EQ(manage("DELETE", at("/modules/m1")).status, 500) << "as Azure's daemon answers";
    EXPECT_EQ(manage("GET", at("/modules/m1")).status, 404);
    answer = manage("POST", at("/modules/m1/start"));
    EXPECT_EQ(answer.status, 404);
    EXPECT_EQ(answer.message(), "runtime operation error: start module \"m1\"\ncaused by: No such container: m1");
}

TEST_F(ManagementApi, RefusesABadModule) {
    start_with_agent();
    EXPECT_EQ(manage("POST", at("/modules")).message(), "missing request body");
    EXPECT_EQ(manage("POST", at("/modules"), R"({"type":"docker","config":{"settings":{"image":"i"}}})").status, 422);
    const auto blank = manage("POST", at("/modules"), R"({"name":" ","type":"docker","config":{"settings":{"image":"i"}}})");
    EXPECT_EQ(blank.status, 400);
    EXPECT_EQ(blank.message(), "module name cannot be empty");
    const auto kind = manage("POST", at("/modules"), R"({"name":"m","type":"vm","config":{"settings":{"image":"i"}}})");
    EXPECT_EQ(kind.status, 500);
    EXPECT_EQ(kind.message(), "invalid module type: \"vm\"");
    EXPECT_EQ(manage("PUT", at("/modules/m1?start=maybe"), kSpec).message(), "invalid parameter: start");
    EXPECT_EQ(manage("POST", at("/modules/other/prepareupdate"), kSpec).message(), "module name in spec does not match URI");
    EXPECT_EQ(manage("POST", at("/modules/m1/prepareupdate"), kSpec).status, 204);
    EXPECT_EQ(manage("GET", at("/modules/m1/logs?tail=some")).message(), "invalid parameter: tail");
    EXPECT_EQ(manage("GET", at("/modules/m1/logs?follow=yes")).message(), "invalid parameter: follow");
    EXPECT_EQ(manage("GET", at("/modules/m1/logs?since=soon")).message(), "invalid parameter: since");
    EXPECT_EQ(manage("GET", at("/modules/m1/logs")).status, 404);
}

TEST_F(ManagementApi, ReplacesAModuleOnlyOnceItsImageIsHere) {
    start_with_agent();
    runtime_.add_running("m1");
    runtime_.pull_error = "manifest for i:1 not found";
    auto answer = manage("PUT", at("/modules/m1?start=true"), kSpec);
    EXPECT_EQ(answer.status, 500);
    EXPECT_EQ(answer.message(), "registry operation error: pull image \"i:1\"\ncaused by: manifest for i:1 not found");
    EXPECT_EQ(runtime_.containers["m1"].status, ModuleStatus::running) << "the old one stays";
    runtime_.pull_error.clear();
    answer = manage("PUT", at("/modules/m1?start=true"), kSpec);
    EXPECT_EQ(answer.status, 201);
    EXPECT_NE(answer.body.find(R"("status":"running")"), std::string::npos);
    EXPECT_EQ(answer.body.find("hush"), std::string::npos) << "no password in an answer";
    EXPECT_EQ(runtime_.containers["m1"].spec.image, "i:1");
}

TEST_F(ManagementApi, AnswersEdgeAgentBeforeItReplacesIt) {
    start_with_agent();
    runtime_.pull_may_end.reset();
    const auto answer = manage("PUT", at("/modules/edgeAgent?start=true"),
                               R"({"name":"edgeAgent","type":"docker","config":{"settings":{"image":"agent:2"}}})");
    EXPECT_EQ(answer.status, 201);
    EXPECT_EQ(runtime_.containers["edgeAgent"].spec.image, "agent:1");
    // Others are served while the image comes.
    EXPECT_EQ(manage("GET", at("/modules")).status, 200);
    runtime_.pull_may_end.set();
    until([this] {
        return runtime_.containers["edgeAgent"].spec.image == "agent:2" && runtime_.containers["edgeAgent"].status == ModuleStatus::running;
    }, "the new edgeAgent runs");
}

TEST_F(ManagementApi, ReplacesEdgeAgentOnceHoweverOftenItAsks) {
    start_with_agent();
    runtime_.calls.clear();
    runtime_.pull_may_end.reset();
    const auto ask = [this] {
        return manage("PUT", at("/modules/edgeAgent?start=true"),
                      R"({"name":"edgeAgent","type":"docker","config":{"settings":{"image":"agent:2"}}})");
    };
    EXPECT_EQ(ask().status, 201);
    EXPECT_EQ(ask().status, 201);
    runtime_.pull_may_end.set();
    until([this] { return runtime_.called("start edgeAgent"); }, "the new agent starts");
    EXPECT_EQ(std::ranges::count(runtime_.calls, "pull agent:2"), 1);
    EXPECT_EQ(std::ranges::count(runtime_.calls, "remove edgeAgent"), 1);
}

TEST_F(ManagementApi, LetsOnlyEdgeAgentChangeThings) {
    runtime_.next_pids = {1};   // this test is no process of edgeAgent
    start_with_agent();
    const std::pair<const char*, const char*> closed[] = {
        {"POST", "/modules"},    {"PUT", "/modules/m1"},    {"DELETE", "/modules/m1"},    {"POST", "/modules/m1/prepareupdate"},
        {"POST", "/identities"}, {"PUT", "/identities/m1"}, {"DELETE", "/identities/m1"}, {"POST", "/device/reprovision"},
    };
    for (const auto& [method, path] : closed) {
        const auto answer = manage(method, at(path), std::string_view(method) == "DELETE" ? "" : kSpec);
        EXPECT_EQ(answer.status, 403) << method << " " << path;
        EXPECT_EQ(answer.message(), "forbidden");
    }
    EXPECT_EQ(manage("GET", at("/modules")).status, 200) << "the daemon's own user may look";
    EXPECT_EQ(manage("GET", at("/identities")).status, 200);
}

TEST_F(ManagementApi, StreamsLogs) {
    start_with_agent();
    const auto answer = manage("GET", at("/modules/edgeAgent/logs?tail=all&since=1%20day&timestamps=false&follow=false"));
    EXPECT_EQ(answer.status, 200);
    EXPECT_EQ(answer.type, "text/plain");
    EXPECT_EQ(answer.body, runtime_.log_text);
}

TEST_F(ManagementApi, ManagesIdentities) {
    start_with_agent();
    auto answer = manage("POST", at("/identities/"), R"({"moduleId":"m1","managedBy":"IotEdge"})");
    EXPECT_EQ(answer.status, 200);
    EXPECT_EQ(answer.body, R"({"moduleId":"m1","managedBy":"IotEdge","generationId":"gen1","authType":"sas"})");
    EXPECT_FALSE(hub_.modules["m1"].primary_key.empty());
    answer = manage("GET", at("/identities/"));
    EXPECT_EQ(answer.body,
              R"({"identities":[{"moduleId":"$edgeAgent","managedBy":"iotedge","generationId":"agentgen","authType":"sas"},)"
              R"({"moduleId":"m1","managedBy":"iotedge","generationId":"gen1","authType":"sas"}]})");
    EXPECT_EQ(manage("PUT", at("/identities/%24edgeAgent"), "{}").status, 200);
    EXPECT_EQ(manage("DELETE", at("/identities/m1")).status, 204);
    answer = manage("DELETE", at("/identities/m1"));
    EXPECT_EQ(answer.status, 500);
    EXPECT_NE(answer.message().find("404"), std::string::npos) << answer.message();
    const std::size_t asked = hub_.requests.size();
    EXPECT_EQ(manage("POST", at("/device/reprovision")).status, 204);
    until([this, asked] { return hub_.requests.size() >= asked + 3; }, "the keys are written again");
}

TEST_F(ManagementApi, DescribesTheMachine) {
    start_with_agent();
    const auto info = manage("GET", at("/systeminfo")).json();
    EXPECT_EQ(find_text(info, "osType"), "Linux");
    EXPECT_EQ(find_text(info, "version"), "0.1.0");
    EXPECT_EQ(find_text(info, "server_version"), "1.2.3");
    EXPECT_GT(find_integer(info, "total_memory"), 0);
    EXPECT_NE(find_object(info, "provisioning"), nullptr);
    const auto resources = manage("GET", at("/systeminfo/resources")).json();
    EXPECT_GT(find_integer(resources, "total_ram"), find_integer(resources, "used_ram"));
    EXPECT_EQ(find_text(resources, "docker_stats"), R"([{"name":"m"}])");
}

TEST_F(ManagementApi, SaysThatTheEngineIsDown) {
    runtime_.engine_is_down = true;
    start_daemon();
    const auto answer = manage("GET", at("/modules"));
    EXPECT_EQ(answer.status, 500);
    EXPECT_NE(answer.message().find("container engine at /fake.sock"), std::string::npos) << answer.message();
}

}  // namespace
}  // namespace selvage::edge::daemon
