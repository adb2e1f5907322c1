#include <gtest/gtest.h>

#include "codec/hub_amqp/hub_amqp.h"

namespace selvage::codec::hub_amqp {
namespace {

TEST(LinkAddress, IsReadInEveryForm) {
    const struct {
        const char* address;
        Node node;
        domain::Identity identity;
    } rows[] = {
        {"$cbs", Node::cbs, {}},
        {"/$CBS", Node::cbs, {}},
        {"amqps://h/$cbs", Node::cbs, {}},
        {"/devices/d1/messages/events", Node::events, {"d1", ""}},
        {"/Devices/d1/Messages/Events/", Node::events, {"d1", ""}},
        {"devices/d1/messages/events", Node::events, {"d1", ""}},
        {"amqps://h.net/devices/d1/messages/deviceBound", Node::devicebound, {"d1", ""}},
        {"/devices/d1/modules/m1/messages/events", Node::events, {"d1", "m1"}},
        {"/devices/d%2B1/modules/%24edgeHub/twin", Node::twin, {"d+1", "$edgeHub"}},
        {"/devices/d1/modules/m1/methods/DeviceBound", Node::methods, {"d1", "m1"}},
        {"/devices/d+1/twin", Node::twin, {"d+1", ""}},
    };
    for (const auto& row : rows) {
        const auto address = parse_link_address(row.address);
        ASSERT_TRUE(address) << row.address;
        EXPECT_EQ(address->node, row.node) << row.address;
        EXPECT_EQ(address->identity, row.identity) << row.address;
    }
    for (const char* bad : {"", "/", "cbs", "/devices", "/devices/d1", "/devices//twin", "/devices/d1/nothing", "/devices/d1/modules//twin",
                            "/devices/d1/modules/twin", "/devices/d%zz/twin", "/devices/d 1/twin", "/devices/d%001/twin", "amqps://h",
                            "/devices/d1/twin/more", "/servicebound/feedback"}) {
        const auto address = parse_link_address(bad);
        ASSERT_FALSE(address) << bad;
        EXPECT_EQ(address.error().code, Errc::not_found) << bad;
    }
}

TEST(SaslUser, NamesADeviceAModuleOrAPolicy) {
    const auto is = [](std::string_view user, const char* device, const char* module, const char* policy) {
        const auto parsed = parse_sasl_user(user, "hub1.example.net");
        return parsed && parsed->identity == domain::Identity{device, module} && parsed->policy == policy;
    };
    EXPECT_TRUE(is("d1@sas.hub1", "d1", "", ""));
    EXPECT_TRUE(is("d1@HUB1", "d1", "", ""));
    EXPECT_TRUE(is("d@1@sas.hub1", "d@1", "", ""));
    EXPECT_TRUE(is("d1/modules/m%2F1@sas.hub1", "d1", "", "") == false) << "ids hold no slash";
    EXPECT_TRUE(is("d1/modules/%24edgeHub@sas.hub1", "d1", "$edgeHub", ""));
    EXPECT_TRUE(is("device@sas.root.hub1", "", "", "device"));
    EXPECT_TRUE(is("d1@sas.hub1.example.net", "d1", "", ""));
    for (const char* bad : {"d1", "@sas.hub1", "d1@sas.other", "d1/twin@sas.hub1", "d1/modules/@sas.hub1", "@sas.root.hub1", "d1@sas.hub1.example"})
        EXPECT_EQ(parse_sasl_user(bad, "hub1.example.net").error().code, Errc::unauthorized) << bad;
    EXPECT_TRUE(parse_sasl_user("d1@sas.127", "127.0.0.1"));
    EXPECT_TRUE(parse_sasl_user("d1@sas.127.0.0.1", "127.0.0.1"));
}

TEST(PathOf, EncodesIds) { EXPECT_EQ(path_of({"d#1", "$m"}), "/devices/d%231/modules/%24m"); }

}  // namespace
}  // namespace selvage::codec::hub_amqp
