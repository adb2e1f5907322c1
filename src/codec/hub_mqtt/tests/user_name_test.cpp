#include <gtest/gtest.h>

#include "codec/hub_mqtt/hub_mqtt.h"

namespace selvage::codec::hub_mqtt {
namespace {

TEST(UserName, IsReadInEveryFormThatSdksSend) {
    struct Row {
        const char* name;
        const char* text;
        const char* device;
        const char* module;
        const char* api_version;
        const char* product;
        const char* model;
        const char* chain;
    };
    constexpr Row kRows[] = {
        {"Node", "h.net/d1/?api-version=2021-04-12&DeviceClientType=azure-iot-device%2F1.18.2%20(node%20v18)", "d1", "", "2021-04-12",
         "azure-iot-device/1.18.2 (node v18)", "", ""},
        {"Node with a model id that is not encoded", "h.net/d1/?api-version=2021-04-12&DeviceClientType=x&model-id=dtmi:a:b;1", "d1",
         "", "2021-04-12", "x", "dtmi:a:b;1", ""},
        {"Python module", "h.net/d1/m1/?api-version=2019-10-01&DeviceClientType=azure-iot-device-iothub-py%2F2.12.0", "d1", "m1",
         "2019-10-01", "azure-iot-device-iothub-py/2.12.0", "", ""},
        {"C", "h.net/d1/?api-version=2020-09-30&DeviceClientType=iothubclient%2f1.10.1%20%28native%3b%20Linux%29", "d1", "", "2020-09-30",
         "iothubclient/1.10.1 (native; Linux)", "", ""},
        {"edgeHub of a child", "h.net/d1/$edgeHub/?api-version=2019-10-01&auth-chain=leaf%3Bedge1%3Bedge2", "d1", "$edgeHub", "2019-10-01",
         "", "", "leaf;edge1;edge2"},
        {"legacy without question mark", "h/d1/api-version=2016-11-14&DeviceClientType=x%2F1", "d1", "", "2016-11-14", "x/1", "", ""},
        {"legacy module", "h/d1/m1/api-version=2016-11-14", "d1", "m1", "2016-11-14", "", "", ""},
        {"one old SDK", "h/d1/m1/api-version=2017-06-30/DeviceClientType=Microsoft.Azure.Devices.Client/1.5.1-preview-003", "d1", "m1",
         "2017-06-30", "Microsoft.Azure.Devices.Client/1.5.1-preview-003", "", ""},
        {"without a query", "h/d1", "d1", "", "", "", "", ""},
        {"without a query, with a slash", "h/d1/", "d1", "", "", "", "", ""},
        {"a product with raw slashes", "h/d1/?api-version=1&DeviceClientType=a/b/1.0", "d1", "", "1", "a/b/1.0", "", ""},
        {"the first of duplicates", "h/d1/?api-version=1&api-version=2", "d1", "", "1", "", "", ""},
        {"spaces around ids", "h/ d1 / m1 /?api-version=1", "d1", "m1", "1", "", "", ""},
        {"an id that looks like a query", "h/?d/?api-version=1", "?d", "", "1", "", "", ""},
    };
    for (const Row& row : kRows) {
        const auto name = parse_user_name(row.text);
        ASSERT_TRUE(name) << row.name << ": " << name.error().detail;
        EXPECT_EQ(name->identity.device, row.device) << row.name;
        EXPECT_EQ(name->identity.module, row.module) << row.name;
        EXPECT_EQ(name->api_version, row.api_version) << row.name;
        EXPECT_EQ(name->product_info, row.product) << row.name;
        EXPECT_EQ(name->model_id, row.model) << row.name;
        EXPECT_EQ(name->auth_chain, row.chain) << row.name;
    }
}

TEST(UserName, IsRefusedWhenItNamesNobody) {
    for (const char* bad : {"", "h", "h/", "h//?api-version=1", "h/d/m/x/?api-version=1", "h/d//?api-version=1", "h/d/?api-version=",
                            "h/d/?DeviceClientType=x", "/?api-version=1", "h/ /?api-version=1", "h/d/m/x"})
        EXPECT_FALSE(parse_user_name(bad)) << bad;
}

TEST(UserName, ReadsBackWhatItWrites) {
    const UserName name{"h.net", domain::Identity::of_module("d1", "m$1"),
                        "2021-04-12", "selvage/1 (edge hub; a/b?c)", "dtmi:x:y;1", "leaf;edge1"};
    const auto again = parse_user_name(format_user_name(name));
    ASSERT_TRUE(again);
    EXPECT_EQ(again->host, name.host);
    EXPECT_EQ(again->identity, name.identity);
    EXPECT_EQ(again->product_info, name.product_info);
    EXPECT_EQ(again->model_id, name.model_id);
    EXPECT_EQ(again->auth_chain, name.auth_chain);
}

}  // namespace
}  // namespace selvage::codec::hub_mqtt
