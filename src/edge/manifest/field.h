// Reading one member of the manifest: names in any case, errors with their path. Private to this folder.
#pragma once

#include <fmt/core.h>

#include <string>
#include <string_view>

#include "base/encoding.h"
#include "base/json.h"

namespace selvage::edge::manifest {

// The reference matches property names without case on every level (but not names that are data).
inline const Json* member(const JsonObject& object, std::string_view name) {
    if (const Json* exact = object.if_contains(name)) return exact;
    for (const auto& entry : object)
        if (equals_ignoring_case(entry.key(), name)) return &entry.value();
    return nullptr;
}

inline std::unexpected<Error> refuse(std::string_view path, std::string_view rule) {
    return fail(Errc::malformed, fmt::format("{}: {}", path, rule));
}

inline std::string at(std::string_view path, std::string_view name) {
    return path.empty() ? std::string(name) : fmt::format("{}.{}", path, name);
}

// An object that must be there.
inline Result<const JsonObject*> required_object(const JsonObject& object, std::string_view name, std::string_view path) {
    const Json* value = member(object, name);
    if (value == nullptr || value->is_null()) return refuse(at(path, name), "is required");
    if (!value->is_object()) return refuse(at(path, name), "must be an object");
    return &value->get_object();
}

// Text; numbers and booleans are taken as their JSON text. Absent or null: `otherwise`.
inline Result<std::string> text(const JsonObject& object, std::string_view name, std::string_view path,
                                std::string_view otherwise) {
    const Json* value = member(object, name);
    if (value == nullptr || value->is_null()) return std::string(otherwise);
    if (value->is_string()) return std::string(value->get_string());
    if (value->is_object() || value->is_array()) return refuse(at(path, name), "must be text");
    return to_text(*value);
}

inline Result<std::string> required_text(const JsonObject& object, std::string_view name, std::string_view path) {
    SELVAGE_TRY(std::string value, text(object, name, path, ""));
    if (trim(value).empty()) return refuse(at(path, name), "is required and may not be blank");
    return value;
}

}  // namespace selvage::edge::manifest
