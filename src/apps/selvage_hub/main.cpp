// selvage-hub: makes and runs a hub.
#include <CLI/CLI.hpp>

#include <cstdio>

#include "apps/selvage_hub/dev_command.h"
#include "apps/selvage_hub/serve.h"
#include "base/log.h"
#include "base/random.h"

namespace {

using namespace selvage;

int failed(const Error& error) {
    std::fprintf(stderr, "selvage-hub: %s\n", error.detail.c_str());
    return 1;
}

int init(const cloud::data_folder::DataFolder& folder, const std::string& host_name) {
    const SystemClock clock;
    SystemRandom random;
    if (auto made = cloud::data_folder::make_hub(folder, host_name, clock, random); !made) return failed(made.error());
    if (auto made = apps::make_stores(folder); !made) return failed(made.error());
    std::printf("made hub %s in %s\nclients trust %s\nrun it with: selvage-hub serve --data %s\n", host_name.c_str(),
                folder.root.c_str(), folder.ca_certificate().c_str(), folder.root.c_str());
    return 0;
}

}  // namespace

int main(int argc, char** argv) {
    CLI::App app{"Makes and runs a Selvage hub: the cloud side of Selvage."};
    app.require_subcommand(1);
    apps::ServeOptions options;
    std::string host_name;
    std::string level = "info";

    auto* init_command =
        app.add_subcommand("init", "Make a data folder: settings, CA, server certificate, policies and keys");
    init_command->add_option("--data", options.folder.root, "Data folder to make")->required();
    init_command->add_option("--hostname", host_name, "DNS name or address that clients dial")->required();

    auto* serve_command = app.add_subcommand("serve", "Run the hub of a data folder until SIGTERM");
    serve_command->add_option("--data", options.folder.root, "Data folder made by init")->required();
    serve_command->add_option("--listen", options.listen_address, "Address to listen on, instead of [listen] address");
    serve_command->add_option("--mqtt-port", options.mqtt_port, "Port for MQTT, instead of [listen] mqtt_port");
    serve_command->add_option("--amqp-port", options.amqp_port, "Port for AMQP, instead of [listen] amqp_port");
    serve_command->add_option("--https-port", options.https_port, "Port for HTTPS, instead of [listen] https_port");
    serve_command->add_option("--log-level", level, "error, warning, info, debug or trace");
    apps::DevCommand dev;
    dev.add_to(app);
    try {
        app.parse(argc, argv);
    } catch (const CLI::ParseError& error) {
        return app.exit(error) == 0 ? 0 : 2;
    }
    while (options.folder.root.size() > 1 && options.folder.root.ends_with('/'))
        options.folder.root.pop_back();
    if (init_command->parsed()) return init(options.folder, host_name);

    if (dev.command->parsed()) {
        bool usage = false;
        const auto ended = dev.run(usage);
        if (ended) return 0;
        const int code = failed(ended.error());
        return usage ? 2 : code;
    }

    log::Level threshold = log::Level::info;
    if (!log::parse_level(level, threshold)) {
        return failed({Errc::invalid_argument, "--log-level: give error, warning, info, debug or trace"});
    }
    log::start(threshold);
    if (auto served = apps::serve(options); !served) return failed(served.error());
    return 0;
}
