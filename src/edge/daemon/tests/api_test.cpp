#include "edge/daemon/api/api.h"

#include "edge/daemon/tests/daemon_fixture.h"

namespace selvage::edge::daemon {
namespace {

using ApiRules = testing::DaemonTest;

TEST_F(ApiRules, AreKeptOnBothSockets) {
    start_with_agent();
    struct Row {
        const char* name;
        const char* method;
        const char* target;
        const char* type;
        const char* body;
        int status;
        const char* message;
    };
    const Row rows[] = {
        {"no version", "GET", "/systeminfo", "", "", 400, "api-version not specified"},
        {"unknown version", "GET", "/systeminfo?api-version=2021-05-11", "", "", 400, "invalid api-version \"2021-05-11\""},
        {"version before route", "GET", "/nothing?api-version=1", "", "", 400, "invalid api-version \"1\""},
        {"last version wins", "GET", "/nothing?api-version=1&api-version=2018-06-28", "", "", 404, "not found"},
        {"unknown path", "GET", "/nothing?api-version=2018-06-28", "", "", 404, "not found"},
        {"bad encoding", "GET", "/modules/%zz?api-version=2018-06-28", "", "", 404, "not found"},
        {"other method", "PATCH", "/modules?api-version=2018-06-28", "", "", 400, "method not allowed"},
        {"post without body", "POST", "/identities/?api-version=2018-06-28", "", "", 400, "missing request body"},
        {"post of another type", "POST", "/identities?api-version=2018-06-28", "text/plain", "{}", 400, "missing request body"},
        {"put of another type", "PUT", "/identities/m?api-version=2018-06-28", "text/plain", "{}", 415, "request body must be application/json"},
        {"put without body", "PUT", "/identities/m?api-version=2018-06-28", "", "", 422, nullptr},
        {"no json", "POST", "/identities/?api-version=2018-06-28", "application/json; charset=utf-8", "{", 422, nullptr},
        {"wrong shape", "POST", "/identities/?api-version=2018-06-28", "", "{}", 422, "missing field `moduleId`"},
        {"older version", "POST", "/modules/m/prepareupdate?api-version=2018-06-28", "", "{}", 404, "not found"},
        {"older version", "GET", "/systeminfo/resources?api-version=2019-10-22", "", "", 404, "not found"},
    };
    for (const Row& row : rows) {
        const auto answer = manage(row.method, row.target, row.body, row.type);
        EXPECT_EQ(answer.status, row.status) << row.name << ": " << answer.body;
        EXPECT_EQ(answer.type, "application/json") << row.name;
        EXPECT_TRUE(answer.json().contains("message")) << row.name;
        if (row.message != nullptr) EXPECT_EQ(answer.message(), row.message) << row.name;
    }
    EXPECT_EQ(work("GET", "/trust-bundle").message(), "api-version not specified");
    EXPECT_EQ(work("POST", "/trust-bundle?api-version=2022-08-03").message(), "method not allowed");
}

TEST(ErrorMap, HasOneStatusForEachErrorAndSource) {
    struct Row {
        Errc code;
        int request, engine, identities;
    };
    const Row rows[] = {
        {Errc::not_found, 404, 404, 500},        {Errc::already_exists, 409, 409, 500}, {Errc::forbidden, 403, 403, 500},
        {Errc::invalid_argument, 400, 400, 500}, {Errc::malformed, 422, 500, 500},      {Errc::throttled, 429, 500, 500},
        {Errc::unavailable, 500, 500, 500},      {Errc::unauthorized, 500, 500, 500},   {Errc::timeout, 500, 500, 500},
        {Errc::internal, 500, 500, 500},         {Errc::io_error, 500, 500, 500},
    };
    for (const Row& row : rows) {
        EXPECT_EQ(status_of(row.code, ErrorSource::request), row.request) << name(row.code);
        EXPECT_EQ(status_of(row.code, ErrorSource::engine), row.engine) << name(row.code);
        EXPECT_EQ(status_of(row.code, ErrorSource::identities), row.identities) << name(row.code);
    }
}

}  // namespace
}  // namespace selvage::edge::daemon
