#include "cloud/twins/configuration_content.h"

#include <fmt/core.h>

#include <algorithm>
#include <span>

#include "domain/identity.h"
#include "domain/twin.h"

namespace selvage::cloud::twins {

namespace {

constexpr std::string_view kDesired = "properties.desired";
constexpr std::size_t kModulesMax = 50;

// "properties.desired.a.[[b.c]]" is {"a","b.c"}.
Result<std::vector<std::string>> read_path(std::string_view text) {
    const auto bad = [text] {
        return fail(Errc::invalid_argument,
                    fmt::format("'{}': a path is properties.desired, or properties.desired.NAME…", text));
    };
    if (!text.starts_with(kDesired)) return bad();
    auto rest = text.substr(kDesired.size());
    std::vector<std::string> path;
    while (!rest.empty()) {
        if (rest.front() != '.') return bad();
        rest.remove_prefix(1);
        const bool bracketed = rest.starts_with("[[");
        const auto end = bracketed ? rest.find("]]") : rest.find('.');
        if (bracketed && end == std::string_view::npos) return bad();
        const auto name = bracketed ? rest.substr(2, end - 2) : rest.substr(0, end);
        if (name.empty()) return bad();
        path.emplace_back(name);
        rest.remove_prefix(bracketed ? end + 2 : std::min(end, rest.size()));
    }
    return path;
}

bool holds_read_only(const Json& value) {
    if (const auto* object = value.if_object()) {
        return std::ranges::any_of(*object, [](const auto& member) {
            return member.key() == "$metadata" || member.key() == "$version" || holds_read_only(member.value());
        });
    }
    return false;
}

Result<TwinChange> read_change(std::string module, const JsonObject& values) {
    TwinChange change{.module = std::move(module), .values = {}};
    for (const auto& [key, value] : values) {
        SELVAGE_TRY(auto path, read_path(key));
        if (path.empty() && !value.is_object()) {
            return fail(Errc::invalid_argument, "properties.desired must be an object");
        }
        if (holds_read_only(value)) {
            return fail(Errc::invalid_argument,
                        fmt::format("'{}': $metadata and $version are not for setting", std::string_view(key)));
        }
        change.values.push_back({.path = std::move(path), .value = value});
    }
    std::ranges::sort(change.values, {}, [](const PathValue& value) { return value.path.size(); });
    return change;
}

void set_at(JsonObject& document, std::span<const std::string> path, const Json& value) {
    if (path.size() == 1) {
        if (value.is_null()) {
            document.erase(path.front());
        } else {
            document[path.front()] = value;
        }
        return;
    }
    auto& child = document[path.front()];
    if (!child.is_object()) child = JsonObject{};
    set_at(child.get_object(), path.subspan(1), value);
}

// Nulls inside a value mean "not there", as in every section that is replaced.
JsonObject without_nulls(const JsonObject& values) {
    JsonObject plain;
    domain::merge_patch(plain, values);
    return plain;
}

}  // namespace

Result<std::vector<TwinChange>> read_content(const JsonObject& content) {
    const auto* modules = find_object(content, "modulesContent");
    if (modules == nullptr) modules = find_object(content, "moduleContent");
    const auto* device = find_object(content, "deviceContent");
    if (modules == nullptr && device == nullptr) {
        return fail(Errc::invalid_argument, "the content has no object \"modulesContent\"");
    }
    std::vector<TwinChange> changes;
    if (device != nullptr) {
        auto change = read_change("", *device);
        if (!change) return fail(change.error().in("deviceContent"));
        if (!change->values.empty()) changes.push_back(*std::move(change));
    }
    if (modules == nullptr) return changes;
    if (modules->size() > kModulesMax) {
        return fail(Errc::invalid_argument,
                    fmt::format("modulesContent names {} modules, at most {}", modules->size(), kModulesMax));
    }
    for (const auto& [key, value] : *modules) {
        const std::string module(key);
        const std::string where = "modulesContent." + module;
        if (auto sound = domain::check_module_id(module); !sound) return fail(sound.error().in(where));
        if (!value.is_object()) return fail(Errc::invalid_argument, where + ": must be an object of paths");
        auto change = read_change(module, value.get_object());
        if (!change) return fail(change.error().in(where));
        changes.push_back(*std::move(change));
    }
    return changes;
}

JsonObject changed_document(const JsonObject& current, const TwinChange& change) {
    JsonObject document = current;
    for (const auto& [path, value] : change.values) {
        if (path.empty()) {
            document = without_nulls(value.get_object());
        } else if (value.is_object()) {
            set_at(document, path, Json(without_nulls(value.get_object())));
        } else {
            set_at(document, path, value);
        }
    }
    return document;
}

}  // namespace selvage::cloud::twins
