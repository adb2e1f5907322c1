// What was asked on the command line.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace selvage::cli::hubctl {

enum class Command {
    identity_create,
    identity_show,
    identity_list,
    identity_delete,
    identity_update,
    connection_string,
    set_modules,
    twin_show,
    twin_update,
    invoke_method,
    monitor_events,
    c2d_send,
    c2d_purge,
    c2d_feedback,
    ca_add,
    ca_verify,
    ca_list,
    ca_delete,
    files_list,
    files_get,
    files_delete,
};

struct Options {
    Command command = Command::identity_list;
    // How to reach the hub: a data folder, or a connection string (with a CA and an address).
    std::string data;
    std::string connection_string;
    std::string ca_file;
    std::string address;

    std::string device;
    std::string module;
    bool edge_enabled = false;
    bool disabled = false;
    std::string parent;
    std::string status;
    std::string policy;
    std::string content_file;
    std::string desired;
    std::string tags;
    std::string method;
    std::string payload;
    bool json_output = false;
    std::optional<std::uint64_t> count;
    std::optional<double> timeout_seconds;
    bool from_start = false;
    std::string since;

    std::string auth_method;  // as the Azure CLI names them; empty: keys
    std::string primary_thumbprint;
    std::string secondary_thumbprint;

    std::string name;  // of a CA
    std::string ca_certificate_file;
    bool verified = false;

    std::string file;         // name of an uploaded file: "d1/log.txt"
    std::string output_file;  // where to put it; empty: standard output

    std::string body;
    std::string body_file;
    std::vector<std::string> properties;  // "name=value"
    std::string ack;
    std::string message_id;
    std::string correlation_id;
    std::string content_type;
    std::string content_encoding;
    std::optional<double> expiry_seconds;
    std::optional<double> wait_seconds;
};

// Reads the command line. Nothing: `exit_code` says how to end (help was shown, or usage was wrong and said so).
std::optional<Options> read_command_line(int argc, char** argv, int& exit_code);

}  // namespace selvage::cli::hubctl
