#include "codec/connection_string/connection_string.h"

#include <gtest/gtest.h>

namespace selvage::codec {
namespace {

TEST(ConnectionString, ReadsADevicesAModulesAndAPolicys) {
    const auto device = parse_connection_string("HostName=h.example;DeviceId=d=1;SharedAccessKey=c2VjcmV0==").value();
    EXPECT_EQ(device.host_name, "h.example");
    EXPECT_EQ(device.device_id, "d=1");
    EXPECT_EQ(device.key, "c2VjcmV0==");
    const auto module = parse_connection_string(
        " SharedAccessKey=c2VjcmV0;ModuleId=m;;DeviceId=d;GatewayHostName=g;HostName=h;\n").value();
    EXPECT_EQ(module.module_id, "m");
    EXPECT_EQ(module.gateway_host_name, "g");
    const auto policy =
        parse_connection_string("HostName=h;SharedAccessKeyName=iothubowner;SharedAccessKey=c2VjcmV0;Unknown=1").value();
    EXPECT_EQ(policy.policy_name, "iothubowner");
    EXPECT_EQ(policy.device_id, "");
}

TEST(ConnectionString, BlanksAroundNamesAndValuesAreNotPartOfThem) {
    const auto pasted = parse_connection_string("HostName=h ;\n DeviceId = d;\r\n; SharedAccessKey=c2VjcmV0;GatewayHostName=g\t;x=").value();
    EXPECT_EQ(to_text(pasted), "HostName=h;DeviceId=d;SharedAccessKey=c2VjcmV0;GatewayHostName=g");
}

struct Row {
    std::string_view text;
    std::string_view says;
};

constexpr Row kBad[] = {
    {"", "required parameter \"HostName\" is missing"},
    {"DeviceId=d;SharedAccessKey=c2VjcmV0", "required parameter \"HostName\" is missing"},
    {"HostName=;DeviceId=d;SharedAccessKey=c2VjcmV0", "required parameter \"HostName\" is missing"},
    {"hostname=h;DeviceId=d;SharedAccessKey=c2VjcmV0", "required parameter \"HostName\" is missing"},
    {"HostName=h;SharedAccessKey=c2VjcmV0", "\"DeviceId\""},
    {"HostName=h;ModuleId=m;SharedAccessKeyName=p;SharedAccessKey=c2VjcmV0", "required parameter \"DeviceId\" is missing"},
    {"HostName=h;DeviceId=d", "required parameter \"SharedAccessKey\" is missing"},
    {"HostName=h;DeviceId=d;SharedAccessKey=c2V*jcmV0", "not base64"},
    {"HostName=h;DeviceId=d;SharedAccessKey=c2VjcmV0;DeviceId=e", "\"DeviceId\" is there twice"},
    {"HostName=h;DeviceId=d;c2VjcmV0", "without '='"},
};

TEST(ConnectionString, WhatIsWrongIsNamedAndTheKeyIsNot) {
    for (const auto& row : kBad) {
        SCOPED_TRACE(row.text);
        const auto value = parse_connection_string(row.text);
        ASSERT_FALSE(value.has_value());
        EXPECT_EQ(value.error().code, Errc::malformed);
        EXPECT_NE(value.error().detail.find(row.says), std::string::npos) << value.error().detail;
        EXPECT_EQ(value.error().detail.find("c2V"), std::string::npos);
    }
    EXPECT_FALSE(parse_connection_string("HostName=" + std::string(5000, 'h')).has_value());
}

TEST(ConnectionString, WritesWhatItReads) {
    for (std::string_view text : {"HostName=h.example;DeviceId=d1;SharedAccessKey=c2VjcmV0",
                                  "HostName=h.example;DeviceId=d1;ModuleId=m1;SharedAccessKey=c2VjcmV0;GatewayHostName=g",
                                  "HostName=h.example;SharedAccessKeyName=service;SharedAccessKey=c2VjcmV0"})
        EXPECT_EQ(to_text(parse_connection_string(text).value()), text);
}

}  // namespace
}  // namespace selvage::codec
