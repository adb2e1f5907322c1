#include "cloud/auth/authenticator.h"

#include <gtest/gtest.h>

#include "base/encoding.h"
#include "cloud/registry/tests/registry_fixture.h"
#include "security/certificates.h"
#include "security/sas_signer.h"

namespace selvage::cloud::auth {
namespace {

using domain::Identity;

constexpr const char* kHost = "hub.example";
constexpr const char* kOther = "AgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgI=";
constexpr const char* kOwnerKey = "AwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwM=";
constexpr const char* kServiceKey = "BAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQ=";

// top <- low <- leaf; low has modules m1 and $edgeHub; loner stands alone; off is disabled.
struct AuthFixture : cloud::testing::RegistryFixture {
    std::unique_ptr<authorities::Authorities> authorities;
    std::unique_ptr<Authenticator> authenticator;
    std::map<std::string, std::string> key;  // of the identity's text
    std::string loner_secondary;

    void SetUp() override {
        RegistryFixture::SetUp();
        const auto top = put_edge("top");
        const auto low = put_edge("low", std::string(find_text(*top, "deviceScope")));
        const auto leaf = put_device("leaf", {{"deviceScope", find_text(*low, "deviceScope")}});
        const auto loner = put_device("loner");
        const auto off = put_device("off", {{"status", "disabled"}});
        ASSERT_TRUE(top && low && leaf && loner && off);
        for (const auto& [id, device] :
             {std::pair{"top", &top}, {"low", &low}, {"leaf", &leaf}, {"loner", &loner}, {"off", &off}}) {
            key[id] = primary_key(**device);
        }
        loner_secondary =
            find_text(*find_object(*find_object(*loner, "authentication"), "symmetricKey"), "secondaryKey");
        give_module_keys("top", "$edgeHub");
        give_module_keys("low", "$edgeHub");
        const auto module = put_module("low", "m1");
        ASSERT_TRUE(module);
        key["low/m1"] = primary_key(*module);
        authorities = std::make_unique<authorities::Authorities>(time, random, *state);
        authenticator = std::make_unique<Authenticator>(
            *store, *authorities, time, kHost,
            std::vector<data_folder::Policy>{{.name = "iothubowner",
                                              .permissions = data_folder::kRegistryWrite |
                                                             data_folder::kServiceConnect | data_folder::kDeviceConnect,
                                              .primary_key = kOwnerKey,
                                              .secondary_key = kOther},
                                             {.name = "service",
                                              .permissions = data_folder::kServiceConnect,
                                              .primary_key = kServiceKey,
                                              .secondary_key = kOther}});
    }
    void give_module_keys(const std::string& device, const std::string& module) {
        const std::string own = to_base64(security::sha256(device + module));
        ASSERT_TRUE(put_module(device, module, keys(own, own), any()));
        key[device + "/" + module] = own;
    }
    std::string token(const std::string& key_base64, const std::string& resource,
                      std::chrono::seconds life = std::chrono::seconds(600), const std::string& policy = {}) {
        return security::make_sas_token(key_base64, resource, time.utc_now() + life, policy).value();
    }
    std::optional<Errc> code(hub_api::Credentials credentials) {
        const auto grant = get(authenticator->authenticate(std::move(credentials)));
        return grant ? std::nullopt : std::optional(grant.error().code);
    }
};

Identity identity_of(const std::string& text) {
    const auto slash = text.find('/');
    return slash == std::string::npos ? Identity::of_device(text)
                                      : Identity::of_module(text.substr(0, slash), text.substr(slash + 1));
}

struct Row {
    const char* name;
    const char* identity;
    const char* signer;  // whose key; "?" a key of nobody
    const char* resource;
    std::chrono::seconds life{600};
    const char* policy = "";
    const char* chain = "";
    std::optional<Errc> refused;
};
using std::chrono::seconds;
const Row kRows[] = {
    {"own key", "loner", "loner", "hub.example/devices/loner", seconds(600), "", "", std::nullopt},
    {"own secondary key", "loner", "loner:secondary", "hub.example/devices/loner", seconds(600), "", "", std::nullopt},
    {"audience in another case", "loner", "loner", "HUB.example/devices/LONER", seconds(600), "", "", std::nullopt},
    {"within the clock skew", "loner", "loner", "hub.example/devices/loner", seconds(-200), "", "", std::nullopt},
    {"expired", "loner", "loner", "hub.example/devices/loner", seconds(-400), "", "", Errc::unauthorized},
    {"wrong key", "loner", "?", "hub.example/devices/loner", seconds(600), "", "", Errc::unauthorized},
    {"another device's key", "loner", "leaf", "hub.example/devices/loner", seconds(600), "", "", Errc::unauthorized},
    {"another device's token", "loner", "leaf", "hub.example/devices/leaf", seconds(600), "", "", Errc::unauthorized},
    {"another hub's token", "loner", "loner", "else.example/devices/loner", seconds(600), "", "", Errc::unauthorized},
    {"unknown device", "ghost", "?", "hub.example/devices/ghost", seconds(600), "", "", Errc::device_not_found},
    {"other case of a device", "LONER", "loner", "hub.example/devices/LONER", seconds(600), "", "",
     Errc::device_not_found},
    {"disabled device", "off", "off", "hub.example/devices/off", seconds(600), "", "", Errc::device_disabled},
    {"own module key", "low/m1", "low/m1", "hub.example/devices/low/modules/m1", seconds(600), "", "", std::nullopt},
    {"unknown module", "low/m9", "low/m1", "hub.example/devices/low/modules/m9", seconds(600), "", "",
     Errc::module_not_found},
    {"another module's token", "low/m1", "low/$edgeHub", "hub.example/devices/low/modules/$edgeHub", seconds(600), "",
     "", Errc::unauthorized},
    {"a device's token for its module", "low/m1", "low", "hub.example/devices/low", seconds(600), "", "",
     Errc::unauthorized},
    {"a module without keys", "low/$edgeAgent", "?", "hub.example/devices/low/modules/$edgeAgent", seconds(600), "", "",
     Errc::unauthorized},
    {"policy over the hub", "loner", "iothubowner", "hub.example", seconds(600), "iothubowner", "", std::nullopt},
    {"policy over all devices", "loner", "iothubowner", "hub.example/devices", seconds(600), "iothubowner", "",
     std::nullopt},
    {"policy over another device", "loner", "iothubowner", "hub.example/devices/lon", seconds(600), "iothubowner", "",
     Errc::unauthorized},
    {"policy without DeviceConnect", "loner", "service", "hub.example", seconds(600), "service", "",
     Errc::unauthorized},
    {"unknown policy", "loner", "iothubowner", "hub.example", seconds(600), "nobody", "", Errc::unauthorized},
    {"policy with a wrong key", "loner", "?", "hub.example", seconds(600), "iothubowner", "", Errc::unauthorized},
    {"policy for a disabled device", "off", "iothubowner", "hub.example", seconds(600), "iothubowner", "",
     Errc::device_disabled},
    {"leaf by its edge hub", "leaf", "low/$edgeHub", "hub.example/devices/low/modules/$edgeHub", seconds(600), "",
     "leaf;low", std::nullopt},
    {"leaf by the top edge hub", "leaf", "top/$edgeHub", "hub.example/devices/top/modules/$edgeHub", seconds(600), "",
     "leaf;low;top", std::nullopt},
    {"module by its own edge hub", "low/m1", "low/$edgeHub", "hub.example/devices/low/modules/$edgeHub", seconds(600),
     "", "low/m1;low", std::nullopt},
    {"a parent left out", "leaf", "top/$edgeHub", "hub.example/devices/top/modules/$edgeHub", seconds(600), "",
     "leaf;top", Errc::forbidden},
    {"no child of the actor", "loner", "low/$edgeHub", "hub.example/devices/low/modules/$edgeHub", seconds(600), "",
     "loner;low", Errc::forbidden},
    {"chain of another identity", "loner", "low/$edgeHub", "hub.example/devices/low/modules/$edgeHub", seconds(600), "",
     "leaf;low", Errc::forbidden},
    {"chain that ends at a leaf", "leaf", "leaf", "hub.example/devices/leaf", seconds(600), "", "leaf",
     Errc::forbidden},
    {"chain with a wrong key", "leaf", "?", "hub.example/devices/low/modules/$edgeHub", seconds(600), "", "leaf;low",
     Errc::unauthorized},
    {"chain with another module's token", "leaf", "low/m1", "hub.example/devices/low/modules/m1", seconds(600), "",
     "leaf;low", Errc::unauthorized},
    {"unknown module in a chain", "low/m9", "low/$edgeHub", "hub.example/devices/low/modules/$edgeHub", seconds(600),
     "", "low/m9;low", Errc::module_not_found},
};

TEST_F(AuthFixture, EachCredentialIsAcceptedOrRefusedForItsOwnReason) {
    for (const auto& row : kRows) {
        const std::string signer = row.signer;
        const std::string by = signer == "?"                 ? kOther + std::string()
                               : signer == "iothubowner"     ? kOwnerKey
                               : signer == "service"         ? kServiceKey
                               : signer == "loner:secondary" ? loner_secondary
                                                             : key.at(signer);
        // kOther is a policy's second key: for policies a stranger's key must be another.
        const std::string used = signer == "?" && *row.policy != '\0' ? kServiceKey : by;
        hub_api::Credentials credentials{.identity = identity_of(row.identity),
                                         .sas_token = token(used, row.resource, row.life, row.policy),
                                         .certificate_chain_pem = {},
                                         .auth_chain = row.chain};
        EXPECT_EQ(code(std::move(credentials)), row.refused) << row.name;
    }
}

TEST_F(AuthFixture, ADisabledMemberBreaksTheChain) {
    hub_api::Credentials credentials{
        .identity = Identity::of_device("leaf"),
        .sas_token = token(key["top/$edgeHub"], "hub.example/devices/top/modules/$edgeHub"),
        .certificate_chain_pem = {},
        .auth_chain = "leaf;low;top"};
    ASSERT_EQ(code(credentials), std::nullopt);
    ASSERT_TRUE(put_device("low", {{"status", "disabled"}}, any()));
    EXPECT_EQ(code(credentials), Errc::device_disabled);
}

TEST_F(AuthFixture, AGrantSaysHowLongAndForWhom) {
    const auto grant =
        get(authenticator->authenticate({.identity = Identity::of_module("low", "m1"),
                                         .sas_token = token(key["low/m1"], "hub.example/devices/low/modules/m1"),
                                         .certificate_chain_pem = {},
                                         .auth_chain = {}}));
    ASSERT_TRUE(grant) << grant.error().detail;
    EXPECT_EQ(grant->expires, std::optional(time.utc_now() + std::chrono::seconds(600)));
    EXPECT_EQ(grant->auth_method, R"({"scope":"module","type":"sas","issuer":"iothub","acceptingIpFilterRule":null})");
    EXPECT_FALSE(grant->generation_id.empty());
}

TEST_F(AuthFixture, ASelfSignedCertificateIsKnownByItsThumbprint) {
    security::CertificateRequest request;
    request.common_name = "x509";
    request.lifetime = std::chrono::hours(24);
    request.client_auth = true;
    const auto certificate = security::make_certificate(request, nullptr, time.utc_now(), random);
    ASSERT_TRUE(certificate) << certificate.error().detail;
    const auto facts = security::read_certificate(certificate->certificate_pem);
    JsonObject thumbprints{{"primaryThumbprint", to_lower(facts->thumbprint_sha256)}};
    ASSERT_TRUE(put_device("x509", {{"authentication", JsonObject{{"x509Thumbprint", thumbprints}}}}));
    const auto present = [&](const char* id) {
        return code({.identity = Identity::of_device(id),
                     .sas_token = {},
                     .certificate_chain_pem = {certificate->certificate_pem},
                     .auth_chain = {}});
    };
    EXPECT_EQ(present("x509"), std::nullopt);
    EXPECT_EQ(present("loner"), Errc::unauthorized);
    const auto grant = get(authenticator->authenticate({.identity = Identity::of_device("x509"),
                                                        .sas_token = {},
                                                        .certificate_chain_pem = {certificate->certificate_pem},
                                                        .auth_chain = {}}));
    ASSERT_TRUE(grant);
    // Heads close a connection so long after what the grant says.
    EXPECT_EQ(grant->expires, std::optional(facts->not_after - std::chrono::minutes(5)));
    time.jump_utc(std::chrono::hours(48));
    EXPECT_EQ(present("x509"), Errc::unauthorized) << "its time is over";
}

TEST_F(AuthFixture, EitherThumbprintOfADeviceOrModuleIsGoodInEitherLength) {
    const auto make = [&] {
        return security::make_certificate({.common_name = "any"}, nullptr, time.utc_now(), random)->certificate_pem;
    };
    const std::string first = make();
    const std::string second = make();
    const JsonObject authentication{
        {"type", "selfSigned"},
        {"x509Thumbprint", JsonObject{{"primaryThumbprint", security::read_certificate(first)->thumbprint_sha1},
                                      {"secondaryThumbprint", security::read_certificate(second)->thumbprint_sha256}}}};
    ASSERT_TRUE(put_device("x", {{"authentication", authentication}}));
    ASSERT_TRUE(put_module("loner", "x", {{"authentication", authentication}}));
    for (const auto& id : {Identity::of_device("x"), Identity::of_module("loner", "x")}) {
        const auto present = [&](const std::string& pem) {
            return code({.identity = id, .sas_token = {}, .certificate_chain_pem = {pem}, .auth_chain = {}});
        };
        EXPECT_EQ(present(first), std::nullopt);
        EXPECT_EQ(present(second), std::nullopt);
        EXPECT_EQ(present(make()), Errc::unauthorized);
        EXPECT_EQ(present("no certificate"), Errc::unauthorized);
    }
}

TEST_F(AuthFixture, ACertificateOfAVerifiedCaNamesTheIdentityItIsFor) {
    const auto make = [&](const std::string& name, const security::KeyPairPem* issuer, bool is_ca) {
        return security::make_certificate({.common_name = name, .is_ca = is_ca}, issuer, time.utc_now(), random).value();
    };
    const auto root = make("root", nullptr, true);
    const auto stranger = make("root", nullptr, true);
    const JsonObject by_ca{{"authentication", JsonObject{{"type", "certificateAuthority"}}}};
    ASSERT_TRUE(put_device("x", by_ca));
    ASSERT_TRUE(put_device("y", by_ca));
    ASSERT_TRUE(put_module("loner", "x", by_ca));
    const auto present = [&](const Identity& id, const security::KeyPairPem& certificate) {
        return code({.identity = id,
                     .sas_token = {},
                     .certificate_chain_pem = {certificate.certificate_pem},
                     .auth_chain = {}});
    };
    const auto x = Identity::of_device("x");
    EXPECT_EQ(present(x, make("x", &root, false)), Errc::unauthorized) << "no CA is registered";
    ASSERT_TRUE(get(authorities->put("root", root.certificate_pem, false)));
    EXPECT_EQ(present(x, make("x", &root, false)), Errc::unauthorized) << "nobody proved to hold its key";
    ASSERT_TRUE(get(authorities->put("root", root.certificate_pem, true)));
    EXPECT_EQ(present(x, make("x", &root, false)), std::nullopt);
    EXPECT_EQ(present(Identity::of_device("y"), make("x", &root, false)), Errc::unauthorized) << "another device";
    EXPECT_EQ(present(x, make("X", &root, false)), Errc::unauthorized) << "another case";
    EXPECT_EQ(present(x, make("x", &stranger, false)), Errc::unauthorized);
    EXPECT_EQ(present(x, make("x", &root, true)), Errc::unauthorized) << "a CA";
    EXPECT_EQ(present(Identity::of_device("loner"), make("loner", &root, false)), Errc::unauthorized) << "it has keys";
    EXPECT_EQ(present(Identity::of_module("loner", "x"), make("loner/x", &root, false)), std::nullopt);
    EXPECT_EQ(present(Identity::of_module("loner", "x"), make("x", &root, false)), Errc::unauthorized);
    ASSERT_TRUE(put_device("x", {{"authentication", JsonObject{{"type", "certificateAuthority"}}}, {"status", "disabled"}}, any()));
    EXPECT_EQ(present(x, make("x", &root, false)), Errc::device_disabled);
}

TEST_F(AuthFixture, NoCredentialsAreNoProof) {
    EXPECT_EQ(
        code(
            {.identity = Identity::of_device("loner"), .sas_token = {}, .certificate_chain_pem = {}, .auth_chain = {}}),
        Errc::unauthorized);
    EXPECT_EQ(code({.identity = Identity::of_device("loner"),
                    .sas_token = "nonsense",
                    .certificate_chain_pem = {},
                    .auth_chain = {}}),
              Errc::unauthorized);
}

struct RequestRow {
    const char* name;
    const char* resource;
    const char* path;
    bool accepted;
};
constexpr RequestRow kRequestRows[] = {
    {"host alone", "hub.example", "/devices/d1", true},
    {"host in another case", "HUB.EXAMPLE", "/devices/d1", true},
    {"the resource itself", "hub.example/devices/d1", "/devices/d1", true},
    {"a prefix at a slash", "hub.example/devices", "/devices/d1", true},
    {"with a scheme and a slash", "https://hub.example/", "/devices/d1", true},
    {"a prefix inside a name", "hub.example/dev", "/devices/d1", false},
    {"another resource", "hub.example/twins", "/devices/d1", false},
    {"a part of the host", "hub", "/devices/d1", false},
    {"another host", "hub.example.org", "/devices/d1", false},
};

TEST_F(AuthFixture, ABackEndsTokenCoversThePathsBelowItsAudience) {
    for (const auto& row : kRequestRows) {
        const auto caller = get(authenticator->authenticate_request(
            {.authorization = token(kOwnerKey, row.resource, std::chrono::seconds(60), "iothubowner"),
             .certificate_chain_pem = {},
             .path = row.path,
             .path_identity = {}}));
        EXPECT_EQ(caller.has_value(), row.accepted) << row.name;
        if (caller) {
            EXPECT_TRUE(caller->may(data_folder::kRegistryWrite)) << row.name;
        }
    }
}

TEST_F(AuthFixture, ADeviceMayComeWithALowerCasedAudience) {
    const auto device = put_device("MixedCase");
    const auto caller = get(authenticator->authenticate_request(
        {.authorization = token(primary_key(*device), "hub.example/devices/mixedcase"),
         .certificate_chain_pem = {},
         .path = "/devices/MixedCase/modules/m1",
         .path_identity = Identity::of_device("MixedCase")}));
    ASSERT_TRUE(caller) << caller.error().detail;
    EXPECT_EQ(caller->identity, Identity::of_device("MixedCase"));
    EXPECT_EQ(caller->permissions, 0u);
}

}  // namespace
}  // namespace selvage::cloud::auth
