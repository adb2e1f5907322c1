#include "base/encoding.h"
#include "base/time_text.h"
#include "edge/daemon/tests/daemon_fixture.h"
#include "security/certificates.h"
#include "security/sas_signer.h"

namespace selvage::edge::daemon {
namespace {

constexpr const char* kAgent = "/modules/%24edgeAgent/genid/agentgen";
std::string at(const std::string& path) { return path + "?api-version=2018-06-28"; }

class WorkloadApi : public testing::DaemonTest {
protected:
    void SetUp() override {
        DaemonTest::SetUp();
        ASSERT_TRUE(replace_file(folder_ + "/bundle.pem", "-----BEGIN CERTIFICATE-----\nsite\n-----END CERTIFICATE-----\n"));
        settings_.config.trust_bundle_path = folder_ + "/bundle.pem";
    }
};

TEST_F(WorkloadApi, SignsWithTheKeyThatTheHubKnows) {
    start_with_agent();
    const std::string body = R"({"keyId":"primary","algo":"HMACSHA256","data":"aGVsbG8="})";
    // Without a content type, as the Python SDK asks, and over the module's own socket.
    const auto answer = ask(folder_ + "/home/mnt/edgeAgent.sock", "POST", at(std::string(kAgent) + "/sign"), body);
    EXPECT_EQ(answer.status, 200) << answer.body;
    EXPECT_EQ(find_text(answer.json(), "digest"),
              to_base64(security::hmac_sha256(*from_base64(hub_.modules["$edgeAgent"].primary_key), "hello")));
    EXPECT_EQ(work("POST", at("/modules/$edgeAgent/genid/agentgen/sign"), R"({"data":"aGVsbG8="})").status, 200);
    EXPECT_EQ(work("POST", at(std::string(kAgent) + "/sign")).message(), "missing parameter: request body");
    EXPECT_EQ(work("POST", at(std::string(kAgent) + "/sign"), R"({"data":"%%"})").status, 400);
    EXPECT_EQ(work("POST", at(std::string(kAgent) + "/sign"), "{}").status, 422);
}

TEST_F(WorkloadApi, KnowsItsCallersByTheirProcess) {
    start_with_agent();
    runtime_.add_running("m1", {1});
    for (const char* path : {"/modules/m1/genid/g/sign", "/modules/m1/genid/g/encrypt", "/modules/m1/genid/g/decrypt",
                             "/modules/m1/genid/g/certificate/server", "/modules/m1/certificate/identity", "/modules/ghost/genid/g/sign"}) {
        const auto answer = work("POST", at(path), R"({"data":"eA=="})");
        EXPECT_EQ(answer.status, 403) << path;
        EXPECT_EQ(answer.message(), "forbidden");
    }
    // A process that joins is found although the list was read a moment ago.
    runtime_.containers["m1"].pids = {1, ::getpid()};
    hub_.modules["m1"].generation = "g";
    EXPECT_EQ(work("POST", at("/modules/m1/genid/g/sign"), R"({"data":"eA=="})").status, 200);
}

TEST_F(WorkloadApi, EncryptsForOneModuleAndGeneration) {
    start_with_agent();
    const auto sealed = work("POST", at(std::string(kAgent) + "/encrypt"), R"({"plaintext":"aGVsbG8=","initializationVector":"MDEyMzQ1"})");
    EXPECT_EQ(sealed.status, 200);
    const std::string body = to_text(JsonObject{{"ciphertext", find_text(sealed.json(), "ciphertext")}, {"initializationVector", "MDEyMzQ1"}});
    EXPECT_EQ(find_text(work("POST", at(std::string(kAgent) + "/decrypt"), body).json(), "plaintext"), "aGVsbG8=");
    EXPECT_EQ(work("POST", at("/modules/%24edgeAgent/genid/other/decrypt"), body).status, 500);
}

TEST_F(WorkloadApi, IssuesServerCertificatesForAsLongAsAsked) {
    start_with_agent();
    const UtcTime expires = time_.utc_now() + std::chrono::hours(24 * 60);
    const auto answer = work("POST", at(std::string(kAgent) + "/certificate/server"),
                             to_text(JsonObject{{"commonName", "edge.local"}, {"expiration", to_iso8601(expires)}}));
    ASSERT_EQ(answer.status, 201) << answer.body;
    const auto facts = security::read_certificate(std::string(find_text(answer.json(), "certificate")));
    ASSERT_TRUE(facts);
    EXPECT_EQ(facts->common_name, "edge.local");
    EXPECT_GT(facts->not_after, expires - std::chrono::hours(2));
    EXPECT_LE(facts->not_after, expires);
    EXPECT_TRUE(find_text(answer.json(), "expiration").ends_with("+00:00"));
    const JsonObject json = answer.json();
    EXPECT_TRUE(find_text(*find_object(json, "privateKey"), "bytes").starts_with("-----BEGIN PRIVATE KEY-----"));
    EXPECT_EQ(find_text(*find_object(json, "privateKey"), "type"), "key");
    EXPECT_EQ(work("POST", at(std::string(kAgent) + "/certificate/server"), "{}").status, 422);
    EXPECT_EQ(work("POST", at(std::string(kAgent) + "/certificate/server"), to_text(JsonObject{{"commonName", std::string(65, 'x')}})).status, 500);
    EXPECT_EQ(work("POST", at("/modules/%24edgeAgent/certificate/identity"), "{}").status, 201);
}

TEST_F(WorkloadApi, GivesEverybodyTheTrustBundle) {
    start_with_agent();
    const auto answer = work("GET", at("/trust-bundle"));
    EXPECT_EQ(answer.status, 200);
    const JsonObject json = answer.json();
    const std::string bundle(find_text(json, "certificate"));
    EXPECT_EQ(bundle, *read_file(folder_ + "/home/certs/edge-ca.pem") + *read_file(folder_ + "/bundle.pem"));
    EXPECT_EQ(work("GET", at("/manifest-trust-bundle")).body, R"({"certificate":""})");
    EXPECT_EQ(find_array(work("GET", at("/modules")).json(), "modules")->size(), 1u);
}

}  // namespace
}  // namespace selvage::edge::daemon
