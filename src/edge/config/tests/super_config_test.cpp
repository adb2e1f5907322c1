#include "edge/config/super_config.h"

#include <gtest/gtest.h>

namespace selvage::edge::config {
namespace {

constexpr std::string_view kMinimal = R"(
[provisioning]
source = "manual"
connection_string = "HostName=hub.example;DeviceId=d1;SharedAccessKey=c2VjcmV0LWtleQ=="
)";

TEST(SuperConfig, HasAzuresDefaults) {
    const auto config = parse_super_config(kMinimal, "machine");
    ASSERT_TRUE(config) << config.error().detail;
    EXPECT_EQ(config->hostname, "machine");
    EXPECT_EQ(config->provisioning.iothub_hostname, "hub.example");
    EXPECT_EQ(config->provisioning.device_id, "d1");
    EXPECT_EQ(config->provisioning.key_bytes, "secret-key");
    EXPECT_EQ(config->gateway_host(), "hub.example");
    EXPECT_EQ(config->agent.name, "edgeAgent");
    EXPECT_EQ(config->agent.image, "mcr.microsoft.com/azureiotedge-agent:1.6");
    EXPECT_EQ(config->edge_ca.expiry, std::chrono::days(90));
    EXPECT_EQ(config->listen_management_path, "/var/run/iotedge/mgmt.sock");
    EXPECT_EQ(config->connect_management_uri, "unix:///var/run/iotedge/mgmt.sock");
    EXPECT_EQ(config->engine_path, "/var/run/docker.sock");
    EXPECT_EQ(config->network.name, "azure-iot-edge");
    EXPECT_FALSE(config->watchdog_retries_max);
    EXPECT_EQ(config->cloud_timeout, std::chrono::seconds(70));
}

TEST(SuperConfig, ReadsEverySection) {
    const auto config = parse_super_config(R"(
hostname = "edge.local"
parent_hostname = "parent.local"
trust_bundle_cert = "file:///etc/ca%20one.pem"
allow_elevated_docker_permissions = false
auto_reprovisioning_mode = "OnErrorOnly"
cloud_timeout_sec = 100
cloud_retries = 3
additional_info = "file:///etc/info.toml"
some_future_key = 1

[provisioning]
source = "manual"
iothub_hostname = "hub.example"
device_id = "d1"
[provisioning.authentication]
method = "sas"
device_id_pk = { uri = "file:///keys/d1" }

[edge_ca]
auto_generated_edge_ca_expiry_days = 7
[edge_ca.auto_renew]
rotate_key = true
threshold = "50%"
retry = "4%"
[edge_ca.subject]
CN = "my CA"

[agent]
name = "edgeAgent"
type = "docker"
imagePullPolicy = "never"
[agent.config]
image = "$upstream:443/agent:1"
[agent.config.createOptions.HostConfig]
Binds = ["/a:/b"]
Memory = 5
[agent.config.auth]
serveraddress = "$upstream:443"
username = "u"
password = "p"
[agent.env]
RuntimeLogLevel = "debug"

[listen]
management_uri = "unix:///run/x/mgmt.sock"
workload_uri = "fd://aziot-edged.workload.socket"

[iotedge_max_requests]
management = 7
workload = 8

[watchdog]
max_retries = 4

[moby_runtime]
uri = "unix:///run/docker.sock"
[moby_runtime.network]
name = "net1"
ipv6 = true
[moby_runtime.network.ipam]
config = [ { subnet = "10.9.0.0/16", ip_range = "10.9.1.0/24" } ]
)", "machine");
    ASSERT_TRUE(config) << config.error().detail;
    EXPECT_EQ(config->hostname, "edge.local");
    EXPECT_EQ(config->gateway_host(), "parent.local");
    EXPECT_EQ(config->trust_bundle_path, "/etc/ca one.pem");
    EXPECT_FALSE(config->allow_elevated_docker_permissions);
    EXPECT_EQ(config->provisioning.key_path, "/keys/d1");
    EXPECT_TRUE(config->provisioning.key_bytes.empty());
    EXPECT_EQ(config->edge_ca.expiry, std::chrono::days(7));
    EXPECT_EQ(config->edge_ca.renew_at_percent, 50u);
    EXPECT_EQ(config->edge_ca.common_name, "my CA");
    EXPECT_EQ(config->agent.image, "parent.local:443/agent:1");
    EXPECT_EQ(config->agent.image_pull_policy, management::ImagePullPolicy::never);
    EXPECT_EQ(to_text(config->agent.create_options), R"({"HostConfig":{"Binds":["/a:/b"],"Memory":5}})");
    EXPECT_EQ(find_text(config->agent.registry_auth, "serveraddress"), "parent.local:443");
    ASSERT_EQ(config->agent.env.size(), 1u);
    EXPECT_EQ(config->listen_management_path, "/run/x/mgmt.sock");
    EXPECT_EQ(config->connect_management_uri, "unix:///run/x/mgmt.sock");
    EXPECT_EQ(config->listen_workload_path, "/var/run/iotedge/workload.sock");
    EXPECT_EQ(config->management_connections_max, 7u);
    EXPECT_EQ(config->workload_connections_max, 8u);
    EXPECT_EQ(config->watchdog_retries_max, 4u);
    EXPECT_EQ(config->engine_path, "/run/docker.sock");
    EXPECT_EQ(config->network.name, "net1");
    EXPECT_TRUE(config->network.ipv6);
    EXPECT_EQ(to_text(config->network.ipam), R"({"Config":[{"Subnet":"10.9.0.0/16","IPRange":"10.9.1.0/24"}]})");
}

TEST(SuperConfig, SaysWhatIsWrongAndWhere) {
    const std::string manual = std::string(kMinimal);
    struct Row {
        const char* name;
        std::string text;
        Errc code;
        const char* words;
    };
    const Row rows[] = {
        {"syntax", "hostname = \n", Errc::malformed, "line 1"},
        {"letter", "hostname = \u00e4\n", Errc::malformed, "line 1"},
        {"header", "[!]\n", Errc::malformed, "table header"},
        {"nothing", "", Errc::invalid_argument, "provisioning is missing"},
        {"type", "cloud_retries = \"many\"\n" + manual, Errc::malformed, "line 1: cloud_retries must be a whole number"},
        {"timeout", "cloud_timeout_sec = 10\n" + manual, Errc::invalid_argument, "cloud_timeout_sec must be at least 70 seconds"},
        {"mode", "auto_reprovisioning_mode = \"dynamic\"\n" + manual, Errc::invalid_argument, "auto_reprovisioning_mode must be"},
        {"bare trust bundle", "trust_bundle_cert = \"/etc/ca.pem\"\n" + manual, Errc::invalid_argument, "trust_bundle_cert must be file:///path"},
        {"info scheme", "additional_info = \"https://x\"\n" + manual, Errc::invalid_argument, "unsupported additional_info scheme: https"},
        {"dps", "[provisioning]\nsource = \"dps\"\n", Errc::unsupported, "line 2: provisioning.source = \"dps\""},
        {"source", "[provisioning]\nsource = \"magic\"\n", Errc::invalid_argument, "provisioning.source must be"},
        {"no host", "[provisioning]\nsource = \"manual\"\nconnection_string = \"DeviceId=d;SharedAccessKey=aGVsbG8=\"\n",
         Errc::invalid_argument, "required parameter \"HostName\" is missing"},
        {"no key", "[provisioning]\nsource = \"manual\"\nconnection_string = \"HostName=h;DeviceId=d\"\n", Errc::invalid_argument,
         "required parameter \"SharedAccessKey\" is missing"},
        {"module", "[provisioning]\nsource = \"manual\"\nconnection_string = \"HostName=h;DeviceId=d;ModuleId=m;SharedAccessKey=aGVsbG8=\"\n",
         Errc::invalid_argument, "that of a device"},
        {"key text", "[provisioning]\nsource = \"manual\"\nconnection_string = \"HostName=h;DeviceId=d;SharedAccessKey=!topsecret!\"\n",
         Errc::invalid_argument, "base64"},
        {"x509", "[provisioning]\nsource = \"manual\"\niothub_hostname = \"h\"\ndevice_id = \"d\"\nauthentication = { method = \"x509\" }\n",
         Errc::unsupported, "x509"},
        {"no device key", "[provisioning]\nsource = \"manual\"\niothub_hostname = \"h\"\ndevice_id = \"d\"\nauthentication = { method = \"sas\" }\n",
         Errc::invalid_argument, "device_id_pk must be"},
        {"edge ca", manual + "[edge_ca]\n[edge_ca.auto_renew]\nthreshold = \"80%\"\n", Errc::invalid_argument, "auto_generated_edge_ca_expiry_days is missing"},
        {"half a ca", manual + "[edge_ca]\ncert = \"file:///c.pem\"\n", Errc::invalid_argument, "edge_ca.pk is missing"},
        {"est", manual + "[edge_ca]\nmethod = \"est\"\n", Errc::unsupported, "est"},
        {"agent name", manual + "[agent]\nname = \"agent\"\ntype = \"docker\"\n", Errc::invalid_argument, "agent.name must be \"edgeAgent\""},
        {"agent image", manual + "[agent]\nname = \"edgeAgent\"\ntype = \"docker\"\n[agent.config]\n", Errc::invalid_argument, "agent.config.image is missing"},
        {"policy", manual + "[agent]\nname = \"edgeAgent\"\ntype = \"docker\"\nimagePullPolicy = \"always\"\n", Errc::invalid_argument, "imagePullPolicy must be"},
        {"long path", manual + "[listen]\nmanagement_uri = \"unix:///" + std::string(120, 'x') + "\"\n", Errc::invalid_argument, "a path of 121 bytes"},
        {"tcp", manual + "[listen]\nmanagement_uri = \"http://localhost:1\"\n", Errc::invalid_argument, "must be unix:///path"},
        {"limits", manual + "[iotedge_max_requests]\nmanagement = 5\n", Errc::invalid_argument, "iotedge_max_requests.workload is missing"},
        {"watchdog", manual + "[watchdog]\nmax_retries = \"often\"\n", Errc::invalid_argument, "\"infinite\" or a number"},
        {"engine", manual + "[moby_runtime]\nuri = \"tcp://1.2.3.4\"\nnetwork = \"n\"\n", Errc::invalid_argument, "moby_runtime.uri must be"},
        {"network", manual + "[moby_runtime]\nuri = \"unix:///d.sock\"\n", Errc::invalid_argument, "moby_runtime.network is missing"},
    };
    for (const Row& row : rows) {
        const auto config = parse_super_config(row.text, "machine");
        ASSERT_FALSE(config) << row.name;
        EXPECT_EQ(config.error().code, row.code) << row.name << ": " << config.error().detail;
        EXPECT_NE(config.error().detail.find(row.words), std::string::npos) << row.name << ": " << config.error().detail;
        EXPECT_EQ(config.error().detail.find("topsecret"), std::string::npos) << row.name;
    }
}

TEST(AdditionalInfo, IsATableOfStrings) {
    const auto info = parse_additional_info("kernel = \"Mine\"\nsite = \"hall 3\"\n");
    ASSERT_TRUE(info);
    EXPECT_EQ(info->at("site"), "hall 3");
    EXPECT_FALSE(parse_additional_info("n = 3\n"));
}

}  // namespace
}  // namespace selvage::edge::config
