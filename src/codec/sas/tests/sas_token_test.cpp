#include "codec/sas/sas_token.h"

#include <gtest/gtest.h>

namespace selvage::codec {
namespace {

using domain::Identity;

struct TokenRow {
    const char* name;
    std::string_view text;
    std::string_view resource;
    std::string_view signature;
    std::string_view policy;
    std::int64_t expires;
};

constexpr TokenRow kTokens[] = {
    {"Node: sr, sig, skn, se", "SharedAccessSignature sr=h.example%2Fdevices%2Fd1&sig=a%2Bb%2F%3D&skn=device&se=1700000000",
     "h.example%2Fdevices%2Fd1", "a+b/=", "device", 1700000000},
    {"Node service client: raw host", "SharedAccessSignature sr=h.example&sig=abc%3D&skn=iothubowner&se=1700000000",
     "h.example", "abc=", "iothubowner", 1700000000},
    {"Node: raw slashes", "SharedAccessSignature sr=h.example/devices/d1&sig=abc%3D&se=1700000000",
     "h.example/devices/d1", "abc=", "", 1700000000},
    {"C, Python: sr, sig, se, skn", "SharedAccessSignature sr=h.example%2fdevices%2fd1&sig=abc%3d&se=1700000000&skn=p%20q",
     "h.example%2fdevices%2fd1", "abc=", "p q", 1700000000},
    {"C with a TPM: empty skn", "SharedAccessSignature sr=h.example%2fdevices%2fd1&sig=abc%3d&se=1700000000&skn=",
     "h.example%2fdevices%2fd1", "abc=", "", 1700000000},
    {"documentation's order", "SharedAccessSignature sig=abc%3D&se=1700000000&skn=device&sr=h.example",
     "h.example", "abc=", "device", 1700000000},
    {"field names in any case, empty pairs", "SharedAccessSignature &SR=h.example&&Sig=abc%3D&SE=1700000000&",
     "h.example", "abc=", "", 1700000000},
    {"padding not encoded", "SharedAccessSignature sr=h.example&sig=a+b/cd==&se=1700000000", "h.example", "a+b/cd==", "",
     1700000000},
    {"seconds with a fraction", "SharedAccessSignature sr=h.example&sig=abc%3D&se=1700000000.75", "h.example", "abc=", "",
     1700000000},
    {"beyond the year 9999", "SharedAccessSignature sr=h.example&sig=abc%3D&se=99999999999999999999", "h.example", "abc=", "",
     253402300799},
    {"unknown fields", "SharedAccessSignature sr=h.example&x=1&sig=abc%3D&se=1700000000", "h.example", "abc=", "", 1700000000},
    {"white space around", " SharedAccessSignature  sr=h.example&sig=abc%3D&se=1700000000\r\n", "h.example", "abc=", "",
     1700000000},
};

TEST(SasToken, EveryClientsFormIsRead) {
    for (const auto& row : kTokens) {
        SCOPED_TRACE(row.name);
        const auto token = parse_sas_token(row.text);
        ASSERT_TRUE(token.has_value()) << token.error().detail;
        EXPECT_EQ(token->raw_resource, row.resource);
        EXPECT_EQ(token->signature, row.signature);
        EXPECT_EQ(token->policy, row.policy);
        EXPECT_EQ(token->expires, UtcTime(std::chrono::seconds(row.expires)));
        EXPECT_TRUE(row.text.find("e=" + token->raw_expiry) != std::string_view::npos ||
                    row.text.find("E=" + token->raw_expiry) != std::string_view::npos);
    }
}

struct BadRow {
    std::string_view text;
    std::string_view says;
};

constexpr BadRow kBadTokens[] = {
    {"", "begin"},
    {"SharedAccessSignature", "begin"},
    {"SharedAccessSignature ", "begin"},
    {"sharedaccesssignature sr=h&sig=secret&se=1", "begin"},
    {"SharedAccessSignaturesr=h&sig=secret&se=1", "begin"},
    {"SharedAccessSignature sig=secret&se=1", "sr is missing"},
    {"SharedAccessSignature sr=&sig=secret&se=1", "sr is missing"},
    {"SharedAccessSignature sr=h&se=1", "sig is missing"},
    {"SharedAccessSignature sr=h&sig=&se=1", "sig is missing"},
    {"SharedAccessSignature sr=h&sig=secret", "se is missing"},
    {"SharedAccessSignature sr=h&sig=secret&se=", "se is not"},
    {"SharedAccessSignature sr=h&sig=secret&se=soon", "se is not"},
    {"SharedAccessSignature sr=h&sig=secret&se=-1", "se is not"},
    {"SharedAccessSignature sr=h&sig=secret&se=inf", "se is not"},
    {"SharedAccessSignature sr=h&sig=secret&se=1 x", "white space"},
    {"SharedAccessSignature sr=h&sig=secret%2&se=1", "sig has"},
    {"SharedAccessSignature sr=h&sig=secret&se=1&skn=%zz", "skn has"},
    {"SharedAccessSignature sr=h&sr=g&sig=secret&se=1", "twice"},
    {"SharedAccessSignature sr=h&sig=secret&se=1&skn", "without '='"},
};

TEST(SasToken, WhatIsWrongIsNamedAndTheSignatureIsNot) {
    for (const auto& row : kBadTokens) {
        SCOPED_TRACE(row.text);
        const auto token = parse_sas_token(row.text);
        ASSERT_FALSE(token.has_value());
        EXPECT_EQ(token.error().code, Errc::malformed);
        EXPECT_NE(token.error().detail.find(row.says), std::string::npos) << token.error().detail;
        EXPECT_EQ(token.error().detail.find("secret"), std::string::npos);
    }
    EXPECT_FALSE(parse_sas_token("SharedAccessSignature sr=" + std::string(9000, 'h') + "&sig=s&se=1").has_value());
}

TEST(SasToken, ExpiresFiveMinutesLateForClocksThatDiffer) {
    const auto token = parse_sas_token("SharedAccessSignature sr=h&sig=s&se=1000").value();
    EXPECT_FALSE(is_expired(token, UtcTime(std::chrono::seconds(1300))));
    EXPECT_TRUE(is_expired(token, UtcTime(std::chrono::milliseconds(1300001))));
}

struct AudienceRow {
    std::string_view raw;
    std::string_view host;
    std::string_view device;
    std::string_view module;
};

constexpr AudienceRow kAudiences[] = {
    {"H.Example", "h.example", "", ""},
    {"https%3A%2F%2Fh.example%2F", "h.example", "", ""},
    {"amqps://h.example/devices/d1", "h.example", "d1", ""},
    {"h.example%2Fdevices", "h.example", "", ""},
    {"h.example%2Fdevices%2Fd1", "h.example", "d1", ""},
    {"h.example%2fdevices%2fd1%2f", "h.example", "d1", ""},
    {"h.example/devices/d1", "h.example", "d1", ""},
    {"h.example%2FDevices%2Fd1%2FModules%2Fm1", "h.example", "d1", "m1"},
    {"h.example%2Fdevices%2Fd1%2Fmodules%2F%24edgeHub", "h.example", "d1", "$edgeHub"},
    {"h.example%2Fdevices%2Fd1%2Fmodules%2F%2524edgeHub", "h.example", "d1", "$edgeHub"},
    {"h.example%2Fdevices%2Fa%2525b", "h.example", "a%b", ""},
    {"h.example%2Fdevices%2Fa%25b", "h.example", "a%b", ""},
    {"h.example%2Fdevices%2Fd1%2Fapi-version%3D2016-11-14", "h.example", "d1", ""},
    {"h.example/devices/d1/modules/m1/api-version=2016-11-14", "h.example", "d1", "m1"},
    {"h.example/devices/d1/messages/events", "h.example", "d1", ""},
    {"h.example/devices/d1/modules/m1/messages/events", "h.example", "d1", "m1"},
};

TEST(SasAudience, EveryEncodersFormIsRead) {
    for (const auto& row : kAudiences) {
        SCOPED_TRACE(row.raw);
        const auto audience = parse_sas_audience(row.raw);
        ASSERT_TRUE(audience.has_value()) << audience.error().detail;
        EXPECT_EQ(audience->host, row.host);
        EXPECT_EQ(audience->device, row.device);
        EXPECT_EQ(audience->module, row.module);
    }
}

TEST(SasAudience, OtherPathsAreRefused) {
    for (const char* raw : {"", "/", "%2", "h/twins/d1", "h/devices//modules/m", "h/devices/d1/modules", "h/devices/d1/files",
                            "h/devices/d1/modules//x", "h/devices/d1/api-version=1/x"})
        EXPECT_FALSE(parse_sas_audience(raw).has_value()) << raw;
}

TEST(SasAudience, CoversExactlyItsOwnIdentityIgnoringCase) {
    const auto covered = [](std::string_view raw, const Identity& identity) {
        return covers(parse_sas_audience(raw).value(), identity, "Hub.Example");
    };
    const auto device = Identity::of_device("Dev1");
    const auto module = Identity::of_module("Dev1", "Mod1");
    EXPECT_TRUE(covered("hub.example%2fdevices%2fdev1", device));
    EXPECT_TRUE(covered("hub.example%2Fdevices%2FDev1%2Fmodules%2Fmod1", module));
    EXPECT_FALSE(covered("hub.example/devices/Dev1", module));
    EXPECT_FALSE(covered("hub.example/devices/Dev1/modules/Mod1", device));
    EXPECT_FALSE(covered("hub.example/devices/Dev2", device));
    EXPECT_FALSE(covered("hub.example/devices/Dev1/modules/Mod2", module));
    EXPECT_FALSE(covered("other.example/devices/Dev1", device));
    EXPECT_FALSE(covered("hub.example", device));
    EXPECT_FALSE(covered("hub.example/devices", device));
    EXPECT_TRUE(covered("hub.example%2Fdevices%2Fa%2541", Identity::of_device("a%41")));
    EXPECT_TRUE(covered("hub.example%2Fdevices%2Fa%252541", Identity::of_device("a%41")));
}

}  // namespace
}  // namespace selvage::codec
