#include <gtest/gtest.h>

#include <sstream>

#include "cli/iotedge/command.h"

namespace selvage::cli {
namespace {

using Verb = Command::Verb;

struct Parsed {
    std::optional<Command> command;
    int exit_code = 0;
    std::string out;
    std::string err;
};
Parsed parse(const std::vector<std::string>& arguments, const std::string& default_host = {}) {
    std::ostringstream out;
    std::ostringstream err;
    Parsed parsed;
    parsed.command = parse_command_line(arguments, default_host, "0.1.0", out, err, parsed.exit_code);
    parsed.out = out.str();
    parsed.err = err.str();
    return parsed;
}

TEST(CommandLine, KnowsTheCommands) {
    EXPECT_EQ(parse({"list"}).command->verb, Verb::list);
    EXPECT_EQ(parse({"version"}).command->verb, Verb::version);
    EXPECT_EQ(parse({"system", "status"}).command->verb, Verb::system_status);
    const auto logs = parse({"logs", "m1", "--tail", "5", "--since", "2h", "-f"}).command;
    EXPECT_EQ(logs->verb, Verb::logs);
    EXPECT_EQ(logs->module, "m1");
    EXPECT_EQ(logs->tail, "5");
    EXPECT_EQ(logs->since, "2h");
    EXPECT_TRUE(logs->follow);
    const auto mp = parse({"config", "mp", "-c", "HostName=h", "-o", "/x", "-f"}).command;
    EXPECT_EQ(mp->verb, Verb::config_mp);
    EXPECT_EQ(mp->connection_string, "HostName=h");
    EXPECT_EQ(mp->config_file, "/x");
    EXPECT_TRUE(mp->force);
    const auto apply = parse({"config", "apply"}).command;
    EXPECT_EQ(apply->verb, Verb::config_apply);
    EXPECT_EQ(apply->config_file, "/etc/aziot/config.toml");
    EXPECT_EQ(parse({"config", "apply", "-c", "/y", "--home", "/z"}).command->home, "/z");
}

TEST(CommandLine, TakesTheHostBeforeAndAfterAndFromTheEnvironment) {
    EXPECT_EQ(parse({"list"}).command->host, "unix:///var/run/iotedge/mgmt.sock");
    EXPECT_EQ(parse({"-H", "unix:///a", "list"}).command->host, "unix:///a");
    EXPECT_EQ(parse({"list", "--host", "unix:///b"}).command->host, "unix:///b");
    EXPECT_EQ(parse({"list"}, "unix:///c").command->host, "unix:///c");
    EXPECT_EQ(parse({"list", "-H", "unix:///d"}, "unix:///c").command->host, "unix:///d");
}

TEST(CommandLine, EndsWithTwoOnWrongUsageAndZeroOnHelp) {
    for (const auto& wrong : std::vector<std::vector<std::string>>{{}, {"dash"}, {"logs"}, {"restart"}, {"config"}, {"config", "mp"}, {"list", "--frobnicate"}}) {
        const auto parsed = parse(wrong);
        EXPECT_FALSE(parsed.command);
        EXPECT_EQ(parsed.exit_code, 2);
        EXPECT_FALSE(parsed.err.empty());
        EXPECT_TRUE(parsed.out.empty());
    }
    EXPECT_EQ(parse({"--help"}).exit_code, 0);
    EXPECT_NE(parse({"--help"}).out.find("restart"), std::string::npos);
    EXPECT_EQ(parse({"--version"}).exit_code, 0);
    EXPECT_EQ(parse({"-V"}).out, "iotedge 0.1.0\n");
}

TEST(PrintError, PutsEachCauseOnALineOfItsOwn) {
    std::ostringstream err;
    print_error(err, "A module runtime error occurred", Error{Errc::internal, "start module\ncaused by: No such container"});
    EXPECT_EQ(err.str(), "A module runtime error occurred\n\tcaused by: start module\n\tcaused by: No such container\n\n");
    std::ostringstream bare;
    print_error(bare, "Command failed", Error{Errc::internal, ""});
    EXPECT_EQ(bare.str(), "Command failed\n\n");
}

}  // namespace
}  // namespace selvage::cli
