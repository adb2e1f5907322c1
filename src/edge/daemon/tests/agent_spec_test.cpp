#include "edge/daemon/agent_spec.h"

#include <gtest/gtest.h>

namespace selvage::edge::daemon {
namespace {

config::SuperConfig some_config() {
    config::SuperConfig config;
    config.hostname = "edge.local";
    config.provisioning.iothub_hostname = "hub.example";
    config.provisioning.device_id = "d1";
    config.agent.name = "edgeAgent";
    config.agent.image = "agent:1";
    config.agent.env = {{"UpstreamProtocol", "Mqtt"}, {"IOTEDGE_MODULEID", "mine"}};
    config.agent.create_options = {{"HostConfig", JsonObject{{"Binds", JsonArray{"vol:/data"}}}}, {"Labels", JsonObject{{"a", "b"}}}};
    return config;
}

TEST(AgentSpec, GivesTheAgentItsEnvironment) {
    const auto spec = agent_spec(some_config(), "/home/mnt", "gen");
    const std::vector<std::pair<std::string, std::string>> want = {
        {"EdgeDeviceHostName", "edge.local"},
        {"IOTEDGE_APIVERSION", "2022-08-03"},
        {"IOTEDGE_AUTHSCHEME", "sasToken"},
        {"IOTEDGE_DEVICEID", "d1"},
        {"IOTEDGE_IOTHUBHOSTNAME", "hub.example"},
        {"IOTEDGE_MANAGEMENTURI", "unix:///var/run/iotedge/mgmt.sock"},
        {"IOTEDGE_MODULEGENERATIONID", "gen"},
        {"IOTEDGE_MODULEID", "$edgeAgent"},
        {"IOTEDGE_WORKLOADLISTEN_MNTURI", "unix:///home/mnt"},
        {"IOTEDGE_WORKLOADURI", "unix:///var/run/iotedge/workload.sock"},
        {"Mode", "iotedged"},
        {"NetworkId", "azure-iot-edge"},
        {"UpstreamProtocol", "Mqtt"},
    };
    EXPECT_EQ(spec.env, want);
}

TEST(AgentSpec, MountsTheSocketsAndJoinsTheNetwork) {
    const auto spec = agent_spec(some_config(), "/home/mnt", "gen");
    EXPECT_EQ(to_text(spec.create_options),
              R"({"HostConfig":{"Binds":["vol:/data","/var/run/iotedge/mgmt.sock:/var/run/iotedge/mgmt.sock","/home/mnt/edgeAgent.sock:/var/run/iotedge/workload.sock"]},)"
              R"("Labels":{"a":"b","net.azure-devices.edge.create-options":"{}","net.azure-devices.edge.env":"{}"},)"
              R"("NetworkingConfig":{"EndpointsConfig":{"azure-iot-edge":{}}}})");
}

TEST(AgentSpec, NamesTheParentOfANestedDevice) {
    auto config = some_config();
    config.parent_hostname = "HUB.example";
    EXPECT_EQ(agent_spec(config, "/m", "g").env.size(), 13u) << "the hub itself is no parent";
    config.parent_hostname = "parent";
    const auto spec = agent_spec(config, "/m", "g");
    EXPECT_NE(std::ranges::find(spec.env, std::pair<std::string, std::string>("IOTEDGE_GATEWAYHOSTNAME", "parent")), spec.env.end());
}

}  // namespace
}  // namespace selvage::edge::daemon
