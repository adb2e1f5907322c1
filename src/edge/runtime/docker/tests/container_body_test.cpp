#include "edge/runtime/docker/container_body.h"

#include <gtest/gtest.h>

namespace selvage::edge::runtime {
namespace {

management::ModuleSpec spec_with(std::string_view options) {
    management::ModuleSpec spec;
    spec.name = "m";
    spec.image = "reg/m:1";
    spec.create_options = *parse_json_object(options);
    return spec;
}

TEST(ContainerBody, MergesTheEnvironmentAndSortsIt) {
    auto spec = spec_with(R"({"Env":["B=from options","EMPTY"]})");
    spec.env = {{"Z", "1"}, {"B", "from spec"}, {"A", "x=y"}};
    EXPECT_EQ(to_text(container_body(spec, true).at("Env")), R"(["A=x=y","B=from options","EMPTY=","Z=1"])");
}

TEST(ContainerBody, SetsImageAndLabelsAndLeavesTheRestAlone) {
    const auto spec = spec_with(R"({"Labels":{"mine":"1","net.azure-devices.edge.owner":"me"},"HostConfig":{"Privileged":true,"Unknown":{"a":1}},"Image":"other"})");
    EXPECT_EQ(to_text(container_body(spec, true)),
              R"({"Labels":{"mine":"1","net.azure-devices.edge.owner":"Microsoft.Azure.Devices.Edge.Agent","net.azure-devices.edge.original-image":"reg/m:1"},)"
              R"("HostConfig":{"Privileged":true,"Unknown":{"a":1}},"Image":"reg/m:1","Env":[]})");
}

TEST(ContainerBody, TakesPrivilegesAwayWhereTheyAreNotAllowed) {
    const auto body = container_body(spec_with(R"({"HostConfig":{"Privileged":true,"CapAdd":["NET_ADMIN"],"CapDrop":["KILL"]}})"), false);
    EXPECT_EQ(to_text(body.at("HostConfig")), R"({"Privileged":false,"CapDrop":["CHOWN","SETUID","KILL"]})");
    EXPECT_EQ(to_text(container_body(spec_with("{}"), false).at("HostConfig")), R"({"CapDrop":["CHOWN","SETUID"]})");
}

TEST(ContainerBody, NamesATagForThePull) {
    EXPECT_EQ(image_to_pull("ubuntu"), "ubuntu:latest");
    EXPECT_EQ(image_to_pull("localhost:5000/a"), "localhost:5000/a:latest");
    EXPECT_EQ(image_to_pull("localhost:5000/a:2"), "localhost:5000/a:2");
    EXPECT_EQ(image_to_pull("a@sha256:00"), "a@sha256:00");
}

TEST(ContainerBody, WritesCredentialsAsUrlSafeBase64) {
    EXPECT_EQ(registry_auth_header({}), "");
    // The bytes of "???" give a slash in plain base64.
    EXPECT_EQ(registry_auth_header({{"p", "???"}}), "eyJwIjoiPz8_In0=");
}

}  // namespace
}  // namespace selvage::edge::runtime
