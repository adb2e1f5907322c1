#include "edge/hub/environment/hub_environment.h"

#include <gtest/gtest.h>

namespace selvage::edge::hub {
namespace {

using namespace std::chrono_literals;
using Pairs = std::vector<std::pair<std::string, std::string>>;

Result<HubEnvironment> read(Pairs pairs) { return read_hub_environment(Variables(pairs), {"1", "", ""}); }

Pairs of_module(Pairs more = {}) {
    Pairs pairs{{"IOTEDGE_WORKLOADURI", "unix:///run/w.sock"}, {"IOTEDGE_DEVICEID", "edge"},
                {"IOTEDGE_MODULEID", "$edgeHub"},              {"IOTEDGE_MODULEGENERATIONID", "1"},
                {"IOTEDGE_IOTHUBHOSTNAME", "hub.example"},     {"EdgeDeviceHostName", "gateway"}};
    pairs.insert(pairs.end(), more.begin(), more.end());
    return pairs;
}

Pairs of_developer(Pairs more = {}) {
    Pairs pairs{{"IotHubConnectionString",
                 "HostName=hub.example;DeviceId=edge;ModuleId=$edgeHub;SharedAccessKey=a2V5;GatewayHostName=parent"},
                {"EDGEDEVICEHOSTNAME", "gateway"},
                {"EdgeHubDevServerCertificateFile", "c.pem"},
                {"EdgeHubDevServerPrivateKeyFile", "k.pem"},
                {"EdgeHubDevTrustBundleFile", "t.pem"}};
    pairs.insert(pairs.end(), more.begin(), more.end());
    return pairs;
}

TEST(HubEnvironment, HasTheReferencesDefaults) {
    const auto environment = read(of_module());
    ASSERT_TRUE(environment.has_value()) << environment.error().detail;
    EXPECT_EQ(environment->hub.edge_device, "edge");
    EXPECT_EQ(environment->hub.edge_host, "gateway");
    EXPECT_EQ(environment->hub.clients_max, 100u);
    EXPECT_EQ(environment->hub.upstream_mqtt.host, "hub.example");
    EXPECT_EQ(environment->hub.upstream_mqtt.port, 8883);
    EXPECT_EQ(environment->hub.upstream_https.port, 443);
    EXPECT_EQ(environment->mqtt_port, 8883);
    EXPECT_TRUE(environment->https_enabled);
    EXPECT_EQ(environment->https_port, 443);
    EXPECT_EQ(environment->keep_alive_max, 600s);
    EXPECT_EQ(environment->storage_folder, "/tmp/edgeHub");
    EXPECT_EQ(environment->durability, storage::Durability::power);
    EXPECT_FALSE(environment->developer.has_value());
}

TEST(HubEnvironment, ReadsNamesInAnyCaseAndEitherSeparator) {
    const auto environment = read(of_module({{"MAXCONNECTEDCLIENTS", "7"},
                                             {"mqttsettings:port", "0"},
                                             {"MqttSettings__Address", "127.0.0.2"},
                                             {"httpSettings__port", "8443"},
                                             {"HTTPSETTINGS:ENABLED", "false"},
                                             {"AmqpSettings__Port", "5672"},
                                             {"AmqpSettings__Enabled", "false"},
                                             {"MqttSettings__MaxKeepAliveTimeout", "00:01:30"},
                                             {"UpstreamReconnectMaxSecs", "2"},
                                             {"StorageFolder", "/data/"},
                                             {"StorageDurability", "Process"},
                                             {"RuntimeLogLevel", "Debug"},
                                             {"IOTEDGE_GATEWAYHOSTNAME", "parent"}}));
    ASSERT_TRUE(environment.has_value()) << environment.error().detail;
    EXPECT_EQ(environment->hub.clients_max, 7u);
    EXPECT_EQ(environment->mqtt_port, 0);
    EXPECT_EQ(environment->https_port, 8443);
    EXPECT_EQ(environment->https_address, "127.0.0.2") << "where MQTT listens, unless said";
    EXPECT_FALSE(environment->https_enabled);
    EXPECT_EQ(environment->amqp_port, 5672);
    EXPECT_EQ(environment->amqp_address, "127.0.0.2");
    EXPECT_FALSE(environment->amqp_enabled);
    EXPECT_EQ(environment->keep_alive_max, 90s);
    EXPECT_EQ(environment->hub.upstream_reconnect_max, 2s);
    EXPECT_EQ(environment->storage_folder, "/data/edgeHub");
    EXPECT_EQ(environment->durability, storage::Durability::process);
    EXPECT_EQ(environment->log_level, log::Level::debug);
    EXPECT_EQ(environment->hub.upstream_mqtt.host, "parent");
    EXPECT_EQ(environment->hub.hub_host, "hub.example");
}

TEST(HubEnvironment, DeveloperModeNeedsNoDaemon) {
    const auto environment = read(of_developer());
    ASSERT_TRUE(environment.has_value()) << environment.error().detail;
    ASSERT_TRUE(environment->developer.has_value());
    EXPECT_EQ(environment->developer->key, "a2V5");
    EXPECT_EQ(environment->hub.upstream_https.host, "parent");
    EXPECT_EQ(environment->hub.edge_host, "gateway");
}

TEST(HubEnvironment, SaysWhichVariableIsWrongAndNeverTheKey) {
    struct Row {
        Pairs pairs;
        const char* detail;
    };
    const Row rows[] = {
        {of_module({{"MaxConnectedClients", "many"}}), "MaxConnectedClients=many: must be a whole number from 1 to 1000000"},
        {of_module({{"MqttSettings__ConnectArrivalTimeout", "1:2"}}),
         "MqttSettings__ConnectArrivalTimeout=1:2: must be hh:mm:ss"},
        {of_module({{"UpstreamReconnectMaxSecs", "0"}}), "UpstreamReconnectMaxSecs=0: must be a whole number from 1 to 3600"},
        {of_module({{"StorageDurability", "maybe"}}), "StorageDurability=maybe: must be power or process"},
        {of_module({{"MqttSettings__Enabled", "1"}}), "MqttSettings__Enabled=1: must be true or false"},
        {of_module({{"RuntimeLogLevel", "loud"}}),
         "RuntimeLogLevel=loud: must be fatal, error, warning, info, debug or verbose"},
        {of_developer({{"EdgeHubDevTrustBundleFile", ""}}),
         "EdgeHubDevTrustBundleFile is not set; IotHubConnectionString needs it"},
        {of_developer({{"IotHubConnectionString", "HostName=h;DeviceId=d;ModuleId=m;SharedAccessKey=c2VjcmV0"}}),
         "IotHubConnectionString: ModuleId must be $edgeHub"},
    };
    for (const auto& row : rows) {
        const auto environment = read(row.pairs);
        ASSERT_FALSE(environment.has_value()) << row.detail;
        EXPECT_EQ(environment.error().detail, row.detail);
        EXPECT_EQ(environment.error().detail.find("c2VjcmV0"), std::string::npos);
    }
}

}  // namespace
}  // namespace selvage::edge::hub
