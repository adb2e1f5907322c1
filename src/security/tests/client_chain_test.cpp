#include "security/client_chain.h"

#include <gtest/gtest.h>

#include "security/certificates.h"

namespace selvage::security {
namespace {

constexpr UtcTime kNow{std::chrono::sys_days{std::chrono::year{2026} / 3 / 1}};
using std::chrono::hours;

struct ClientChain : ::testing::Test {
    SeededRandom random{3};
    KeyPairPem root = authority("root", nullptr);
    KeyPairPem middle = authority("middle", &root);
    KeyPairPem stranger = authority("root", nullptr);  // the same name, another key

    KeyPairPem authority(const std::string& name, const KeyPairPem* issuer, hours lifetime = hours(1000)) {
        return make_certificate({.common_name = name, .lifetime = lifetime, .is_ca = true}, issuer, kNow, random).value();
    }
    KeyPairPem leaf(const KeyPairPem* issuer, CertificateRequest request = {}) {
        request.common_name = "d1";
        return make_certificate(request, issuer, kNow, random).value();
    }
    // As TLS gives them: one certificate a text.
    static std::vector<std::string> chain(const KeyPairPem& pair) {
        std::vector<std::string> pems;
        const std::string end = "-----END CERTIFICATE-----\n";
        std::string rest = pair.certificate_pem;
        for (auto at = rest.find(end); at != std::string::npos; at = rest.find(end)) {
            pems.push_back(rest.substr(0, at + end.size()));
            rest.erase(0, at + end.size());
        }
        return pems;
    }
    static Result<> check(const std::vector<const KeyPairPem*>& trusted, const std::vector<std::string>& presented,
                          UtcTime now = kNow) {
        std::vector<std::string> pems;
        for (const auto* one : trusted) pems.push_back(one->certificate_pem);
        const auto authorities = TrustedAuthorities::make(pems);
        EXPECT_TRUE(authorities) << authorities.error().detail;
        return (*authorities)->check_client(presented, now);
    }
};

TEST_F(ClientChain, LeadsToATrustedRootOrIntermediate) {
    const auto direct = leaf(&root);
    const auto deep = leaf(&middle);
    ASSERT_EQ(chain(deep).size(), 2u) << "leaf and intermediate";
    EXPECT_TRUE(check({&root}, chain(direct)));
    EXPECT_TRUE(check({&root}, chain(deep)));
    EXPECT_TRUE(check({&middle}, {chain(deep).front()})) << "an intermediate is trusted by itself";
    EXPECT_TRUE(check({&stranger, &root}, chain(direct))) << "two CAs of one name";
    const auto missing = check({&root}, {chain(deep).front()});
    EXPECT_EQ(missing.error().code, Errc::unauthorized) << "the intermediate was not presented";
}

TEST_F(ClientChain, ToNobodyOrToAStrangerIsRefused) {
    EXPECT_FALSE(check({}, chain(leaf(&root))));
    EXPECT_FALSE(check({&stranger}, chain(leaf(&root))));
    EXPECT_FALSE(check({&root}, chain(leaf(nullptr)))) << "self-signed";
    EXPECT_FALSE(check({&root}, {}));
    // What a client presents beside its leaf is never trusted.
    auto brought = chain(leaf(&stranger));
    brought.push_back(chain(stranger).front());
    EXPECT_FALSE(check({&root}, brought));
}

TEST_F(ClientChain, ACaIsNoDevice) {
    EXPECT_FALSE(check({&root}, chain(middle)));
    EXPECT_FALSE(check({&root}, {chain(root).front()}));
}

TEST_F(ClientChain, EveryCertificateOfThePathMustBeValidNow) {
    const auto brief = authority("brief", &root, hours(10));
    const auto device = leaf(&brief, {.lifetime = hours(24)});
    EXPECT_TRUE(check({&root}, chain(device), kNow + hours(9)));
    EXPECT_FALSE(check({&root}, chain(device), kNow + hours(11)));
    EXPECT_FALSE(check({&root}, chain(device), kNow - hours(1)));
    EXPECT_FALSE(check({&root}, chain(leaf(&root, {.lifetime = hours(2)})), kNow + hours(3)));
}

TEST_F(ClientChain, ACertificateThatIsOnlyForServersIsNoClients) {
    EXPECT_FALSE(check({&root}, chain(leaf(&root, {.server_auth = true}))));
    EXPECT_TRUE(check({&root}, chain(leaf(&root, {.client_auth = true}))));
    EXPECT_TRUE(check({&root}, chain(leaf(&root, {.server_auth = true, .client_auth = true}))));
}

TEST_F(ClientChain, TooLongOrDamagedChainsAreRefused) {
    auto presented = chain(leaf(&root));
    presented.resize(kChainCertificatesMax + 1, presented.front());
    EXPECT_EQ(check({&root}, presented).error().code, Errc::unauthorized);
    EXPECT_EQ(check({&root}, {"no certificate"}).error().code, Errc::malformed);
    EXPECT_EQ(TrustedAuthorities::make({"no certificate"}).error().code, Errc::malformed);
}

TEST_F(ClientChain, AProofIsSignedWithTheCasOwnKey) {
    EXPECT_TRUE(check_signed_by(leaf(&root).certificate_pem, root.certificate_pem, kNow));
    EXPECT_FALSE(check_signed_by(leaf(&middle).certificate_pem, root.certificate_pem, kNow)) << "one step further down";
    EXPECT_FALSE(check_signed_by(leaf(&stranger).certificate_pem, root.certificate_pem, kNow));
    EXPECT_FALSE(check_signed_by(root.certificate_pem, root.certificate_pem, kNow)) << "the CA's own certificate proves nothing";
    EXPECT_FALSE(check_signed_by(leaf(&root, {.lifetime = hours(1)}).certificate_pem, root.certificate_pem, kNow + hours(2)));
}

}  // namespace
}  // namespace selvage::security
