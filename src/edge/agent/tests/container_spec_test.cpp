#include "edge/agent/container_spec.h"

#include <gtest/gtest.h>

#include "edge/agent/planner.h"
#include "edge/agent/reported.h"

namespace selvage::edge::agent {
namespace {

AgentEnvironment agent_environment() {
    AgentEnvironment agent;
    agent.module.workload_uri = "unix:///var/run/iotedge/workload.sock";
    agent.module.management_uri = "unix:///var/run/iotedge/mgmt.sock";
    agent.module.api_version = "2022-08-03";
    agent.module.iothub_host = "hub.example";
    agent.module.edge_device_host = "edge1";
    agent.module.device_id = "d1";
    agent.module.module_id = "$edgeAgent";
    agent.network_id = "azure-iot-edge";
    agent.workload_listen_uri = "unix:///var/lib/aziot/edged/mnt";
    return agent;
}

manifest::Deployment deployment_of(const char* modules, const char* runtime_settings = "{}") {
    const std::string text = fmt::format(
        R"({{"schemaVersion":"1.1","runtime":{{"type":"docker","settings":{}}},
            "systemModules":{{"edgeHub":{{"type":"docker","status":"running","settings":{{"image":"reg.io/hub:1"}}}},
                              "edgeAgent":{{"type":"docker","settings":{{"image":"reg.io/agent:1"}}}}}},
            "modules":{}}})",
        runtime_settings, modules);
    auto parsed = manifest::parse_deployment(parse_json_object(text).value(), {});
    EXPECT_TRUE(parsed) << parsed.error().description;
    return std::move(parsed).value();
}

constexpr const char* kOneModule =
    R"({"m":{"type":"docker","status":"running","settings":{"image":"reg.io/m:1","createOptions":"{\"HostConfig\":{\"Binds\":[\"/a:/a\"]}}"},
        "env":{"A":{"value":"1"}}}})";

std::map<std::string, std::string> env_of(const management::ModuleSpec& spec) {
    std::map<std::string, std::string> env;
    for (const auto& [name, value] : spec.env) EXPECT_TRUE(env.emplace(name, value).second) << name << " twice";
    return env;
}

TEST(ContainerSpec, GivesAModuleItsSocketsNetworkAndEnvironment) {
    const auto deployment = deployment_of(kOneModule);
    const auto spec = container_spec(*deployment.find("m"), deployment, agent_environment(), "77");
    const auto env = env_of(spec);
    EXPECT_EQ(env.at("IOTEDGE_GATEWAYHOSTNAME"), "edge1");
    EXPECT_EQ(env.at("IOTEDGE_MODULEID"), "m");
    EXPECT_EQ(env.at("IOTEDGE_MODULEGENERATIONID"), "77");
    EXPECT_EQ(env.at("RuntimeLogLevel"), "Information");
    EXPECT_EQ(env.at("A"), "1");
    EXPECT_FALSE(env.contains("EdgeDeviceHostName"));
    const std::string options = to_text(spec.create_options);
    EXPECT_NE(options.find(R"("Binds":["/a:/a","/var/lib/aziot/edged/mnt/m.sock:/var/run/iotedge/workload.sock"])"),
              std::string::npos) << options;
    EXPECT_NE(options.find(R"("EndpointsConfig":{"azure-iot-edge":{}})"), std::string::npos) << options;
    EXPECT_EQ(options.find("mgmt.sock"), std::string::npos);
}

TEST(ContainerSpec, GivesTheHubTheDeviceNameAndTheAgentTheManagementSocket) {
    const auto deployment = deployment_of("{}");
    const auto hub = container_spec(*deployment.find("edgeHub"), deployment, agent_environment(), "1");
    EXPECT_NE(to_text(hub.create_options).find(R"({"Aliases":["edge1"]})"), std::string::npos);
    EXPECT_EQ(env_of(hub).at("IOTEDGE_MODULEID"), "$edgeHub");
    EXPECT_EQ(env_of(hub).at("EdgeDeviceHostName"), "edge1");
    EXPECT_FALSE(env_of(hub).contains("IOTEDGE_GATEWAYHOSTNAME"));
    const auto agent = container_spec(*deployment.find("edgeAgent"), deployment, agent_environment(), "2");
    EXPECT_NE(to_text(agent.create_options).find("mgmt.sock"), std::string::npos);
    EXPECT_EQ(env_of(agent).at("Mode"), "iotedged");
}

TEST(ContainerSpec, NamesEachVariableOnceAndOurOwnWin) {
    const auto deployment = deployment_of(kOneModule);
    auto module = *deployment.find("m");
    module.env["IOTEDGE_DEVICEID"] = "other";
    module.env["IOTEDGE_APIVERSION"] = "1";
    const auto env = env_of(container_spec(module, deployment, agent_environment(), "1"));
    EXPECT_EQ(env.at("IOTEDGE_DEVICEID"), agent_environment().module.device_id);
    EXPECT_EQ(env.at("IOTEDGE_APIVERSION"), agent_environment().module.api_version);
}

TEST(AppliedHash, ChangesExactlyWithWhatAContainerIsMadeFrom) {
    const auto base = deployment_of(kOneModule);
    const std::string hash = applied_hash(*base.find("m"), base, "77");
    manifest::Module module = *base.find("m");
    module.restart_policy = manifest::RestartPolicy::never;
    module.startup_order = 3;
    module.status = manifest::ModuleStatus::stopped;
    EXPECT_EQ(applied_hash(module, base, "77"), hash);
    EXPECT_NE(applied_hash(module, base, "78"), hash);
    module.env["B"] = "2";
    EXPECT_NE(applied_hash(module, base, "77"), hash);
    module = *base.find("m");
    module.version = "2";
    EXPECT_NE(applied_hash(module, base, "77"), hash);
    const auto logging = deployment_of(kOneModule, R"({"loggingOptions":"{\"type\":\"json-file\"}"})");
    EXPECT_NE(applied_hash(*logging.find("m"), logging, "77"), hash);
}

TEST(ContainerSpec, AppliesTheDeploymentsLoggingOptions) {
    const auto deployment =
        deployment_of(kOneModule, R"({"loggingOptions":"{\"type\":\"json-file\",\"config\":{\"max-size\":\"1m\"}}"})");
    const auto spec = container_spec(*deployment.find("m"), deployment, agent_environment(), "1");
    EXPECT_NE(to_text(spec.create_options).find(R"("LogConfig":{"Type":"json-file","Config":{"max-size":"1m"}})"),
              std::string::npos);
}

TEST(Credentials, GoToTheirRegistryAndAreNeverReported) {
    const auto deployment = deployment_of(
        kOneModule, R"({"registryCredentials":{"r":{"address":"reg.io","username":"u","password":"hush"}}})");
    const auto spec = container_spec(*deployment.find("m"), deployment, agent_environment(), "1");
    EXPECT_EQ(find_text(spec.registry_auth, "password"), "hush");
    const std::string reported = to_text(reported_document(&deployment, {}, {}, {}));
    EXPECT_EQ(reported.find("hush"), std::string::npos);
    EXPECT_NE(reported.find(R"("r":{"address":"reg.io","username":"u"})"), std::string::npos) << reported;
}

}  // namespace
}  // namespace selvage::edge::agent
