#include "edge/manifest/module_entry.h"

#include <charconv>
#include <cmath>

#include "edge/manifest/field.h"

namespace selvage::edge::manifest {
namespace {

template <class Enum>
struct Word {
    std::string_view text;
    Enum value;
};

constexpr Word<ModuleStatus> kStatuses[] = {
    {"unknown", ModuleStatus::unknown},     {"backoff", ModuleStatus::backoff}, {"running", ModuleStatus::running},
    {"unhealthy", ModuleStatus::unhealthy}, {"stopped", ModuleStatus::stopped}, {"failed", ModuleStatus::failed},
    {"dead", ModuleStatus::dead}};
constexpr Word<RestartPolicy> kRestartPolicies[] = {{"never", RestartPolicy::never},
                                                    {"on-failure", RestartPolicy::on_failure},
                                                    {"on-unhealthy", RestartPolicy::on_unhealthy},
                                                    {"always", RestartPolicy::always},
                                                    {"unknown", RestartPolicy::unknown}};
constexpr Word<PullPolicy> kPullPolicies[] = {
    {"on-create", PullPolicy::on_create}, {"OnCreate", PullPolicy::on_create}, {"never", PullPolicy::never}};

template <class Enum, std::size_t N>
std::string_view word_of(const Word<Enum> (&words)[N], Enum value) {
    for (const auto& word : words)
        if (word.value == value) return word.text;
    return "unknown";
}

template <class Enum, std::size_t N>
Result<Enum> parse_word(const Word<Enum> (&words)[N], const Json& value, std::string_view path) {
    if (value.is_string())
        for (const auto& word : words)
            if (equals_ignoring_case(word.text, value.get_string())) return word.value;
    std::string known;
    for (const auto& word : words) known += (known.empty() ? "" : ", ") + std::string(word.text);
    return refuse(path, fmt::format("must be one of: {}", known));
}

Result<std::uint32_t> parse_startup_order(const Json& value, std::string_view path) {
    const auto bad = [&] { return refuse(path, "must be a whole number from 0 to 4294967295"); };
    if (value.is_string()) {
        const std::string_view text = value.get_string();
        std::uint32_t number = 0;
        const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
        if (error != std::errc{} || end != text.data() + text.size()) return bad();
        return number;
    }
    if (value.is_int64() && value.get_int64() >= 0 && value.get_int64() <= kStartupOrderLast)
        return static_cast<std::uint32_t>(value.get_int64());
    if (value.is_uint64() && value.get_uint64() <= kStartupOrderLast)
        return static_cast<std::uint32_t>(value.get_uint64());
    return bad();
}

Result<std::map<std::string, std::string>> parse_env(const JsonObject& entry, std::string_view path) {
    std::map<std::string, std::string> env;
    const Json* value = member(entry, "env");
    if (value == nullptr || value->is_null()) return env;
    if (!value->is_object()) return refuse(at(path, "env"), "must be an object of NAME: {\"value\": …}");
    for (const auto& variable : value->get_object()) {
        const std::string where = at(at(path, "env"), variable.key());
        if (!variable.value().is_object()) return refuse(where, "must be an object {\"value\": …}");
        SELVAGE_TRY(std::string content, text(variable.value().get_object(), "value", where, ""));
        env[std::string(variable.key())] = std::move(content);
    }
    return env;
}

}  // namespace

std::string_view word(ModuleStatus status) { return word_of(kStatuses, status); }
std::string_view word(RestartPolicy policy) { return word_of(kRestartPolicies, policy); }
std::string_view word(PullPolicy policy) { return word_of(kPullPolicies, policy); }

Result<> check_docker_type(const JsonObject& entry, std::string_view path) {
    const Json* type = member(entry, "type");
    if (type == nullptr || type->is_null()) return refuse(at(path, "type"), "is required");
    if (!type->is_string() || type->get_string() != "docker") return refuse(at(path, "type"), "must be \"docker\"");
    return {};
}

Result<Module> parse_module(const JsonObject& entry, std::string name, EntryKind kind, std::string_view path,
                            const Surroundings& surroundings) {
    Module module;
    module.name = std::move(name);
    SELVAGE_CHECK(check_docker_type(entry, path));
    SELVAGE_TRY(module.version, text(entry, "version", path, ""));
    if (kind == EntryKind::edge_agent) {
        // The agent always runs, first of all; what the manifest says of these fields is ignored.
        module.restart_policy = RestartPolicy::always;
        module.startup_order = 0;
    } else {
        const Json* status = member(entry, "status");
        if (status == nullptr || status->is_null()) return refuse(at(path, "status"), "is required");
        SELVAGE_TRY(module.status, parse_word(kStatuses, *status, at(path, "status")));
        if (kind == EntryKind::edge_hub) module.restart_policy = RestartPolicy::always;
        if (const Json* policy = member(entry, "restartPolicy")) {
            SELVAGE_TRY(module.restart_policy, parse_word(kRestartPolicies, *policy, at(path, "restartPolicy")));
        }
        if (const Json* order = member(entry, "startupOrder")) {
            SELVAGE_TRY(module.startup_order, parse_startup_order(*order, at(path, "startupOrder")));
        }
    }
    if (const Json* policy = member(entry, "imagePullPolicy"); policy != nullptr && !policy->is_null()) {
        SELVAGE_TRY(module.pull_policy, parse_word(kPullPolicies, *policy, at(path, "imagePullPolicy")));
    }
    SELVAGE_TRY(module.env, parse_env(entry, path));

    SELVAGE_TRY(const JsonObject* settings, required_object(entry, "settings", path));
    const std::string settings_path = at(path, "settings");
    SELVAGE_TRY(const std::string image, required_text(*settings, "image", settings_path));
    auto normalised = normalise_image(image, surroundings);
    if (!normalised) return refuse(at(settings_path, "image"), normalised.error().detail);
    module.image = std::move(*normalised);
    SELVAGE_TRY(module.digest, text(*settings, "digest", settings_path, ""));
    SELVAGE_TRY(module.create_options, parse_create_options(*settings, settings_path));
    return module;
}

}  // namespace selvage::edge::manifest
