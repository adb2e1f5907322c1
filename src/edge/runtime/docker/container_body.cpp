#include "edge/runtime/docker/container_body.h"

#include <fmt/core.h>

#include <map>

#include "base/encoding.h"
#include "edge/management/module_details.h"

namespace selvage::edge::runtime {
namespace {

JsonObject& object_member(JsonObject& parent, std::string_view key) {
    Json& value = parent[key];
    if (!value.is_object()) value = JsonObject();
    return value.as_object();
}

// "A=1" is (A, 1); "A" alone is (A, empty).
std::pair<std::string, std::string> split_entry(std::string_view entry) {
    const auto at = entry.find('=');
    if (at == std::string_view::npos) return {std::string(entry), {}};
    return {std::string(entry.substr(0, at)), std::string(entry.substr(at + 1))};
}

JsonArray merged_env(const management::ModuleSpec& spec) {
    std::map<std::string, std::string> env(spec.env.begin(), spec.env.end());
    if (const JsonArray* given = find_array(spec.create_options, "Env"))
        for (const Json& entry : *given)
            if (entry.is_string()) {
                auto [key, value] = split_entry(entry.as_string());
                env.insert_or_assign(std::move(key), std::move(value));
            }
    JsonArray list;
    for (const auto& [key, value] : env) list.push_back(Json(fmt::format("{}={}", key, value)));
    return list;
}

void take_privileges_away(JsonObject& body) {
    JsonObject& host = object_member(body, "HostConfig");
    const JsonArray* added = find_array(host, "CapAdd");
    if (find_bool(host, "Privileged") || (added != nullptr && !added->empty())) {
        host["Privileged"] = false;
        host.erase("CapAdd");
    }
    JsonArray dropped{"CHOWN", "SETUID"};
    if (const JsonArray* given = find_array(host, "CapDrop")) dropped.insert(dropped.end(), given->begin(), given->end());
    host["CapDrop"] = std::move(dropped);
}

}  // namespace

JsonObject container_body(const management::ModuleSpec& spec, bool allow_elevated) {
    JsonObject body = spec.create_options;
    if (!allow_elevated) take_privileges_away(body);
    body["Image"] = spec.image;
    body["Env"] = merged_env(spec);
    JsonObject& labels = object_member(body, "Labels");
    labels[management::kOwnerLabel] = management::kOwner;
    labels[management::kOriginalImageLabel] = spec.image;
    return body;
}

std::string image_to_pull(std::string_view image) {
    const auto slash = image.rfind('/');
    const std::string_view last = slash == std::string_view::npos ? image : image.substr(slash + 1);
    if (last.find(':') == std::string_view::npos && last.find('@') == std::string_view::npos)
        return fmt::format("{}:latest", image);
    return std::string(image);
}

std::string registry_auth_header(const JsonObject& auth) {
    if (auth.empty()) return {};
    std::string text = to_base64(to_text(auth));
    for (char& c : text) c = c == '+' ? '-' : c == '/' ? '_' : c;
    return text;
}

}  // namespace selvage::edge::runtime
