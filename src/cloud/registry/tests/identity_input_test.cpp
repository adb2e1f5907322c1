#include <gtest/gtest.h>

#include "cloud/registry/etag.h"
#include "cloud/registry/identity_json.h"
#include "cloud/registry/scopes.h"

namespace selvage::cloud::registry {
namespace {

using storage::AuthenticationType;

constexpr const char* kKey = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=";
constexpr const char* kSha1 = "0123456789abcdef0123456789ABCDEF01234567";

struct AuthenticationRow {
    const char* name;
    std::string body;
    std::optional<AuthenticationType> type;  // nothing: refused
    std::string primary_key;
};

const AuthenticationRow kRows[] = {
    {"absent", "{}", AuthenticationType::sas, "fresh1"},
    {"empty keys", R"({"authentication":{"type":"sas","symmetricKey":{"primaryKey":"","secondaryKey":""}}})",
     AuthenticationType::sas, "fresh1"},
    {"null keys", R"({"authentication":{"symmetricKey":{"primaryKey":null,"secondaryKey":null}}})",
     AuthenticationType::sas, "fresh1"},
    {"null authentication", R"({"authentication":null})", AuthenticationType::sas, "fresh1"},
    {"own keys",
     std::string(R"({"authentication":{"symmetricKey":{"primaryKey":")") + kKey + R"(","secondaryKey":")" + kKey +
         R"("}}})",
     AuthenticationType::sas, kKey},
    {"one key", std::string(R"({"authentication":{"symmetricKey":{"primaryKey":")") + kKey + R"("}}})", std::nullopt,
     ""},
    {"short key", R"({"authentication":{"symmetricKey":{"primaryKey":"AAAA","secondaryKey":"AAAA"}}})", std::nullopt,
     ""},
    {"key that is no base64", R"({"authentication":{"symmetricKey":{"primaryKey":"%%","secondaryKey":"%%"}}})",
     std::nullopt, ""},
    {"thumbprint", std::string(R"({"authentication":{"x509Thumbprint":{"primaryThumbprint":")") + kSha1 + R"("}}})",
     AuthenticationType::self_signed, ""},
    {"bad thumbprint", R"({"authentication":{"x509Thumbprint":{"primaryThumbprint":"12"}}})", std::nullopt, ""},
    {"self-signed without thumbprint", R"({"authentication":{"type":"selfSigned"}})", std::nullopt, ""},
    {"keys and thumbprint",
     std::string(R"({"authentication":{"symmetricKey":{"primaryKey":")") + kKey + R"(","secondaryKey":")" + kKey +
         R"("},"x509Thumbprint":{"primaryThumbprint":")" + kSha1 + R"("}}})",
     std::nullopt, ""},
    {"CA, other case", R"({"authentication":{"type":"CertificateAuthority"}})",
     AuthenticationType::certificate_authority, ""},
    {"none", R"({"authentication":{"type":"none"}})", AuthenticationType::none, ""},
    {"unknown type", R"({"authentication":{"type":"magic"}})", std::nullopt, ""},
};

TEST(AuthenticationInput, IsNormalisedOrRefused) {
    for (const auto& row : kRows) {
        const auto input = read_module(*parse_json_object(row.body), "d", "m");
        const auto settled = input
                                 ? settle(input->authentication, nullptr, {.primary = "fresh1", .secondary = "fresh2"})
                                 : Result<storage::Authentication>(fail(input.error()));
        ASSERT_EQ(settled.has_value(), row.type.has_value()) << row.name;
        if (!settled) continue;
        EXPECT_EQ(settled->type, *row.type) << row.name;
        EXPECT_EQ(settled->primary_key, row.primary_key) << row.name;
    }
}

TEST(DeviceInput, RefusesWhatItCannotMean) {
    for (const char* body : {R"({"status":"maybe"})", R"({"status":5})", R"({"parentScopes":["a","b"]})",
                             R"({"parentScopes":[1]})", R"({"deviceId":7})", R"({"deviceScope":{}})"}) {
        const auto input = read_device(*parse_json_object(body), "d");
        ASSERT_FALSE(input) << body;
        EXPECT_EQ(input.error().code, Errc::invalid_argument) << body;
    }
    EXPECT_FALSE(read_device({{"statusReason", std::string(129, 'x')}}, "d"));
}

TEST(IfMatch, ComesInQuotesAndBare) {
    EXPECT_EQ(IfMatch::parse("").kind, IfMatch::Kind::absent);
    EXPECT_EQ(IfMatch::parse("*").kind, IfMatch::Kind::any);
    EXPECT_EQ(IfMatch::parse("\"*\"").kind, IfMatch::Kind::any);
    EXPECT_EQ(IfMatch::parse("\"MTIz\"").tag, "MTIz");
    EXPECT_EQ(IfMatch::parse("MTIz").tag, "MTIz");
    EXPECT_EQ(counter_of(identity_etag(123)), 123u);
    EXPECT_EQ(identity_etag(123), "MTIz");
    EXPECT_EQ(counter_of("AAAA"), std::nullopt);
}

TEST(Scopes, NameTheirDeviceUpToTheLastHyphen) {
    EXPECT_EQ(device_of_scope(edge_scope("a-b", "123")).value(), "a-b");
    EXPECT_FALSE(device_of_scope("ms-azure-iot-edge://x"));
    EXPECT_FALSE(device_of_scope("x-1"));
}

}  // namespace
}  // namespace selvage::cloud::registry
