#include <gtest/gtest.h>

#include <map>

#include "edge/workload/workload_client.h"

namespace selvage::edge {
namespace {

using Variables = std::map<std::string, std::string, std::less<>>;

Variables full() {
    return {{"IOTEDGE_WORKLOADURI", "unix:///run/w.sock"}, {"IOTEDGE_IOTHUBHOSTNAME", "hub.example"},
            {"IOTEDGE_DEVICEID", "d1"},                     {"IOTEDGE_MODULEID", "m1"},
            {"IOTEDGE_MODULEGENERATIONID", "g1"},           {"IOTEDGE_AUTHSCHEME", "SasToken"},
            {"IOTEDGE_GATEWAYHOSTNAME", "gateway"}};
}

Result<ModuleEnvironment> read(const Variables& variables) {
    return read_module_environment([&](const char* name) -> const char* {
        const auto found = variables.find(name);
        return found == variables.end() ? nullptr : found->second.c_str();
    });
}

TEST(ModuleEnvironment, IsReadWithTheOldestApiVersionAsItsDefault) {
    const auto environment = read(full()).value();
    EXPECT_EQ(environment.workload_uri, "unix:///run/w.sock");
    EXPECT_EQ(environment.gateway_host, "gateway");
    EXPECT_EQ(environment.generation_id, "g1");
    EXPECT_EQ(environment.api_version, "2018-06-28");
    auto newer = full();
    newer["IOTEDGE_APIVERSION"] = "2022-08-03";
    EXPECT_EQ(read(newer)->api_version, "2022-08-03");
}

TEST(ModuleEnvironment, AMissingVariableIsNamed) {
    for (const char* name : {"IOTEDGE_WORKLOADURI", "IOTEDGE_IOTHUBHOSTNAME", "IOTEDGE_DEVICEID", "IOTEDGE_MODULEID",
                             "IOTEDGE_MODULEGENERATIONID"}) {
        auto variables = full();
        variables[name] = "";
        EXPECT_NE(read(variables).error().detail.find(name), std::string::npos);
        variables.erase(name);
        EXPECT_NE(read(variables).error().detail.find(name), std::string::npos);
    }
    auto other = full();
    other["IOTEDGE_AUTHSCHEME"] = "x509";
    EXPECT_EQ(read(other).error().code, Errc::invalid_argument);
}

}  // namespace
}  // namespace selvage::edge
