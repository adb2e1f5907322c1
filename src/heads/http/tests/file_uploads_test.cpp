#include "heads/http/tests/fake_hub.h"

namespace selvage::heads::http::testing {
namespace {

struct FakeFiles final : hub_api::FileUploads {
    Awaitable<Result<hub_api::UploadPlace>> begin_upload(std::string device, std::string name) override {
        asked = device + " " + name;
        if (refusal) co_return fail(*refusal);
        co_return hub_api::UploadPlace{"c1", "h.net", "uploads", device + "/" + name, "?sig=s%2B"};
    }
    Awaitable<Result<>> end_upload(std::string device, hub_api::UploadOutcome outcome) override {
        asked = device + " " + outcome.correlation_id + (outcome.succeeded ? " good " : " bad ") +
                std::to_string(outcome.status_code);
        if (refusal) co_return fail(*refusal);
        co_return Result<>{};
    }
    std::string asked;
    std::optional<Error> refusal;
};

class HttpFiles : public HttpHeadTest {
protected:
    FakeFiles files;
    void SetUp() override {
        head = std::make_unique<HttpHead>(loop.get_executor(), hub, time, random, settings, &files);
    }
    net::HttpResponse post(const std::string& path, const std::string& body) {
        return call("POST", "/devices/d1/files" + path + "?api-version=2021-04-12", {}, body);
    }
};

TEST_F(HttpFiles, APlaceIsGivenInTheServicesForm) {
    for (const char* path : {"", "/"}) {
        const auto response = post(path, R"({"blobName":"a b/x.txt"})");
        EXPECT_EQ(response.status, 200);
        EXPECT_EQ(response.body,
                  R"({"correlationId":"c1","hostName":"h.net","containerName":"uploads","blobName":"d1/a b/x.txt",)"
                  R"("sasToken":"?sig=s%2B"})");
        EXPECT_EQ(files.asked, "d1 a b/x.txt");
    }
}

TEST_F(HttpFiles, AnOutcomeHasItsCorrelationIdInThePathOrTheBody) {
    EXPECT_EQ(post("/notifications/c%2F1", R"({"isSuccess":true,"statusCode":201,"statusDescription":"ok"})").status, 204);
    EXPECT_EQ(files.asked, "d1 c/1 good 201");
    EXPECT_EQ(post("/notifications", R"({"correlationId":"c2","isSuccess":false,"statusCode":-1})").status, 204);
    EXPECT_EQ(files.asked, "d1 c2 bad -1");
    EXPECT_EQ(post("/Notifications/", R"({"correlationId":"c2","isSuccess":true,"statusDescription":7})").status, 204);
    EXPECT_EQ(files.asked, "d1 c2 good 0");
}

TEST_F(HttpFiles, RefusalsHaveTheServicesNames) {
    EXPECT_EQ(error_of(post("", "{")), "400 IotHubFormatError");
    EXPECT_EQ(error_of(post("", "{}")), "400 ArgumentInvalid");
    EXPECT_EQ(error_of(post("/notifications/c1", "{}")), "400 InvalidFileUploadCompletionStatus");
    EXPECT_EQ(error_of(post("/notifications/c1", R"({"isSuccess":"true"})")), "400 InvalidFileUploadCompletionStatus");
    EXPECT_EQ(error_of(post("/other", "{}")), "404 NotFound");
    EXPECT_EQ(error_of(call("GET", "/devices/d1/files?api-version=x")), "405 InvalidOperation");
    EXPECT_EQ(files.asked, "");
    struct Row {
        Errc code;
        const char* begin;
        const char* end;
    };
    constexpr Row kRows[] = {
        {Errc::quota_exceeded, "403 DeviceMaximumActiveFileUploadLimitExceeded", "403 IotHubQuotaExceeded"},
        {Errc::not_found, "404 NotFound", "400 InvalidFileUploadCorrelationId"},
        {Errc::precondition_failed, "412 DeviceMessageLockLost", "400 ExpiredFileUploadCorrelationId"},
        {Errc::invalid_argument, "400 ArgumentInvalid", "400 InvalidStorageEndpointOrBlob"},
        {Errc::io_error, "500 ServerError", "500 ServerError"},
    };
    for (const auto& row : kRows) {
        files.refusal = Error{row.code, "why"};
        EXPECT_EQ(error_of(post("", R"({"blobName":"x"})")), row.begin);
        EXPECT_EQ(error_of(post("/notifications/c1", R"({"isSuccess":true})")), row.end);
    }
}

TEST_F(HttpFiles, OnlyTheDeviceItselfIsServed) {
    hub.refusal = Error{Errc::unauthorized, "no"};
    EXPECT_EQ(error_of(post("", R"({"blobName":"x"})")), "401 IotHubUnauthorizedAccess");
    EXPECT_EQ(error_of(post("/notifications/c1", R"({"isSuccess":true})")), "401 IotHubUnauthorizedAccess");
    EXPECT_EQ(files.asked, "");
}

}  // namespace
}  // namespace selvage::heads::http::testing
