#include "apps/selvage_hub/dev_command.h"

#include <CLI/CLI.hpp>

#include "base/log.h"
#include "dev/dev_system.h"

namespace selvage::apps {

void DevCommand::add_to(CLI::App& app) {
    command = app.add_subcommand(
        "dev", "Run a hub, an edge device and virtual sensors in this process, for tests of your own");
    command->add_option("--data", options.data, "Folder that stays (default: a temporary one, removed at the end)");
    command->add_option("--listen", options.listen, "Address of the cloud hub")->capture_default_str();
    command->add_option("--edge-listen", options.edge_listen, "Address of the edge hub (default: the one after --listen)");
    command->add_option("--ports", ports, "MQTT,AMQP,HTTPS of both hubs; 0: any free ones")->capture_default_str();
    command->add_option("--devices", options.devices, "Devices to register for clients of yours, at each of the two hubs")
        ->capture_default_str();
    command->add_option("--sensors", options.sensors, "Virtual sensors on the edge device")->capture_default_str();
    command->add_option("--interval", interval_seconds, "Seconds between a sensor's readings")->capture_default_str();
    command->add_option("--time-scale", options.time_scale, "How many times as fast time runs in the hubs and sensors")
        ->capture_default_str();
    command->add_option("--fault", faults,
                        "What goes wrong, again and again: upstream-down:EVERY:FOR, delay:MILLISECONDS, drop-connection:EVERY, "
                        "hub-restart:EVERY, disk-full:EVERY:FOR, throttle:EVERY:FOR");
    command->add_flag("--quiet", options.quiet, "Do not show telemetry");
    command->add_flag("--json", options.json, "One JSON object a line: first the facts, then telemetry and faults");
    command->add_option("--log-level", log_level, "error, warning, info, debug or trace")->capture_default_str();
}

Result<> DevCommand::run(bool& usage) {
    usage = true;
    log::Level threshold = log::Level::error;
    if (!log::parse_level(log_level, threshold))
        return fail(Errc::invalid_argument, "--log-level: give error, warning, info, debug or trace");
    SELVAGE_TRY(options.ports, dev::parse_ports(ports));
    if (!(interval_seconds >= 0.001 && interval_seconds <= 86'400))
        return fail(Errc::invalid_argument, "--interval: give seconds from 0.001 to 86400");
    options.interval = std::chrono::duration_cast<Duration>(std::chrono::duration<double>(interval_seconds));
    for (const auto& text : faults) {
        SELVAGE_TRY(auto fault, dev::parse_fault(text));
        options.faults.push_back(fault);
    }
    SELVAGE_CHECK(dev::complete(options));
    usage = false;
    log::start(threshold);
    return dev::run(options);
}

}  // namespace selvage::apps
