#include "cloud/authorities/authorities.h"

#include <gtest/gtest.h>

#include <filesystem>

#include "async/time_source.h"
#include "async/tests/run.h"
#include "base/encoding.h"
#include "security/certificates.h"
#include "storage/sqlite/sqlite_stores.h"

namespace selvage::cloud::authorities {
namespace {

constexpr UtcTime kNow{std::chrono::sys_days{std::chrono::year{2026} / 3 / 1}};

struct AuthoritiesTest : ::testing::Test {
    std::string folder = (std::filesystem::temp_directory_path() / "selvage-ca-XXXXXX").string();
    boost::asio::io_context loop;
    async::VirtualTime time{loop.get_executor(), kNow};
    SeededRandom random{5};
    std::unique_ptr<storage::StateStore> store;
    std::unique_ptr<Authorities> authorities;
    security::KeyPairPem root;

    void SetUp() override {
        ASSERT_NE(mkdtemp(folder.data()), nullptr);
        store = std::move(storage::open_sqlite_state_store({.path = folder + "/state.db"}).value());
        root = make("root", nullptr, true);
        load();
    }
    void TearDown() override {
        async::testing::run(loop, store->stop());
        std::filesystem::remove_all(folder);
    }
    void load() {
        authorities = std::make_unique<Authorities>(time, random, *store);
        ASSERT_TRUE(get(authorities->load()));
    }
    template <class T>
    T get(Awaitable<T> call) {
        std::optional<T> result;
        const auto keep = [](Awaitable<T> running, std::optional<T>& out) -> Awaitable<> { out = co_await std::move(running); };
        async::testing::run(loop, keep(std::move(call), result));
        return *std::move(result);
    }
    security::KeyPairPem make(const std::string& name, const security::KeyPairPem* issuer, bool is_ca) {
        return security::make_certificate({.common_name = name, .is_ca = is_ca}, issuer, kNow, random).value();
    }
    bool trusts(const security::KeyPairPem& issuer) {
        return authorities->check_client({make("d1", &issuer, false).certificate_pem}).has_value();
    }
};

TEST_F(AuthoritiesTest, ACaIsTrustedOnceItsKeyWasProved) {
    ASSERT_TRUE(get(authorities->put("root", root.certificate_pem, false)));
    EXPECT_FALSE(trusts(root));
    EXPECT_EQ(get(authorities->verify("root", root.certificate_pem)).error().code, Errc::precondition_failed);
    const auto asked = get(authorities->new_verification_code("root"));
    ASSERT_EQ(asked->verification_code.size(), 48u);

    const auto stranger = make("root", nullptr, true);
    EXPECT_EQ(get(authorities->verify("root", make("other", &root, false).certificate_pem)).error().code, Errc::invalid_argument);
    EXPECT_EQ(get(authorities->verify("root", make(asked->verification_code, &stranger, false).certificate_pem)).error().code,
              Errc::invalid_argument);
    EXPECT_FALSE(trusts(root));
    const auto proved = get(authorities->verify("root", make(asked->verification_code, &root, false).certificate_pem));
    ASSERT_TRUE(proved) << proved.error().detail;
    EXPECT_TRUE(proved->verified);
    EXPECT_TRUE(trusts(root));
    EXPECT_FALSE(trusts(stranger));

    load();
    EXPECT_TRUE(trusts(root)) << "after a restart";
    ASSERT_TRUE(get(authorities->remove("root")));
    EXPECT_FALSE(trusts(root));
    load();
    EXPECT_TRUE(authorities->list().empty());
}

TEST_F(AuthoritiesTest, ACodeIsGoodForOneProofAndANewOneReplacesIt) {
    ASSERT_TRUE(get(authorities->put("root", root.certificate_pem, false)));
    const auto first = get(authorities->new_verification_code("root"))->verification_code;
    const auto second = get(authorities->new_verification_code("root"))->verification_code;
    EXPECT_NE(first, second);
    EXPECT_FALSE(get(authorities->verify("root", make(first, &root, false).certificate_pem)));
    const auto proof = make(second, &root, false).certificate_pem;
    EXPECT_TRUE(get(authorities->verify("root", proof)));
    EXPECT_EQ(get(authorities->verify("root", proof)).error().code, Errc::precondition_failed);
}

TEST_F(AuthoritiesTest, AReplacedCertificateHasToBeProvedAgain) {
    ASSERT_TRUE(get(authorities->put("root", root.certificate_pem, true)));
    EXPECT_TRUE(trusts(root));
    const auto next = make("root 2", nullptr, true);
    const auto replaced = get(authorities->put("root", next.certificate_pem, false));
    EXPECT_FALSE(replaced->verified);
    EXPECT_FALSE(trusts(root));
    EXPECT_FALSE(trusts(next));
}

TEST_F(AuthoritiesTest, CertificatesComeAsPemAndInBase64) {
    const auto first = root.certificate_pem.find('\n') + 1;
    std::string der = root.certificate_pem.substr(first, root.certificate_pem.find("-----END") - first);
    ASSERT_TRUE(get(authorities->put("a", der, true))) << "base64 of DER, in lines";
    EXPECT_TRUE(trusts(root));
    ASSERT_TRUE(get(authorities->put("a", to_base64(root.certificate_pem), true)));
    EXPECT_TRUE(trusts(root));
}

TEST_F(AuthoritiesTest, WhatIsNoUsableCaIsRefused) {
    EXPECT_EQ(get(authorities->put("a", make("d", nullptr, false).certificate_pem, true)).error().code, Errc::invalid_argument);
    EXPECT_EQ(get(authorities->put("a b", root.certificate_pem, true)).error().code, Errc::invalid_argument);
    EXPECT_EQ(get(authorities->put("", root.certificate_pem, true)).error().code, Errc::invalid_argument);
    for (const char* text : {"", "nonsense", "AAAA", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"}) {
        EXPECT_EQ(get(authorities->put("a", text, true)).error().code, Errc::malformed) << text;
    }
    ASSERT_TRUE(get(authorities->put("a", root.certificate_pem, true)));
    EXPECT_EQ(get(authorities->put("b", root.certificate_pem, true)).error().code, Errc::already_exists);
    EXPECT_EQ(get(authorities->remove("b")).error().code, Errc::not_found);
    time.advance(std::chrono::hours(24 * 400));
    EXPECT_EQ(get(authorities->put("a", root.certificate_pem, true)).error().code, Errc::invalid_argument) << "expired";
    EXPECT_FALSE(trusts(root));
}

TEST_F(AuthoritiesTest, ThereIsRoomForTwentyFive) {
    for (std::size_t i = 0; i < kAuthoritiesMax; ++i) {
        const auto name = std::to_string(i);
        ASSERT_TRUE(get(authorities->put(name, make(name, nullptr, true).certificate_pem, false)));
    }
    EXPECT_EQ(get(authorities->put("one more", root.certificate_pem, false)).error().code, Errc::invalid_argument);
    EXPECT_EQ(get(authorities->put("more", root.certificate_pem, false)).error().code, Errc::quota_exceeded);
    EXPECT_TRUE(get(authorities->put("3", root.certificate_pem, false))) << "replacing takes no room";
}

}  // namespace
}  // namespace selvage::cloud::authorities
