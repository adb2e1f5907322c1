#include "edge/runtime/docker/describe.h"

#include <gtest/gtest.h>

namespace selvage::edge::runtime {
namespace {

using management::ModuleStatus;

TEST(Describe, TurnsTheEnginesStatesIntoOurs) {
    struct Row {
        const char* state;
        int exit_code;
        ModuleStatus want;
    };
    const Row rows[] = {
        {"created", 0, ModuleStatus::stopped}, {"paused", 0, ModuleStatus::stopped},   {"restarting", 1, ModuleStatus::stopped},
        {"running", 0, ModuleStatus::running}, {"dead", 137, ModuleStatus::dead},      {"exited", 0, ModuleStatus::stopped},
        {"exited", 1, ModuleStatus::failed},   {"removing", 137, ModuleStatus::failed}, {"unheard of", 0, ModuleStatus::unknown},
    };
    for (const Row& row : rows) {
        const JsonObject inspected{{"Name", "/m"}, {"State", JsonObject{{"Status", row.state}, {"ExitCode", row.exit_code}}}};
        EXPECT_EQ(describe_container(inspected).status, row.want) << row.state << " " << row.exit_code;
    }
}

TEST(Describe, ReadsAnInspectedContainer) {
    const auto inspected = parse_json_object(R"({"Id":"abc","Name":"/tempSensor","Image":"sha256:1f",
        "State":{"Status":"exited","Pid":0,"ExitCode":3,"StartedAt":"2026-01-02T03:04:05.678901234Z","FinishedAt":"2026-01-02T04:00:00Z"},
        "Config":{"Labels":{"net.azure-devices.edge.original-image":"reg/s:1"}}})");
    const auto details = describe_container(*inspected);
    EXPECT_EQ(details.name, "tempSensor");
    EXPECT_EQ(details.image, "reg/s:1");
    EXPECT_EQ(to_text(management::to_json(details)),
              R"({"id":"id","name":"tempSensor","type":"docker","config":{"settings":{"image":"reg/s:1","imageHash":"sha256:1f",)"
              R"("createOptions":{"Labels":{"net.azure-devices.edge.original-image":"reg/s:1"}}},"env":[]},)"
              R"("status":{"startTime":"2026-01-02T03:04:05.678Z","exitStatus":{"exitTime":"2026-01-02T04:00:00Z","statusCode":"3"},)"
              R"("runtimeStatus":{"status":"failed"}}})");
}

TEST(Describe, KnowsTheYearOneForNever) {
    const auto inspected = parse_json_object(R"({"Name":"/m","State":{"Status":"running","Pid":7,"ExitCode":0,
        "StartedAt":"0001-01-01T00:00:00Z","FinishedAt":"0001-01-01T00:00:00Z"},
        "Mounts":[{"Source":"/h/m.sock","Destination":"/var/run/iotedge/workload.sock"}]})");
    const auto details = describe_container(*inspected);
    EXPECT_FALSE(details.start_time);
    EXPECT_FALSE(details.exit_time);
    EXPECT_FALSE(details.exit_code);
    EXPECT_EQ(details.image, "m");
    EXPECT_EQ(first_process(*inspected), 7);
    ASSERT_EQ(mounts_of(*inspected).size(), 1u);
    EXPECT_EQ(mounts_of(*inspected)[0].destination, "/var/run/iotedge/workload.sock");
}

TEST(Describe, FindsTheProcessIds) {
    EXPECT_EQ(*process_ids(*parse_json_object(R"({"Titles":["UID","PID","CMD"],"Processes":[["root","17","a"],["root","18","b"]]})")),
              (std::vector<int>{17, 18}));
    EXPECT_TRUE(process_ids(*parse_json_object(R"({"Titles":["PID"],"Processes":null})"))->empty()) << "just started";
    for (const char* bad : {"{}", R"({"Titles":["UID"],"Processes":[]})", R"({"Titles":["PID"],"Processes":[["x"]]})",
                            R"({"Titles":["A","PID"],"Processes":[["1"]]})", R"({"Titles":["PID"],"Processes":[7]})"})
        EXPECT_FALSE(process_ids(*parse_json_object(bad))) << bad;
}

}  // namespace
}  // namespace selvage::edge::runtime
