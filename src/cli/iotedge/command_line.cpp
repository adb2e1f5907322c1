#include <CLI/CLI.hpp>
#include <ostream>

#include "cli/iotedge/command.h"

namespace selvage::cli {

std::optional<Command> parse_command_line(const std::vector<std::string>& arguments, const std::string& default_host,
                                          const std::string& version, std::ostream& out, std::ostream& err, int& exit_code) {
    Command command;
    if (!default_host.empty()) command.host = default_host;
    CLI::App app("Manages the modules and the configuration of an IoT Edge device.", "iotedge");
    app.fallthrough();
    app.require_subcommand(1);
    app.add_option("-H,--host", command.host, "Socket of the daemon's management API (environment: IOTEDGE_HOST)");
    app.set_version_flag("-V,--version", "iotedge " + version);

    app.add_subcommand("list", "List the modules")->callback([&] { command.verb = Command::Verb::list; });
    app.add_subcommand("version", "Show the version")->callback([&] { command.verb = Command::Verb::version; });

    CLI::App* logs = app.add_subcommand("logs", "Show the log of a module");
    logs->add_option("MODULE", command.module, "The module")->required();
    logs->add_option("--tail", command.tail, "Lines from the end, or all");
    logs->add_option("--since", command.since, "A duration (1 day, 90 minutes), an RFC 3339 time, or UNIX seconds");
    logs->add_option("--until", command.until, "As --since");
    logs->add_flag("-f,--follow", command.follow, "Go on as the log grows");
    logs->callback([&] { command.verb = Command::Verb::logs; });

    CLI::App* restart = app.add_subcommand("restart", "Restart a module");
    restart->add_option("MODULE", command.module, "The module")->required();
    restart->callback([&] { command.verb = Command::Verb::restart; });

    CLI::App* config = app.add_subcommand("config", "Configure the device");
    config->require_subcommand(1);
    CLI::App* mp = config->add_subcommand("mp", "Write a configuration for manual provisioning with a connection string");
    mp->add_option("-c,--connection-string", command.connection_string, "The device's connection string")->required();
    mp->add_option("-o,--out-config-file", command.config_file, "The file to write");
    mp->add_flag("-f,--force", command.force, "Overwrite it if it is there");
    mp->callback([&] { command.verb = Command::Verb::config_mp; });
    CLI::App* apply = config->add_subcommand("apply", "Check a configuration and make the daemon use it");
    apply->add_option("-c,--config-file", command.config_file, "The configuration");
    apply->add_option("--home", command.home, "The daemon's folder");
    apply->callback([&] { command.verb = Command::Verb::config_apply; });

    CLI::App* system = app.add_subcommand("system", "Look at the daemon");
    system->require_subcommand(1);
    CLI::App* status = system->add_subcommand("status", "Show whether the daemon runs");
    status->add_option("--home", command.home, "The daemon's folder");
    status->callback([&] { command.verb = Command::Verb::system_status; });

    exit_code = 0;
    if (arguments.empty()) {
        err << app.help();
        exit_code = kExitUsage;
        return std::nullopt;
    }
    try {
        // The parser takes them from the back.
        app.parse(std::vector<std::string>(arguments.rbegin(), arguments.rend()));
    } catch (const CLI::ParseError& error) {
        exit_code = app.exit(error, out, err) == 0 ? 0 : kExitUsage;
        return std::nullopt;
    }
    return command;
}

}  // namespace selvage::cli
