#include "cloud/data_folder/settings_text.h"

#include <fmt/core.h>

#include <limits>
#include <stdexcept>

#include "base/file.h"
#include "third_party/toml.h"

namespace selvage::cloud::data_folder {

namespace {

constexpr std::string_view kPermissionNames[] = {"RegistryRead", "RegistryWrite", "ServiceConnect", "DeviceConnect"};
constexpr Permissions kPermissionBits[] = {kRegistryRead, kRegistryWrite, kServiceConnect, kDeviceConnect};

// Of bad text only its position goes on, since a line of the policies file holds a key.
Result<toml::table> parse_toml(const std::string& text, const char* file) {
    try {
        toml::parse_result parsed = toml::parse(text);
        if (parsed) return std::move(parsed).table();
        const toml::parse_error& error = parsed.error();
        return fail(Errc::malformed,
                    fmt::format("{}, line {}, column {}: not TOML: {}", file, error.source().begin.line,
                                error.source().begin.column, error.description()));
    } catch (const std::logic_error&) {
        return fail(Errc::malformed, fmt::format("{}: not TOML: a table header or key begins with a character that cannot stand there", file));
    }
}

// Reads one whole number within bounds; leaves `value` alone when the setting is absent.
template <class T>
Result<> read_number(const toml::table& table, std::string_view section, std::string_view key, T& value,
                     std::int64_t lowest, std::int64_t highest) {
    const auto node = table[section][key];
    if (!node) return {};
    const auto number = node.value_exact<std::int64_t>();
    if (!number || *number < lowest || *number > highest) {
        return fail(Errc::invalid_argument,
                    fmt::format("hub.toml: [{}] {}: give a whole number from {} to {}", section, key, lowest, highest));
    }
    value = static_cast<T>(*number);
    return {};
}

Result<> read_minutes(const toml::table& table, std::string_view section, std::string_view key,
                      std::chrono::minutes& value) {
    constexpr std::int64_t kTwoDays = 2 * 24 * 60;
    std::int64_t minutes = value.count();
    SELVAGE_CHECK(read_number(table, section, key, minutes, 1, kTwoDays));
    value = std::chrono::minutes(minutes);
    return {};
}

Result<> read_flag(const toml::table& table, std::string_view section, std::string_view key, bool& value) {
    const auto node = table[section][key];
    if (!node) return {};
    const auto flag = node.value_exact<bool>();
    if (!flag) return fail(Errc::invalid_argument, fmt::format("hub.toml: [{}] {}: give true or false", section, key));
    value = *flag;
    return {};
}

Result<> read_text(const toml::table& table, std::string_view section, std::string_view key, std::string& value) {
    const auto node = table[section][key];
    if (!node) return {};
    const auto text = node.value_exact<std::string>();
    if (!text || text->empty()) {
        return fail(Errc::invalid_argument, fmt::format("hub.toml: [{}] {}: give a text", section, key));
    }
    value = *text;
    return {};
}

}  // namespace

std::string settings_text(const HubSettings& settings) {
    return fmt::format(R"(# Settings of this hub. Restart `selvage-hub serve` after a change.

[hub]
# The name (or address) that devices and back ends dial, and that their tokens carry. The server certificate was made for
# it, so it is not for changing: make a new hub for a new name.
host_name = "{}"

[listen]
# Where to listen. `selvage-hub serve --listen ADDR` overrides the address for all ports.
address = "{}"
mqtt_port = {}      # MQTT over TLS
amqp_port = {}      # AMQP over TLS; reserved
https_port = {}      # service API, identity and scope API

[events]
# The event log that `hubctl monitor-events` and back ends read. A device's events all go to one partition; a change of the
# number moves devices to other partitions.
partitions = {}
retention_hours = {}
# Per partition: the oldest events go first once it is larger.
retention_bytes = {}
# "power": an event is acknowledged once it survives a power cut. "process": once it survives the end of this process.
durability = "{}"

[c2d]
# Cloud-to-device messages. How many may wait for one device; how long they live unless the sender says so; how often one is
# delivered to a device that abandons it.
queue_depth = {}
time_to_live_minutes = {}
deliveries = {}
feedback_time_to_live_minutes = {}

[files]
# Uploads of files by devices, kept in files/ of this folder. `hubctl files list`, `get` and `delete` manage them. Past a bound
# uploads are refused; nothing is deleted by itself.
enabled = {}
file_megabytes = {}        # one file
device_megabytes = {}      # all files of one device
total_megabytes = {}       # all files
# How long a device may take from asking for a place to saying that it is done, and how many uploads it may have under way.
upload_minutes = {}
uploads_per_device = {}
# Back ends are told of completed uploads: /messages/serviceBound/filenotifications. Each is kept for an hour.
notifications = {}

[limits]
connections = {}
# A connection that has not said who it is after so many seconds is dropped; so is one for HTTPS on which nothing is asked.
connect_seconds = {}
request_bytes = {}
modules_per_device = {}
)",
                       settings.host_name, settings.listen_address, settings.mqtt_port, settings.amqp_port,
                       settings.https_port, settings.partitions, settings.retention_age.count(),
                       settings.retention_bytes, settings.durable_against_power_loss ? "power" : "process",
                       settings.c2d_depth_max, settings.c2d_time_to_live.count(), settings.c2d_deliveries_max,
                       settings.feedback_time_to_live.count(), settings.files_enabled, settings.file_megabytes_max,
                       settings.device_megabytes_max, settings.files_megabytes_max, settings.upload_lifetime.count(),
                       settings.uploads_per_device_max, settings.file_notifications, settings.connections_max,
                       settings.connect_timeout.count(), settings.request_bytes_max, settings.modules_per_device_max);
}

Result<HubSettings> parse_settings(const std::string& text) {
    SELVAGE_TRY(const auto table, parse_toml(text, "hub.toml"));
    constexpr std::int64_t kMost = std::numeric_limits<std::int64_t>::max();
    HubSettings settings;
    SELVAGE_CHECK(read_text(table, "hub", "host_name", settings.host_name));
    if (settings.host_name.empty()) return fail(Errc::invalid_argument, "hub.toml: [hub] host_name is missing");
    SELVAGE_CHECK(read_text(table, "listen", "address", settings.listen_address));
    SELVAGE_CHECK(read_number(table, "listen", "mqtt_port", settings.mqtt_port, 0, 65535));
    SELVAGE_CHECK(read_number(table, "listen", "amqp_port", settings.amqp_port, 0, 65535));
    SELVAGE_CHECK(read_number(table, "listen", "https_port", settings.https_port, 0, 65535));
    SELVAGE_CHECK(read_number(table, "events", "partitions", settings.partitions, 1, 128));
    std::int64_t retention_hours = settings.retention_age.count();
    SELVAGE_CHECK(read_number(table, "events", "retention_hours", retention_hours, 1, 24 * 365 * 10));
    settings.retention_age = std::chrono::hours(retention_hours);
    SELVAGE_CHECK(read_number(table, "events", "retention_bytes", settings.retention_bytes, 1 << 20, kMost));
    std::string durability = "power";
    SELVAGE_CHECK(read_text(table, "events", "durability", durability));
    if (durability != "power" && durability != "process") {
        return fail(Errc::invalid_argument, "hub.toml: [events] durability: give \"power\" or \"process\"");
    }
    settings.durable_against_power_loss = durability == "power";
    SELVAGE_CHECK(read_number(table, "c2d", "queue_depth", settings.c2d_depth_max, 1, 10'000));
    SELVAGE_CHECK(read_minutes(table, "c2d", "time_to_live_minutes", settings.c2d_time_to_live));
    SELVAGE_CHECK(read_number(table, "c2d", "deliveries", settings.c2d_deliveries_max, 1, 100));
    SELVAGE_CHECK(read_minutes(table, "c2d", "feedback_time_to_live_minutes", settings.feedback_time_to_live));
    SELVAGE_CHECK(read_flag(table, "files", "enabled", settings.files_enabled));
    constexpr std::int64_t kMegabytesMost = std::int64_t{1} << 40;
    SELVAGE_CHECK(read_number(table, "files", "file_megabytes", settings.file_megabytes_max, 1, kMegabytesMost));
    SELVAGE_CHECK(read_number(table, "files", "device_megabytes", settings.device_megabytes_max, 1, kMegabytesMost));
    SELVAGE_CHECK(read_number(table, "files", "total_megabytes", settings.files_megabytes_max, 1, kMegabytesMost));
    SELVAGE_CHECK(read_minutes(table, "files", "upload_minutes", settings.upload_lifetime));
    SELVAGE_CHECK(read_number(table, "files", "uploads_per_device", settings.uploads_per_device_max, 1, 1000));
    SELVAGE_CHECK(read_flag(table, "files", "notifications", settings.file_notifications));
    SELVAGE_CHECK(read_number(table, "limits", "connections", settings.connections_max, 1, 10'000'000));
    std::int64_t connect_seconds = settings.connect_timeout.count();
    SELVAGE_CHECK(read_number(table, "limits", "connect_seconds", connect_seconds, 1, 3600));
    settings.connect_timeout = std::chrono::seconds(connect_seconds);
    SELVAGE_CHECK(read_number(table, "limits", "request_bytes", settings.request_bytes_max, 1 << 16, 1 << 30));
    SELVAGE_CHECK(read_number(table, "limits", "modules_per_device", settings.modules_per_device_max, 2, 10'000));
    return settings;
}

std::string policies_text(const std::vector<Policy>& policies) {
    std::string text = "# Shared access policies and their keys: secrets. Either key of a policy is good.\n";
    for (const auto& policy : policies) {
        std::string permissions;
        for (std::size_t i = 0; i < std::size(kPermissionBits); ++i) {
            // RegistryWrite says it all: RegistryRead beside it would be noise.
            const bool implied = kPermissionBits[i] == kRegistryRead && policy.grants(kRegistryWrite);
            if (!policy.grants(kPermissionBits[i]) || implied) continue;
            if (!permissions.empty()) permissions += ", ";
            permissions += fmt::format("\"{}\"", kPermissionNames[i]);
        }
        text += fmt::format("\n[{}]\npermissions = [{}]\nprimary_key = \"{}\"\nsecondary_key = \"{}\"\n", policy.name,
                            permissions, policy.primary_key, policy.secondary_key);
    }
    return text;
}

Result<std::vector<Policy>> parse_policies(const std::string& text) {
    SELVAGE_TRY(const auto table, parse_toml(text, "policies.toml"));
    std::vector<Policy> policies;
    for (const auto& [key, node] : table) {
        const auto* section = node.as_table();
        const std::string name(key.str());
        if (section == nullptr) return fail(Errc::malformed, "policies.toml: '" + name + "' stands outside a policy");
        Policy policy{.name = name,
                      .primary_key = (*section)["primary_key"].value_or(std::string{}),
                      .secondary_key = (*section)["secondary_key"].value_or(std::string{})};
        if (policy.primary_key.empty() || policy.secondary_key.empty()) {
            return fail(Errc::malformed, "policies.toml: policy '" + name + "' needs primary_key and secondary_key");
        }
        const auto* permissions = (*section)["permissions"].as_array();
        for (std::size_t p = 0; permissions != nullptr && p < permissions->size(); ++p) {
            const auto permission = (*permissions)[p].value_or(std::string{});
            bool known = false;
            for (std::size_t i = 0; i < std::size(kPermissionBits); ++i) {
                if (permission != kPermissionNames[i]) continue;
                policy.permissions |= kPermissionBits[i];
                known = true;
            }
            if (!known) {
                return fail(Errc::malformed,
                            "policies.toml: policy '" + name + "': unknown permission '" + permission +
                                "'; known are RegistryRead, RegistryWrite, ServiceConnect, DeviceConnect");
            }
        }
        policies.push_back(std::move(policy));
    }
    return policies;
}

Result<HubSettings> read_settings(const DataFolder& folder) {
    auto text = read_file(folder.settings());
    if (!text && text.error().code == Errc::not_found) {
        return fail(Errc::not_found,
                    folder.root + " holds no hub (hub.toml is missing); make one with `selvage-hub init --data " +
                        folder.root + " --hostname NAME`");
    }
    if (!text) return fail(text.error());
    return parse_settings(*text);
}

Result<std::vector<Policy>> read_policies(const DataFolder& folder) {
    SELVAGE_TRY(const auto text, read_file(folder.policies()));
    return parse_policies(text);
}

Result<> write_listening(const DataFolder& folder, const ListeningAt& where) {
    return replace_file(
        folder.listening(),
        fmt::format("# Written by the running hub.\naddress = \"{}\"\nmqtt_port = {}\nhttps_port = {}\n", where.address,
                    where.mqtt_port, where.https_port));
}

Result<ListeningAt> read_listening(const DataFolder& folder) {
    SELVAGE_TRY(const auto text, read_file(folder.listening()));
    SELVAGE_TRY(const auto table, parse_toml(text, "listening.toml"));
    ListeningAt where;
    where.address = table["address"].value_or(std::string{});
    where.mqtt_port = table["mqtt_port"].value_or(std::uint16_t{0});
    where.https_port = table["https_port"].value_or(std::uint16_t{0});
    if (where.address.empty() || where.https_port == 0) return fail(Errc::malformed, "listening.toml names no address");
    return where;
}

}  // namespace selvage::cloud::data_folder
