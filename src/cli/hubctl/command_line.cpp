#include <CLI/CLI.hpp>

#include "cli/hubctl/options.h"

namespace selvage::cli::hubctl {

namespace {

CLI::App* add_command(CLI::App& parent, Options& options, Command command, const char* name, const char* help) {
    auto* app = parent.add_subcommand(name, help);
    app->callback([&options, command] { options.command = command; });
    return app;
}

void add_device(CLI::App* app, Options& options, bool required) {
    app->add_option("-d,--device,--device-id", options.device, "Device id")->required(required);
}

void add_module(CLI::App* app, Options& options) {
    app->add_option("-m,--module,--module-id", options.module, "Module id");
}

void add_identities(CLI::App& hubctl, Options& options) {
    auto* identity = hubctl.add_subcommand("identity", "Devices and modules of the hub");
    identity->require_subcommand(1);

    auto* create = add_command(*identity, options, Command::identity_create, "create", "Register a device or module");
    add_device(create, options, true);
    add_module(create, options);
    create->add_flag("--edge-enabled", options.edge_enabled, "An edge device: gets $edgeAgent and $edgeHub");
    create->add_option("--parent,--scope", options.parent, "The edge device it connects through");
    create->add_flag("--disabled", options.disabled, "Register it, but refuse its connections");
    create->add_option("--auth-method,--am", options.auth_method, "shared_private_key, x509_thumbprint or x509_ca")
        ->check(CLI::IsMember({"shared_private_key", "x509_thumbprint", "x509_ca"}));
    create->add_option("--primary-thumbprint,--ptp", options.primary_thumbprint, "SHA-1 or SHA-256 in hex");
    create->add_option("--secondary-thumbprint,--stp", options.secondary_thumbprint, "SHA-1 or SHA-256 in hex");

    auto* show = add_command(*identity, options, Command::identity_show, "show", "All of an identity, keys included");
    add_device(show, options, true);
    add_module(show, options);

    auto* list = add_command(*identity, options, Command::identity_list, "list", "All devices, or the modules of one");
    add_device(list, options, false);
    list->add_flag("--json", options.json_output, "One JSON array (without keys)");

    auto* remove = add_command(*identity, options, Command::identity_delete, "delete", "Remove a device or module");
    add_device(remove, options, true);
    add_module(remove, options);

    auto* update = add_command(*identity, options, Command::identity_update, "update", "Enable or disable a device");
    add_device(update, options, true);
    update->add_option("--status", options.status, "enabled or disabled")
        ->required()
        ->check(CLI::IsMember({"enabled", "disabled"}));
}

void add_connection_string(CLI::App& hubctl, Options& options) {
    auto* app = add_command(hubctl, options, Command::connection_string, "connection-string",
                            "Print the connection string of a policy, device or module");
    auto* policy = app->add_option("--policy", options.policy, "Policy; iothubowner unless given");
    add_device(app, options, false);
    add_module(app, options);
    policy->excludes("--device");
}

void add_twins(CLI::App& hubctl, Options& options) {
    auto* twin = hubctl.add_subcommand("twin", "Twins of devices and modules");
    twin->require_subcommand(1);
    auto* show = add_command(*twin, options, Command::twin_show, "show", "Print a twin");
    add_device(show, options, true);
    add_module(show, options);
    auto* update = add_command(*twin, options, Command::twin_update, "update", "Merge into a twin; null removes");
    add_device(update, options, true);
    add_module(update, options);
    update->add_option("--desired", options.desired, "JSON object to merge into the desired properties");
    update->add_option("--tags", options.tags, "JSON object to merge into the tags");
}

void add_others(CLI::App& hubctl, Options& options) {
    auto* deploy = add_command(hubctl, options, Command::set_modules, "set-modules",
                               "Apply a deployment manifest to an edge device");
    add_device(deploy, options, true);
    deploy->add_option("--content,-k", options.content_file, "Manifest file: {\"modulesContent\":{…}}")->required();

    auto* invoke = add_command(hubctl, options, Command::invoke_method, "invoke-method", "Call a direct method");
    add_device(invoke, options, true);
    add_module(invoke, options);
    invoke->add_option("-n,--name,--method-name", options.method, "Method")->required();
    invoke->add_option("--payload", options.payload, "JSON payload; null unless given");
    invoke->add_option("--timeout", options.timeout_seconds, "Seconds to wait for the answer; 30 unless given");

    auto* monitor =
        add_command(hubctl, options, Command::monitor_events, "monitor-events", "Follow telemetry as it arrives");
    monitor->add_option(
        "--output",
        [&options](const CLI::results_t& values) {
            options.json_output = values.front() == "json";
            return values.front() == "json" || values.front() == "text";
        },
        "text, or json: one object a line");
    monitor->add_option("--count", options.count, "End after this many events")->check(CLI::PositiveNumber);
    monitor->add_option("--timeout", options.timeout_seconds, "Fail after this many seconds")
        ->check(CLI::PositiveNumber);
    add_device(monitor, options, false);
    auto* start = monitor->add_flag("--from-start", options.from_start, "Begin with the oldest event kept");
    monitor->add_option("--since", options.since, "Begin with this time (ISO 8601)")->excludes(start);
}

void add_c2d(CLI::App& hubctl, Options& options) {
    auto* c2d = hubctl.add_subcommand("c2d", "Cloud-to-device messages");
    c2d->require_subcommand(1);
    auto* send = add_command(*c2d, options, Command::c2d_send, "send", "Send a message to a device");
    add_device(send, options, true);
    auto* body = send->add_option("--body", options.body, "Text of the message");
    send->add_option("--file", options.body_file, "File with the bytes of the message")->excludes(body);
    send->add_option("--property,-p", options.properties, "NAME=VALUE; may be given several times")->allow_extra_args(false);
    send->add_option("--ack", options.ack, "Feedback: none, positive, negative or full")
        ->check(CLI::IsMember({"none", "positive", "negative", "full"}));
    send->add_option("--message-id", options.message_id, "Id of the message; feedback needs one");
    send->add_option("--correlation-id", options.correlation_id, "Id of what it belongs to");
    send->add_option("--content-type", options.content_type, "Such as application/json");
    send->add_option("--content-encoding", options.content_encoding, "Such as utf-8");
    send->add_option("--expiry", options.expiry_seconds, "Seconds that it may wait; the hub's setting unless given")
        ->check(CLI::PositiveNumber);
    auto* purge = add_command(*c2d, options, Command::c2d_purge, "purge", "Remove all messages that wait for a device");
    add_device(purge, options, true);
    auto* feedback = add_command(*c2d, options, Command::c2d_feedback, "feedback",
                                 "Take a batch of feedback out of the queue: one JSON object a line");
    feedback->add_option("--wait", options.wait_seconds, "Seconds to wait for one; 0 unless given")
        ->check(CLI::NonNegativeNumber);
}

void add_authorities(CLI::App& hubctl, Options& options) {
    auto* ca = hubctl.add_subcommand("ca", "CAs whose certificates devices may show");
    ca->require_subcommand(1);
    const auto add_name = [&options](CLI::App* app) {
        app->add_option("-n,--name", options.name, "Name of the CA in this hub")->required();
    };
    auto* add = add_command(*ca, options, Command::ca_add, "add", "Register a CA's certificate, or replace it");
    add_name(add);
    add->add_option("--file", options.ca_certificate_file, "The certificate: PEM, or base64 of DER")->required();
    add->add_flag("--verified", options.verified, "Trust it at once, without a proof that its key is held");
    auto* verify = add_command(*ca, options, Command::ca_verify, "verify",
                               "Print a verification code; with --file, prove that the CA's key is held");
    add_name(verify);
    verify->add_option("--file", options.ca_certificate_file, "Certificate with the code as common name, signed by the CA");
    auto* list = add_command(*ca, options, Command::ca_list, "list", "All CAs");
    list->add_flag("--json", options.json_output, "One JSON array");
    auto* remove = add_command(*ca, options, Command::ca_delete, "delete", "Remove a CA and end connections that came by it");
    add_name(remove);
}

void add_files(CLI::App& hubctl, Options& options) {
    auto* files = hubctl.add_subcommand("files", "Files that devices have uploaded");
    files->require_subcommand(1);
    auto* list = add_command(*files, options, Command::files_list, "list", "Names, sizes and times");
    add_device(list, options, false);
    list->add_flag("--json", options.json_output, "One JSON object a line");
    const auto add_name = [&options](CLI::App* app) {
        app->add_option("name", options.file, "DEVICE/NAME, as list shows it")->required();
    };
    auto* get = add_command(*files, options, Command::files_get, "get", "Fetch a file");
    add_name(get);
    get->add_option("-o,--output", options.output_file, "File to write; standard output unless given");
    auto* remove = add_command(*files, options, Command::files_delete, "delete", "Remove a file from the hub");
    add_name(remove);
}

}  // namespace

std::optional<Options> read_command_line(int argc, char** argv, int& exit_code) {
    CLI::App app{"Manages a Selvage hub: identities, deployments, twins, methods, telemetry.", "hubctl"};
    Options options;
    app.require_subcommand(1);
    auto* data = app.add_option("--data", options.data, "Data folder of a hub on this machine");
    auto* text = app.add_option("--connection-string", options.connection_string,
                                "HostName=…;SharedAccessKeyName=…;SharedAccessKey=…")
                     ->envname("SELVAGE_HUB_CONNECTION_STRING");
    app.add_option("--ca", options.ca_file, "PEM file of the CA to trust, beside the machine's own");
    app.add_option("--address", options.address, "Connect to HOST[:PORT] instead of the hub's name");
    add_identities(app, options);
    add_connection_string(app, options);
    add_twins(app, options);
    add_c2d(app, options);
    add_authorities(app, options);
    add_files(app, options);
    add_others(app, options);
    try {
        app.parse(argc, argv);
        if (data->empty() && text->empty()) throw CLI::RequiredError("--data DIR or --connection-string S");
        if (options.command == Command::twin_update && options.desired.empty() && options.tags.empty()) {
            throw CLI::RequiredError("--desired JSON or --tags JSON");
        }
    } catch (const CLI::ParseError& error) {
        exit_code = app.exit(error) == 0 ? 0 : 2;
        return std::nullopt;
    }
    return options;
}

}  // namespace selvage::cli::hubctl
