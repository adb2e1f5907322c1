// A deployment: what `$edgeAgent` was told to run.
//
// Wire: docs/wire/deployment-manifest.md. One bad module refuses the whole manifest; the modules that run stay as they are.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/json.h"
#include "base/result.h"

namespace selvage::edge::manifest {

enum class ModuleStatus { unknown, backoff, running, unhealthy, stopped, failed, dead };
enum class RestartPolicy { never, on_failure, on_unhealthy, always, unknown };
enum class PullPolicy { on_create, never };

std::string_view word(ModuleStatus status);      // "running"
std::string_view word(RestartPolicy policy);     // "on-failure"
std::string_view word(PullPolicy policy);        // "on-create"

inline constexpr std::uint32_t kStartupOrderLast = 4294967295u;

struct Module {
    std::string name;              // container name: edgeAgent, edgeHub, or the key under `modules`
    std::string version;
    ModuleStatus status = ModuleStatus::running;
    RestartPolicy restart_policy = RestartPolicy::on_unhealthy;
    PullPolicy pull_policy = PullPolicy::on_create;
    std::uint32_t startup_order = kStartupOrderLast;
    std::string image;             // with tag or digest, $upstream replaced
    std::string digest;
    JsonObject create_options;
    std::map<std::string, std::string> env;

    bool operator==(const Module&) const = default;
};

struct RegistryCredential {
    std::string id;
    std::string address;
    std::string username;
    std::string password;          // secret: never reported, never logged
};

struct Deployment {
    std::string schema_version;
    std::string min_docker_version;
    JsonObject logging_options;    // {"Type"/"type", "Config"…} as HostConfig.LogConfig; empty: none given
    std::string logging_options_text;
    std::vector<RegistryCredential> registries;
    // edgeAgent and edgeHub only where the manifest has them; then the modules. Names are unique.
    std::vector<Module> modules;

    const Module* find(std::string_view name) const;
};

// The agent's own surroundings that a manifest may refer to.
struct Surroundings {
    std::string parent_host;       // what $upstream stands for; empty: nothing
};

// lastDesiredStatus codes.
enum class ManifestCode : int { ok = 200, format = 400, schema_version = 412, empty = 417 };

struct ManifestError {
    ManifestCode code = ManifestCode::format;
    std::string description;       // the reference's sentence; for 400 followed by the path and the rule that failed
};

// `desired` as the twin has it; members starting with '$' are ignored.
std::expected<Deployment, ManifestError> parse_deployment(const JsonObject& desired, const Surroundings& surroundings);

// The name under which IoT Hub knows a module: $edgeAgent, $edgeHub, else the same.
std::string identity_name(std::string_view module_name);

// `ubuntu` → `ubuntu:latest`, `$upstream:443/a:1` → `parent:443/a:1`. Errors: malformed.
Result<std::string> normalise_image(std::string_view image, const Surroundings& surroundings);

// The registry whose credentials an image wants; empty: none (no slash in the image).
std::string registry_of(std::string_view image);

// Writes createOptions as reported properties do: text cut into chunks of 512 UTF-16 units, createOptions, createOptions01…
void add_chunked_create_options(const JsonObject& create_options, JsonObject& settings);

// Members in byte order at every level: two documents are equal exactly when these texts are.
std::string canonical_text(const Json& value);

}  // namespace selvage::edge::manifest
