#include "edge/identity/edge_ca.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>

#include "async/tests/run.h"
#include "base/file.h"
#include "base/time_text.h"

namespace selvage::edge::identity {
namespace {

class EdgeCaTest : public ::testing::Test {
protected:
    void SetUp() override {
        std::string pattern = (std::filesystem::temp_directory_path() / "selvage-ca-XXXXXX").string();
        ASSERT_NE(::mkdtemp(pattern.data()), nullptr);
        folder_ = pattern;
        ASSERT_TRUE(replace_file(folder_ + "/device-id", "device key", 0600));
        auto keys = make_file_key_store(folder_ + "/secrets", folder_ + "/device-id", random_);
        ASSERT_TRUE(keys);
        keys_ = std::move(*keys);
    }
    void TearDown() override { std::filesystem::remove_all(folder_); }

    Result<std::unique_ptr<EdgeCa>> open(config::EdgeCaSettings settings = {}) {
        return EdgeCa::open({std::move(settings), "d1", folder_ + "/certs"}, *keys_, time_, random_, blocking_);
    }
    static security::CertificateRequest leaf(std::chrono::hours lifetime) {
        security::CertificateRequest request;
        request.common_name = "edge.local";
        request.dns_names = {"edge.local", "edgeHub"};
        request.server_auth = true;
        request.lifetime = lifetime;
        return request;
    }

    boost::asio::io_context loop_;
    async::VirtualTime time_{loop_.get_executor(), *from_iso8601("2026-01-01T00:00:00Z")};
    SystemRandom random_;
    async::BlockingPool blocking_{"test", 1};
    std::string folder_;
    std::unique_ptr<KeyStore> keys_;
};

TEST_F(EdgeCaTest, MakesItselfOnceAndKeepsItsKeyClosed) {
    auto ca = open();
    ASSERT_TRUE(ca) << ca.error().detail;
    const auto facts = security::read_certificate((*ca)->bundle());
    ASSERT_TRUE(facts);
    EXPECT_EQ(facts->common_name, "aziot-edge CA d1");
    EXPECT_TRUE(facts->is_ca);
    struct stat info {};
    ASSERT_EQ(::stat((folder_ + "/secrets/aziot-edged-ca.pem").c_str(), &info), 0);
    EXPECT_EQ(info.st_mode & 07777, 0600u);
    EXPECT_EQ(*read_file(folder_ + "/certs/edge-ca.pem"), (*ca)->bundle());
    EXPECT_EQ((*ca)->bundle().find("PRIVATE"), std::string::npos);
    EXPECT_EQ((*open())->bundle(), (*ca)->bundle());
}

TEST_F(EdgeCaTest, IssuesForAsLongAsAskedWithinItsOwnLife) {
    auto ca = open();
    const auto brief = (*ca)->issue(leaf(std::chrono::hours(48)));
    ASSERT_TRUE(brief);
    const auto facts = security::read_certificate(brief->certificate_pem);
    EXPECT_EQ(facts->common_name, "edge.local");
    EXPECT_LE(facts->not_after - time_.utc_now(), std::chrono::hours(48));
    EXPECT_GT(facts->not_after - time_.utc_now(), std::chrono::hours(47));
    const auto endless = (*ca)->issue(leaf(std::chrono::hours(24 * 3650)));
    ASSERT_TRUE(endless);
    EXPECT_EQ(security::read_certificate(endless->certificate_pem)->not_after, (*ca)->expires());
}

TEST_F(EdgeCaTest, RenewsBeforeItExpiresAndKeepsTheOldOneTrusted) {
    auto ca = open();
    const std::string before = (*ca)->bundle();
    async::testing::run(loop_, [](EdgeCa& edge_ca, async::VirtualTime& time, std::string old) -> async::Awaitable<> {
        time.advance(std::chrono::hours(24 * 71));
        EXPECT_FALSE(*co_await edge_ca.renew_if_due()) << "not before 80% of 90 days";
        time.advance(std::chrono::hours(24 * 2));
        auto renewed = co_await edge_ca.renew_if_due();
        EXPECT_TRUE(renewed && *renewed);
        EXPECT_NE(edge_ca.bundle(), old);
        EXPECT_NE(edge_ca.bundle().find(old), std::string::npos) << "certificates of the old one are still in use";
    }(**ca, time_, before));
    EXPECT_EQ((*open())->bundle(), (*ca)->bundle()) << "after a restart too";
    time_.advance(std::chrono::hours(24 * 30));
    EXPECT_EQ((*open())->bundle().find(before), std::string::npos) << "the old one has expired";
}

TEST_F(EdgeCaTest, ComesFromFilesWhenTheyBelongTogether) {
    security::CertificateRequest request;
    request.common_name = "site CA";
    request.is_ca = true;
    const auto pair = security::make_certificate(request, nullptr, time_.utc_now(), random_);
    const auto other = security::make_certificate(request, nullptr, time_.utc_now(), random_);
    ASSERT_TRUE(pair && other);
    ASSERT_TRUE(replace_file(folder_ + "/ca.pem", pair->certificate_pem));
    ASSERT_TRUE(replace_file(folder_ + "/ca.key", pair->key_pem, 0600));
    ASSERT_TRUE(replace_file(folder_ + "/other.key", other->key_pem, 0600));
    ASSERT_TRUE(make_folders(folder_ + "/certs"));
    config::EdgeCaSettings settings;
    settings.certificate_path = folder_ + "/ca.pem";
    settings.key_path = folder_ + "/ca.key";
    const auto ca = open(settings);
    ASSERT_TRUE(ca) << ca.error().detail;
    EXPECT_EQ((*ca)->bundle(), pair->certificate_pem);
    settings.key_path = folder_ + "/other.key";
    EXPECT_FALSE(open(settings));
    settings.key_path = folder_ + "/missing.key";
    EXPECT_FALSE(open(settings));
}

}  // namespace
}  // namespace selvage::edge::identity
