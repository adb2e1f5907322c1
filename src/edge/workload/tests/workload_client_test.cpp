#include "edge/workload/workload_client.h"

#include <boost/asio/io_context.hpp>
#include <gtest/gtest.h>
#include <stdlib.h>

#include <filesystem>

#include "async/task_group.h"
#include "async/tests/run.h"
#include "base/encoding.h"
#include "base/json.h"
#include "net/http.h"
#include "net/listener.h"

namespace selvage::edge {
namespace {

using async::Awaitable;

// A workload API on a real socket in a folder of its own; `answer` says what it answers.
struct Daemon {
    Daemon() {
        auto pattern = (std::filesystem::temp_directory_path() / "workload-XXXXXX").string();
        folder = mkdtemp(pattern.data());
        environment.workload_uri = "unix://" + folder + "/w.sock";
        environment.api_version = "2018-06-28";
        environment.module_id = "$edgeHub";
        environment.generation_id = "g/1";
        listen();
        client = std::make_unique<WorkloadClient>(*dialer, time, environment);
    }
    ~Daemon() {
        const auto end = [this]() -> Awaitable<> {
            if (listener) co_await listener->stop();
        };
        client.reset();
        async::testing::run(loop, end());
        listener.reset();
        std::filesystem::remove_all(folder);
    }

    void listen() {
        auto serve = [this](std::shared_ptr<net::Stream> stream) -> Awaitable<> {
            return net::serve_http(std::move(stream), time, {}, [this](net::HttpRequest request) { return handle(std::move(request)); });
        };
        auto made = net::listen_unix(loop.get_executor(), time, folder + "/w.sock", 0666, {}, std::move(serve));
        ASSERT_TRUE(made.has_value()) << made.error().detail;
        listener = *std::move(made);
    }

    Awaitable<net::HttpResponse> handle(net::HttpRequest request) {
        requests.push_back(request);
        request.peer = nullptr;
        auto response = answer(request);
        response.headers.set("Content-Type", "application/json");
        co_return response;
    }

    template <class T>
    Result<T> call(Awaitable<Result<T>> operation) {
        Result<T> result = fail(Errc::internal, "did not end");
        const auto keep = [](Awaitable<Result<T>> op, Result<T>* out) -> Awaitable<> { *out = co_await std::move(op); };
        async::testing::run(loop, keep(std::move(operation), &result));
        return result;
    }

    boost::asio::io_context loop;
    async::SystemTime time;
    std::string folder;
    std::unique_ptr<net::Dialer> dialer = net::make_dialer(time);
    ModuleEnvironment environment;
    std::unique_ptr<WorkloadClient> client;
    std::unique_ptr<net::Listener> listener;
    std::vector<net::HttpRequest> requests;
    std::function<net::HttpResponse(const net::HttpRequest&)> answer;
};

net::HttpResponse response(int status, std::string body) {
    net::HttpResponse made;
    made.status = status;
    made.body = std::move(body);
    return made;
}

TEST(Workload, SignSendsWhatTheSdksSendAndDecodesTheDigest) {
    Daemon daemon;
    daemon.answer = [](const net::HttpRequest&) { return response(200, R"({"digest":"AAEC"})"); };
    EXPECT_EQ(daemon.call(daemon.client->sign("text")).value(), std::string("\0\1\2", 3));
    ASSERT_EQ(daemon.requests.size(), 1u);
    EXPECT_EQ(daemon.requests[0].method, "POST");
    EXPECT_EQ(daemon.requests[0].target, "/modules/%24edgeHub/genid/g%2F1/sign?api-version=2018-06-28");
    EXPECT_EQ(daemon.requests[0].headers.get("content-type"), "application/json");
    EXPECT_EQ(daemon.requests[0].body, R"({"keyId":"primary","algo":"HMACSHA256","data":"dGV4dA=="})");
}

TEST(Workload, TokensAreSignedOverTheEncodedResourceAndTheExpiry) {
    Daemon daemon;
    daemon.answer = [](const net::HttpRequest&) { return response(200, R"({"digest":"+/8="})"); };
    const auto tokens = token_source_from_workload(*daemon.client);
    const auto token = daemon.call(tokens->token("h/devices/d", UtcTime(std::chrono::seconds(17)))).value();
    EXPECT_EQ(token, "SharedAccessSignature sr=h%2Fdevices%2Fd&sig=%2B%2F8%3D&se=17");
    const auto sent = parse_json_object(daemon.requests[0].body).value();
    EXPECT_EQ(from_base64(find_text(sent, "data")).value(), "h%2Fdevices%2Fd\n17");
}

TEST(Workload, TheTrustBundleAndAServersCertificateAreRead) {
    Daemon daemon;
    daemon.answer = [](const net::HttpRequest&) { return response(200, R"({"certificate":"PEM"})"); };
    EXPECT_EQ(daemon.call(daemon.client->trust_bundle()).value(), "PEM");
    EXPECT_EQ(daemon.requests[0].method, "GET");
    EXPECT_EQ(daemon.requests[0].target, "/trust-bundle?api-version=2018-06-28");
    daemon.answer = [](const net::HttpRequest&) {
        return response(201, R"({"privateKey":{"type":"key","bytes":"KEY"},"certificate":"CHAIN","expiration":"2026-02-01T00:00:00+00:00"})");
    };
    const auto made = daemon.call(daemon.client->server_certificate("gateway", UtcTime(std::chrono::seconds(0)))).value();
    EXPECT_EQ(made.chain_pem, "CHAIN");
    EXPECT_EQ(made.key_pem, "KEY");
    EXPECT_EQ(made.expires, UtcTime(std::chrono::seconds(1769904000)));
    EXPECT_EQ(daemon.requests[1].body, R"({"commonName":"gateway","expiration":"1970-01-01T00:00:00.0000000Z"})");
}

TEST(Workload, EncryptAndDecryptCarryBase64) {
    Daemon daemon;
    daemon.answer = [](const net::HttpRequest&) { return response(200, R"({"ciphertext":"AgM=","plaintext":""})"); };
    EXPECT_EQ(daemon.call(daemon.client->encrypt("a", "iv")).value(), "\2\3");
    EXPECT_EQ(daemon.requests[0].body, R"({"plaintext":"YQ==","initializationVector":"aXY="})");
    EXPECT_EQ(daemon.call(daemon.client->decrypt("a", "iv")).value(), "");
    EXPECT_EQ(daemon.requests[1].body, R"({"ciphertext":"YQ==","initializationVector":"aXY="})");
}

TEST(Workload, ServerErrorsAreTriedFourTimesAndOthersOnce) {
    Daemon daemon;
    int failures = 2;
    daemon.answer = [&](const net::HttpRequest&) {
        return failures-- > 0 ? response(500, R"({"message":"busy"})") : response(200, R"({"certificate":"PEM"})");
    };
    EXPECT_EQ(daemon.call(daemon.client->trust_bundle()).value(), "PEM");
    EXPECT_EQ(daemon.requests.size(), 3u);
    failures = 100;
    const auto gone = daemon.call(daemon.client->trust_bundle());
    EXPECT_EQ(gone.error().code, Errc::unavailable);
    EXPECT_NE(gone.error().detail.find("busy"), std::string::npos);
    EXPECT_EQ(daemon.requests.size(), 7u);
    daemon.answer = [](const net::HttpRequest&) { return response(403, R"({"message":"forbidden"})"); };
    EXPECT_EQ(daemon.call(daemon.client->sign("x")).error().code, Errc::forbidden);
    EXPECT_EQ(daemon.requests.size(), 8u);
}

TEST(Workload, AnswersThatAreNotWhatTheyShouldBeAreMalformed) {
    Daemon daemon;
    for (const char* body : {"", "[]", "{}", R"({"digest":7})", R"({"digest":"***"})"}) {
        daemon.answer = [body](const net::HttpRequest&) { return response(200, body); };
        EXPECT_EQ(daemon.call(daemon.client->sign("x")).error().code, Errc::malformed) << body;
    }
}

TEST(Workload, AnAbsentDaemonIsUnavailableAndABadUriIsNamed) {
    Daemon daemon;
    const auto stop = [&]() -> Awaitable<> { co_await daemon.listener->stop(); };
    async::testing::run(daemon.loop, stop());
    daemon.listener.reset();
    EXPECT_EQ(daemon.call(daemon.client->trust_bundle()).error().code, Errc::unavailable);
    daemon.environment.workload_uri = "ftp://x";
    WorkloadClient lost(*daemon.dialer, daemon.time, daemon.environment);
    const auto refused = daemon.call(lost.trust_bundle());
    EXPECT_EQ(refused.error().code, Errc::invalid_argument);
    EXPECT_NE(refused.error().detail.find("IOTEDGE_WORKLOADURI"), std::string::npos);
}

}  // namespace
}  // namespace selvage::edge
