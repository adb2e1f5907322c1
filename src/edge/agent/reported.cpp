#include "edge/agent/reported.h"

#include "base/time_text.h"
#include "edge/management/module_details.h"

namespace selvage::edge::agent {
namespace {

using manifest::Module;

std::string time_text(const std::optional<UtcTime>& time) {
    return time ? management::to_rfc3339(*time) : std::string(kNeverText);
}

JsonObject settings_document(const ReportedModule& module, bool is_agent) {
    JsonObject settings;
    if (module.seen != nullptr) {
        settings["image"] = module.seen->image;
        if (!module.seen->image_hash.empty()) settings["imageHash"] = module.seen->image_hash;
    } else if (module.desired != nullptr) {
        settings["image"] = module.desired->image;
    }
    if (module.desired != nullptr && !module.desired->digest.empty()) settings["digest"] = module.desired->digest;
    if (!is_agent && module.desired != nullptr) manifest::add_chunked_create_options(module.desired->create_options, settings);
    return settings;
}

JsonObject module_document(const ReportedModule& module, std::string_view name) {
    const bool is_agent = name == "edgeAgent";
    const bool is_hub = name == "edgeHub";
    const Module* desired = module.desired;
    const Observed* seen = module.seen;
    JsonObject document;
    document["type"] = "docker";
    if (!is_agent) {
        document["status"] = desired == nullptr ? "unknown" : manifest::word(desired->status);
        document["restartPolicy"] = desired == nullptr ? "unknown" : manifest::word(desired->restart_policy);
        document["restartCount"] = module.history.count;
        document["lastRestartTimeUtc"] = time_text(module.history.last_restart);
    }
    if (!is_agent && !is_hub) document["version"] = desired == nullptr ? std::string() : desired->version;
    document["imagePullPolicy"] = manifest::word(desired == nullptr ? manifest::PullPolicy::on_create : desired->pull_policy);
    if (desired != nullptr && desired->startup_order != manifest::kStartupOrderLast)
        document["startupOrder"] = desired->startup_order;
    document["runtimeStatus"] = manifest::word(module.runtime_status);
    if (!module.status_description.empty()) document["statusDescription"] = module.status_description;
    const bool ended = seen != nullptr && seen->status != manifest::ModuleStatus::running;
    document["exitCode"] = ended ? seen->exit_code : 0;
    document["lastStartTimeUtc"] = time_text(seen == nullptr ? std::nullopt : seen->started);
    document["lastExitTimeUtc"] = time_text(seen == nullptr ? std::nullopt : seen->exited);
    JsonObject env;
    if (desired != nullptr)
        for (const auto& [variable, value] : desired->env) env[variable] = JsonObject{{"value", value}};
    document["env"] = env;
    document["settings"] = settings_document(module, is_agent);
    return document;
}

JsonObject runtime_document(const manifest::Deployment* deployment, const Platform& platform) {
    JsonObject runtime;
    runtime["platform"] = JsonObject{
        {"os", platform.os}, {"architecture", platform.architecture}, {"version", platform.daemon_version}};
    runtime["type"] = "docker";
    if (deployment == nullptr) return runtime;
    JsonObject credentials;
    for (const auto& registry : deployment->registries)
        credentials[registry.id] = JsonObject{{"address", registry.address}, {"username", registry.username}};
    runtime["settings"] = JsonObject{{"minDockerVersion", deployment->min_docker_version},
                                     {"loggingOptions", deployment->logging_options_text},
                                     {"registryCredentials", credentials}};
    return runtime;
}

}  // namespace

JsonObject reported_document(const manifest::Deployment* deployment, const std::vector<ReportedModule>& modules,
                             const ReportedStatus& status, const Platform& platform) {
    JsonObject system;
    JsonObject user;
    for (const ReportedModule& module : modules) {
        const std::string name = module.desired != nullptr ? module.desired->name : module.seen->name;
        JsonObject& section = name == "edgeAgent" || name == "edgeHub" ? system : user;
        section[name] = module_document(module, name);
    }
    return {{"schemaVersion", "1.0"},
            {"version", JsonObject{{"version", SELVAGE_VERSION}, {"build", ""}, {"commit", ""}}},
            {"lastDesiredVersion", status.last_desired_version},
            {"lastDesiredStatus", JsonObject{{"code", status.code}, {"description", status.description}}},
            {"runtime", runtime_document(deployment, platform)},
            {"systemModules", system},
            {"modules", user}};
}

}  // namespace selvage::edge::agent
