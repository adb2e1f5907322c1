// What a module is: the management API's ModuleDetails, and the identities of modules.
//
// Values; safe from any thread. Wire: docs/wire/management-api.md#moduledetails.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "base/json.h"
#include "base/result.h"

namespace selvage::edge::management {

enum class ModuleStatus { unknown, stopped, running, failed, dead };

// "running"; what `runtimeStatus.status` says. Anything that is not known reads as unknown.
std::string_view name(ModuleStatus status);
ModuleStatus parse_module_status(std::string_view text);

struct ModuleDetails {
    std::string name{};
    std::string type = "docker";
    std::string image{};                       // as the deployment wrote it (a label keeps it)
    std::string image_hash{};                  // the image's id, sha256:…; empty in answers to POST and PUT
    // From a running engine only {"Labels":{…}}; in answers to POST and PUT what the request had.
    JsonObject create_options{};
    std::vector<std::pair<std::string, std::string>> env{};   // empty from GET

    ModuleStatus status = ModuleStatus::unknown;
    std::optional<UtcTime> start_time{};
    // Of the last run that has ended; a running module that was restarted has them too.
    std::optional<UtcTime> exit_time{};
    std::optional<std::int64_t> exit_code{};

    // A label of the container; empty when absent.
    std::string_view label(std::string_view name) const;
};

JsonObject to_json(const ModuleDetails& details);
// Errors: malformed, naming the member.
Result<ModuleDetails> parse_module_details(const Json& body);

// Labels that every container of ours carries.
inline constexpr std::string_view kOwnerLabel = "net.azure-devices.edge.owner";
inline constexpr std::string_view kOwner = "Microsoft.Azure.Devices.Edge.Agent";
inline constexpr std::string_view kOriginalImageLabel = "net.azure-devices.edge.original-image";
// On edgeAgent only: its create options and environment as the deployment gave them, as JSON text.
inline constexpr std::string_view kCreateOptionsLabel = "net.azure-devices.edge.create-options";
inline constexpr std::string_view kEnvLabel = "net.azure-devices.edge.env";

// A module identity at the hub, as GET /identities gives it. `generation_id` changes when it is made anew.
struct ModuleIdentity {
    std::string module_id{};                   // the hub's name: $edgeHub, tempSensor
    std::string generation_id{};
    std::string managed_by = "iotedge";
};
JsonObject to_json(const ModuleIdentity& identity);
Result<ModuleIdentity> parse_module_identity(const Json& body);

// 2026-01-02T03:04:05Z, with three fraction digits when there are milliseconds.
std::string to_rfc3339(UtcTime time);

}  // namespace selvage::edge::management
