#include "edge/management/module_spec.h"

#include <fmt/core.h>

#include <set>

#include "base/encoding.h"

namespace selvage::edge::management {
namespace {

// A required member of text.
Result<std::string> text_member(const JsonObject& object, std::string_view key) {
    const Json* value = object.if_contains(key);
    if (value == nullptr) return fail(Errc::malformed, fmt::format("missing field `{}`", key));
    if (!value->is_string()) return fail(Errc::malformed, fmt::format("field `{}` must be a string", key));
    return std::string(value->as_string());
}

// An optional member of text inside `settings`; null counts as absent.
Result<std::string> settings_text(const JsonObject& settings, std::string_view key) {
    const Json* value = settings.if_contains(key);
    if (value == nullptr || value->is_null()) return std::string();
    if (!value->is_string())
        return fail(Errc::invalid_argument, fmt::format("invalid Docker config: `{}` must be a string", key));
    return std::string(value->as_string());
}

Result<JsonObject> settings_object(const JsonObject& settings, std::string_view key) {
    const Json* value = settings.if_contains(key);
    if (value == nullptr || value->is_null()) return JsonObject();
    if (!value->is_object())
        return fail(Errc::invalid_argument, fmt::format("invalid Docker config: `{}` must be an object", key));
    return value->as_object();
}

Result<> read_settings(const Json& value, ModuleSpec& spec) {
    if (!value.is_object())
        return fail(Errc::invalid_argument, "invalid Docker config: `settings` must be an object");
    const JsonObject& settings = value.as_object();
    SELVAGE_TRY(spec.image, settings_text(settings, "image"));
    if (trim(spec.image).empty())
        return fail(Errc::invalid_argument, "invalid Docker config: `image` is missing or empty");
    SELVAGE_TRY(spec.digest, settings_text(settings, "digest"));
    SELVAGE_TRY(spec.create_options, settings_object(settings, "createOptions"));
    SELVAGE_TRY(spec.registry_auth, settings_object(settings, "auth"));
    return {};
}

Result<> read_env(const Json& value, ModuleSpec& spec) {
    if (!value.is_array()) return fail(Errc::malformed, "field `env` must be an array");
    std::set<std::string> seen;
    for (const Json& entry : value.as_array()) {
        if (!entry.is_object()) return fail(Errc::malformed, "`env` holds objects of `key` and `value`");
        SELVAGE_TRY(std::string key, text_member(entry.as_object(), "key"));
        SELVAGE_TRY(std::string text, text_member(entry.as_object(), "value"));
        if (!seen.insert(key).second)
            return fail(Errc::invalid_argument, fmt::format("duplicate env var key: {}", key));
        spec.env.emplace_back(std::move(key), std::move(text));
    }
    return {};
}

}  // namespace

Result<ImagePullPolicy> parse_image_pull_policy(std::string_view text) {
    if (text.empty() || equals_ignoring_case(text, "on-create")) return ImagePullPolicy::on_create;
    if (equals_ignoring_case(text, "never")) return ImagePullPolicy::never;
    return fail(Errc::invalid_argument, "invalid imagePullPolicy: on-create and never are known");
}

std::string_view name(ImagePullPolicy policy) {
    return policy == ImagePullPolicy::never ? "never" : "on-create";
}

JsonObject config_to_json(const ModuleSpec& spec) {
    JsonObject settings{{"image", spec.image}, {"createOptions", spec.create_options}};
    if (!spec.digest.empty()) settings["digest"] = spec.digest;
    JsonArray env;
    for (const auto& [key, value] : spec.env) env.push_back(JsonObject{{"key", key}, {"value", value}});
    return {{"settings", std::move(settings)}, {"env", std::move(env)}};
}

JsonObject to_json(const ModuleSpec& spec) {
    JsonObject config = config_to_json(spec);
    if (!spec.registry_auth.empty()) config["settings"].as_object()["auth"] = spec.registry_auth;
    return {{"name", spec.name},
            {"type", spec.type},
            {"imagePullPolicy", name(spec.image_pull_policy)},
            {"config", std::move(config)}};
}

Result<ModuleSpec> parse_module_spec(const Json& body) {
    if (!body.is_object()) return fail(Errc::malformed, "a module spec is an object");
    const JsonObject& object = body.as_object();
    ModuleSpec spec;
    SELVAGE_TRY(spec.name, text_member(object, "name"));
    SELVAGE_TRY(spec.type, text_member(object, "type"));
    const Json* config = object.if_contains("config");
    if (config == nullptr) return fail(Errc::malformed, "missing field `config`");
    if (!config->is_object()) return fail(Errc::malformed, "field `config` must be an object");
    const Json* settings = config->as_object().if_contains("settings");
    if (settings == nullptr) return fail(Errc::malformed, "missing field `settings`");

    if (trim(spec.name).empty()) return fail(Errc::invalid_argument, "module name cannot be empty");
    if (trim(spec.type).empty()) return fail(Errc::invalid_argument, "module type cannot be empty");
    if (const Json* policy = object.if_contains("imagePullPolicy"); policy != nullptr && !policy->is_null()) {
        if (!policy->is_string()) return fail(Errc::malformed, "field `imagePullPolicy` must be a string");
        SELVAGE_TRY(spec.image_pull_policy, parse_image_pull_policy(policy->as_string()));
    }
    SELVAGE_CHECK(read_settings(*settings, spec));
    if (const Json* env = config->as_object().if_contains("env"); env != nullptr && !env->is_null())
        SELVAGE_CHECK(read_env(*env, spec));
    return spec;
}

}  // namespace selvage::edge::management
