#include "edge/manifest/deployment.h"

#include <charconv>

#include "edge/manifest/field.h"
#include "edge/manifest/module_entry.h"

namespace selvage::edge::manifest {
namespace {

// Sentences that tools compare; Azure/iotedge: edge-agent/src/…Agent.Core (docs/wire/deployment-manifest.md).
constexpr std::string_view kFormatSentence = "Agent configuration format is invalid.";
constexpr std::string_view kEmptySentence =
    "This device has an empty configuration for the edge agent. Please set a deployment manifest.";

Result<RegistryCredential> parse_credential(std::string_view id, const Json& value, const Surroundings& surroundings) {
    const std::string path = at("runtime.settings.registryCredentials", id);
    if (!value.is_object()) return refuse(path, "must be an object");
    const JsonObject& entry = value.get_object();
    RegistryCredential credential;
    credential.id = std::string(id);
    SELVAGE_TRY(credential.address, required_text(entry, "address", path));
    SELVAGE_TRY(credential.username, required_text(entry, "username", path));
    SELVAGE_TRY(credential.password, required_text(entry, "password", path));
    static constexpr std::string_view kUpstream = "$upstream";
    if (const std::size_t found = credential.address.find(kUpstream); found != std::string::npos)
        credential.address.replace(found, kUpstream.size(), surroundings.parent_host);
    return credential;
}

// LogConfig of the engine, by the manifest's convention: {"type":"json-file","config":{…}} in any case, or Docker's own
// {"Type":…,"Config":…}.
Result<JsonObject> parse_logging_options(std::string_view text) {
    const std::string_view whole = trim(text);
    if (whole.empty()) return JsonObject{};
    auto options = parse_json_object(whole);
    if (!options) return refuse("runtime.settings.loggingOptions", options.error().detail);
    JsonObject log_config;
    if (const Json* type = member(*options, "type"); type != nullptr && type->is_string()) log_config["Type"] = *type;
    if (const Json* config = member(*options, "config"); config != nullptr && config->is_object())
        log_config["Config"] = *config;
    return log_config;
}

Result<> parse_runtime(const JsonObject& desired, const Surroundings& surroundings, Deployment& deployment) {
    SELVAGE_TRY(const JsonObject* runtime, required_object(desired, "runtime", ""));
    SELVAGE_CHECK(check_docker_type(*runtime, "runtime"));
    const Json* settings = member(*runtime, "settings");
    if (settings == nullptr || settings->is_null()) return {};
    if (!settings->is_object()) return refuse("runtime.settings", "must be an object");
    const JsonObject& fields = settings->get_object();
    SELVAGE_TRY(deployment.min_docker_version, text(fields, "minDockerVersion", "runtime.settings", ""));
    SELVAGE_TRY(deployment.logging_options_text, text(fields, "loggingOptions", "runtime.settings", ""));
    SELVAGE_TRY(deployment.logging_options, parse_logging_options(deployment.logging_options_text));
    const Json* credentials = member(fields, "registryCredentials");
    if (credentials == nullptr || credentials->is_null()) return {};
    if (!credentials->is_object()) return refuse("runtime.settings.registryCredentials", "must be an object");
    for (const auto& entry : credentials->get_object()) {
        SELVAGE_TRY(RegistryCredential credential, parse_credential(entry.key(), entry.value(), surroundings));
        deployment.registries.push_back(std::move(credential));
    }
    return {};
}

Result<> parse_modules(const JsonObject& desired, const Surroundings& surroundings, Deployment& deployment) {
    SELVAGE_TRY(const JsonObject* system, required_object(desired, "systemModules", ""));
    struct Row { const char* name; EntryKind kind; };
    for (const auto& [name, kind] : {Row{"edgeAgent", EntryKind::edge_agent}, Row{"edgeHub", EntryKind::edge_hub}}) {
        const Json* entry = member(*system, name);
        if (entry == nullptr || entry->is_null()) continue;
        const std::string path = at("systemModules", name);
        if (!entry->is_object()) return refuse(path, "must be an object");
        SELVAGE_TRY(Module module, parse_module(entry->get_object(), name, kind, path, surroundings));
        deployment.modules.push_back(std::move(module));
    }
    const Json* modules = member(desired, "modules");
    if (modules == nullptr || modules->is_null()) return {};
    if (!modules->is_object()) return refuse("modules", "must be an object of module name: entry");
    for (const auto& entry : modules->get_object()) {
        const std::string name(entry.key());
        const std::string path = at("modules", name);
        if (equals_ignoring_case(name, "edgeAgent") || equals_ignoring_case(name, "edgeHub"))
            return refuse(path, "the name belongs to the runtime; choose another");
        if (!entry.value().is_object()) return refuse(path, "must be an object");
        SELVAGE_TRY(Module module,
                    parse_module(entry.value().get_object(), name, EntryKind::module, path, surroundings));
        deployment.modules.push_back(std::move(module));
    }
    return {};
}

// Two to four dotted numbers, major 1, at most 1.1.0 where an absent part is below 0 (1.1 < 1.1.0 < 1.1.0.1).
bool is_known_version(std::string_view text, bool& parsed) {
    int parts[4] = {-1, -1, -1, -1};
    std::size_t count = 0;
    parsed = false;
    for (;;) {
        const std::size_t dot = text.find('.');
        const std::string_view part = text.substr(0, dot);
        if (count == 4) return false;
        const auto [end, error] = std::from_chars(part.data(), part.data() + part.size(), parts[count]);
        if (part.empty() || error != std::errc{} || end != part.data() + part.size() || parts[count] < 0) return false;
        ++count;
        if (dot == std::string_view::npos) break;
        text.remove_prefix(dot + 1);
    }
    if (count < 2) return false;
    parsed = true;
    if (parts[0] != 1) return false;
    constexpr int kHighest[4] = {1, 1, 0, -1};
    return !std::lexicographical_compare(std::begin(kHighest), std::end(kHighest), std::begin(parts), std::end(parts));
}

}  // namespace

const Module* Deployment::find(std::string_view name) const {
    for (const Module& module : modules)
        if (module.name == name) return &module;
    return nullptr;
}

std::string identity_name(std::string_view module_name) {
    if (module_name == "edgeAgent") return "$edgeAgent";
    if (module_name == "edgeHub") return "$edgeHub";
    return std::string(module_name);
}

std::expected<Deployment, ManifestError> parse_deployment(const JsonObject& desired, const Surroundings& surroundings) {
    bool has_members = false;
    for (const auto& entry : desired) has_members = has_members || !entry.key().starts_with('$');
    if (!has_members) return std::unexpected(ManifestError{ManifestCode::empty, std::string(kEmptySentence)});

    const auto refused = [](const Error& error) {
        return std::unexpected(ManifestError{ManifestCode::format, fmt::format("{} {}", kFormatSentence, error.detail)});
    };
    Deployment deployment;
    const Json* version = member(desired, "schemaVersion");
    if (version == nullptr || version->is_null())
        return refused(Error{Errc::malformed, "schemaVersion: is required"});
    auto version_text = text(desired, "schemaVersion", "", "");
    if (!version_text) return refused(version_text.error());
    deployment.schema_version = *version_text;
    if (auto parsed = parse_runtime(desired, surroundings, deployment); !parsed) return refused(parsed.error());
    if (auto parsed = parse_modules(desired, surroundings, deployment); !parsed) return refused(parsed.error());

    // After the parse: a manifest with both faults is a format error, as in the reference.
    bool is_version = false;
    if (!is_known_version(deployment.schema_version, is_version)) {
        const std::string sentence =
            is_version ? fmt::format("The desired properties schema version {} is not compatible with the expected version 1.1.0",
                                     deployment.schema_version)
                       : fmt::format("Invalid desired properties schema version {}", deployment.schema_version);
        return std::unexpected(ManifestError{ManifestCode::schema_version, sentence});
    }
    return deployment;
}

}  // namespace selvage::edge::manifest
