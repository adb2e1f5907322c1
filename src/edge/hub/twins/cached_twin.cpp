#include "edge/hub/twins/cached_twin.h"

#include "domain/twin.h"

namespace selvage::edge::hub {
namespace {

// A patch that turns `before` into `value`, whatever `before` is.
Json replacement(const JsonObject& value, const Json* before) {
    JsonObject patch = value;
    if (before == nullptr || !before->is_object()) return patch;
    for (const auto& member : before->as_object()) {
        const auto* kept = value.if_contains(member.key());
        if (kept == nullptr)
            patch[member.key()] = nullptr;
        else if (kept->is_object())
            patch[member.key()] = replacement(kept->as_object(), &member.value());
    }
    return patch;
}

JsonObject section(const JsonObject& values, std::int64_t version) {
    JsonObject whole = values;
    whole["$version"] = version;
    return whole;
}

JsonObject object_or_empty(const JsonObject& from, std::string_view key) {
    const auto* found = find_object(from, key);
    return found == nullptr ? JsonObject() : *found;
}

}  // namespace

void compose_patches(JsonObject& pending, const JsonObject& patch, const JsonObject& base) {
    for (const auto& member : patch) {
        const auto key = member.key();
        const auto& value = member.value();
        const auto* before = base.if_contains(key);
        auto* waiting = pending.if_contains(key);
        if (waiting == nullptr || !value.is_object()) {
            pending[key] = value;
        } else if (waiting->is_object()) {
            const JsonObject nothing;
            const auto& inner = before != nullptr && before->is_object() ? before->as_object() : nothing;
            compose_patches(waiting->as_object(), value.as_object(), inner);
        } else {
            *waiting = replacement(value.as_object(), before);
        }
    }
}

std::string CachedTwin::document() const {
    JsonObject whole;
    whole["desired"] = section(desired, desired_version);
    whole["reported"] = section(reported, reported_version);
    return to_text(whole);
}

Result<> CachedTwin::take_document(std::string_view document) {
    SELVAGE_TRY(const auto whole, parse_json_object(document));
    const auto desired_section = object_or_empty(whole, "desired");
    const auto reported_section = object_or_empty(whole, "reported");
    desired = domain::without_read_only(desired_section);
    desired_version = domain::version_of(desired_section);
    reported_above = domain::without_read_only(reported_section);
    reported = reported_above;
    domain::merge_patch(reported, pending);
    reported_version = domain::version_of(reported_section) + (pending.empty() ? 0 : 1);
    synced = true;
    return {};
}

void CachedTwin::report(const JsonObject& patch) {
    compose_patches(pending, patch, reported_above);
    domain::merge_patch(reported, patch);
    ++reported_version;
}

void CachedTwin::acknowledged(const JsonObject& sent, JsonObject since, std::int64_t version) {
    domain::merge_patch(reported_above, sent);
    pending = std::move(since);
    reported = reported_above;
    domain::merge_patch(reported, pending);
    if (version > 0) reported_version = domain::bounded_version(version) + (pending.empty() ? 0 : 1);
}

void CachedTwin::give_up_pending(JsonObject since) {
    pending = std::move(since);
    reported = reported_above;
    domain::merge_patch(reported, pending);
}

void CachedTwin::patch_desired(const JsonObject& patch, std::int64_t version) {
    domain::merge_patch(desired, patch);
    desired_version = domain::bounded_version(version);
}

std::string CachedTwin::to_stored_text() const {
    JsonObject object;
    object["synced"] = synced;
    object["desired"] = desired;
    object["desiredVersion"] = desired_version;
    object["reportedAbove"] = reported_above;
    object["reportedVersion"] = reported_version;
    object["pending"] = pending;
    return to_text(object);
}

Result<CachedTwin> CachedTwin::from_stored_text(std::string_view text) {
    SELVAGE_TRY(const auto object, parse_json_object(text));
    CachedTwin twin;
    twin.synced = find_bool(object, "synced");
    twin.desired = object_or_empty(object, "desired");
    twin.desired_version = domain::bounded_version(find_integer(object, "desiredVersion"));
    twin.reported_above = object_or_empty(object, "reportedAbove");
    twin.reported_version = domain::bounded_version(find_integer(object, "reportedVersion"));
    twin.pending = object_or_empty(object, "pending");
    twin.reported = twin.reported_above;
    domain::merge_patch(twin.reported, twin.pending);
    return twin;
}

}  // namespace selvage::edge::hub
