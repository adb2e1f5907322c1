#include "edge/management/module_details.h"

#include <fmt/core.h>

#include <charconv>

#include "base/time_text.h"

namespace selvage::edge::management {
namespace {

constexpr std::pair<ModuleStatus, std::string_view> kStatusTexts[] = {
    {ModuleStatus::unknown, "unknown"}, {ModuleStatus::stopped, "stopped"}, {ModuleStatus::running, "running"},
    {ModuleStatus::failed, "failed"},   {ModuleStatus::dead, "dead"},
};

Result<std::string> required_text(const JsonObject& object, std::string_view key) {
    const Json* value = object.if_contains(key);
    if (value == nullptr || !value->is_string())
        return fail(Errc::malformed, fmt::format("`{}` is missing or no string", key));
    return std::string(value->as_string());
}

Result<> read_status(const JsonObject& status, ModuleDetails& details) {
    if (const JsonObject* runtime = find_object(status, "runtimeStatus"))
        details.status = parse_module_status(find_text(*runtime, "status"));
    if (const auto text = find_text(status, "startTime"); !text.empty()) {
        SELVAGE_TRY(details.start_time, from_iso8601(text));
    }
    const JsonObject* exit = find_object(status, "exitStatus");
    if (exit == nullptr) return {};
    if (const auto text = find_text(*exit, "exitTime"); !text.empty()) {
        SELVAGE_TRY(details.exit_time, from_iso8601(text));
    }
    const std::string_view code = find_text(*exit, "statusCode");
    std::int64_t number = 0;
    const auto [end, error] = std::from_chars(code.data(), code.data() + code.size(), number);
    if (error != std::errc() || end != code.data() + code.size())
        return fail(Errc::malformed, "`exitStatus.statusCode` is no number");
    details.exit_code = number;
    return {};
}

void read_config(const JsonObject& config, ModuleDetails& details) {
    if (const JsonObject* settings = find_object(config, "settings")) {
        details.image = find_text(*settings, "image");
        details.image_hash = find_text(*settings, "imageHash");
        if (const JsonObject* options = find_object(*settings, "createOptions")) details.create_options = *options;
    }
    const JsonArray* env = find_array(config, "env");
    if (env == nullptr) return;
    for (const Json& entry : *env)
        if (entry.is_object())
            details.env.emplace_back(find_text(entry.as_object(), "key"), find_text(entry.as_object(), "value"));
}

}  // namespace

std::string_view name(ModuleStatus status) {
    for (const auto& [value, text] : kStatusTexts)
        if (value == status) return text;
    return "unknown";
}

ModuleStatus parse_module_status(std::string_view text) {
    for (const auto& [value, known] : kStatusTexts)
        if (known == text) return value;
    return ModuleStatus::unknown;
}

std::string_view ModuleDetails::label(std::string_view label_name) const {
    const JsonObject* labels = find_object(create_options, "Labels");
    return labels == nullptr ? std::string_view() : find_text(*labels, label_name);
}

JsonObject to_json(const ModuleDetails& details) {
    JsonObject settings{{"image", details.image}};
    if (!details.image_hash.empty()) settings["imageHash"] = details.image_hash;
    settings["createOptions"] = details.create_options;
    JsonArray env;
    for (const auto& [key, value] : details.env) env.push_back(JsonObject{{"key", key}, {"value", value}});

    JsonObject status;
    if (details.start_time) status["startTime"] = to_rfc3339(*details.start_time);
    if (details.exit_time && details.exit_code)
        status["exitStatus"] = JsonObject{{"exitTime", to_rfc3339(*details.exit_time)},
                                          {"statusCode", std::to_string(*details.exit_code)}};
    status["runtimeStatus"] = JsonObject{{"status", name(details.status)}};
    return {{"id", "id"},
            {"name", details.name},
            {"type", details.type},
            {"config", JsonObject{{"settings", std::move(settings)}, {"env", std::move(env)}}},
            {"status", std::move(status)}};
}

Result<ModuleDetails> parse_module_details(const Json& body) {
    if (!body.is_object()) return fail(Errc::malformed, "a module is an object");
    const JsonObject& object = body.as_object();
    ModuleDetails details;
    SELVAGE_TRY(details.name, required_text(object, "name"));
    SELVAGE_TRY(details.type, required_text(object, "type"));
    if (const JsonObject* config = find_object(object, "config")) read_config(*config, details);
    if (const JsonObject* status = find_object(object, "status")) SELVAGE_CHECK(read_status(*status, details));
    return details;
}

JsonObject to_json(const ModuleIdentity& identity) {
    return {{"moduleId", identity.module_id},
            {"managedBy", identity.managed_by},
            {"generationId", identity.generation_id},
            {"authType", "sas"}};
}

Result<ModuleIdentity> parse_module_identity(const Json& body) {
    if (!body.is_object()) return fail(Errc::malformed, "an identity is an object");
    ModuleIdentity identity;
    SELVAGE_TRY(identity.module_id, required_text(body.as_object(), "moduleId"));
    SELVAGE_TRY(identity.generation_id, required_text(body.as_object(), "generationId"));
    identity.managed_by = find_text(body.as_object(), "managedBy", "iotedge");
    return identity;
}

std::string to_rfc3339(UtcTime time) {
    const auto day = std::chrono::floor<std::chrono::days>(time);
    const std::chrono::year_month_day date(day);
    const std::chrono::hh_mm_ss clock(time - day);
    std::string text = fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}", int(date.year()), unsigned(date.month()),
                                   unsigned(date.day()), clock.hours().count(), clock.minutes().count(),
                                   clock.seconds().count());
    if (clock.subseconds().count() != 0) text += fmt::format(".{:03}", clock.subseconds().count());
    return text + "Z";
}

}  // namespace selvage::edge::management
