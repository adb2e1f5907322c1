// How twins change. The invariant that everything here keeps: a section's metadata has exactly the members that its values
// have, at every level, and no values hold a null.
#include "domain/twin.h"

#include <fmt/core.h>

#include <algorithm>

#include "base/encoding.h"
#include "base/time_text.h"

namespace selvage::domain {
namespace {

struct Stamp {
    std::string time;
    std::optional<std::int64_t> version;  // desired sections only

    Stamp(SectionKind kind, std::int64_t at_version, UtcTime now) : time(to_iso8601(now)) {
        if (kind == SectionKind::desired) version = at_version;
    }

    void mark(JsonObject& metadata) const {
        metadata["$lastUpdated"] = time;
        if (version) metadata["$lastUpdatedVersion"] = *version;
    }
};

// Metadata for values that are new as a whole.
JsonObject fresh_metadata(const JsonObject& values, const Stamp& stamp) {
    JsonObject metadata;
    stamp.mark(metadata);
    for (const auto& [key, value] : values) {
        const JsonObject* inner = value.if_object();
        metadata[key] = fresh_metadata(inner == nullptr ? JsonObject{} : *inner, stamp);
    }
    return metadata;
}

void patch_metadata(JsonObject& metadata, const JsonObject& patch, const Stamp& stamp) {
    stamp.mark(metadata);
    for (const auto& [key, value] : patch) {
        if (value.is_null()) {
            metadata.stable_erase(key);
        } else if (const JsonObject* inner = value.if_object()) {
            // What was no object has no member metadata, so its entry serves for the object that took its place.
            Json& entry = metadata[key];
            patch_metadata(entry.is_object() ? entry.get_object() : entry.emplace_object(), *inner, stamp);
        } else {
            stamp.mark(metadata[key].emplace_object());
        }
    }
}

Result<> check_size(const JsonObject& values, std::size_t bytes_max, std::string_view what) {
    const std::size_t bytes = counted_bytes(values);
    if (bytes <= bytes_max) return {};
    return fail(Errc::invalid_argument, fmt::format("/: {} of {} bytes, at most {}", what, bytes, bytes_max));
}

std::string_view name(SectionKind kind) {
    return kind == SectionKind::desired ? "desired properties" : "reported properties";
}

JsonObject to_json(const TwinSection& section) {
    JsonObject stored;
    stored["values"] = section.values;
    stored["metadata"] = section.metadata;
    stored["version"] = section.version;
    return stored;
}

Result<TwinSection> section_from_json(const JsonObject& twin, std::string_view key) {
    const JsonObject* stored = find_object(twin, key);
    if (stored == nullptr) return fail(Errc::corrupt, fmt::format("stored twin: no '{}'", key));
    const JsonObject* values = find_object(*stored, "values");
    const JsonObject* metadata = find_object(*stored, "metadata");
    const std::int64_t version = find_integer(*stored, "version");
    if (values == nullptr || metadata == nullptr || version < 1)
        return fail(Errc::corrupt, fmt::format("stored twin: '{}' lacks its values, metadata or version", key));
    return TwinSection{*values, *metadata, version};
}

}  // namespace

std::string Twin::etag() const {
    std::string bytes(8, '\0');
    for (std::size_t i = 0; i < 8; ++i) bytes[i] = static_cast<char>(etag_counter >> (56 - 8 * i));
    return to_base64(bytes);
}

void Twin::mark_changed() {
    ++version;
    ++etag_counter;
}

Twin new_twin(UtcTime now) {
    Twin twin;
    twin.desired.metadata = fresh_metadata({}, Stamp(SectionKind::desired, twin.desired.version, now));
    twin.reported.metadata = fresh_metadata({}, Stamp(SectionKind::reported, twin.reported.version, now));
    return twin;
}

JsonObject without_read_only(const JsonObject& values) {
    JsonObject plain = values;
    plain.stable_erase("$version");
    plain.stable_erase("$metadata");
    return plain;
}

std::int64_t bounded_version(std::int64_t version) {
    constexpr std::int64_t kVersionMax = std::int64_t{1} << 53;
    return std::clamp<std::int64_t>(version, 0, kVersionMax);
}

std::int64_t version_of(const JsonObject& section) { return bounded_version(find_integer(section, "$version")); }

void merge_patch(JsonObject& target, const JsonObject& patch) {
    for (const auto& [key, value] : patch) {
        if (value.is_null()) {
            target.stable_erase(key);
        } else if (const JsonObject* inner = value.if_object()) {
            Json& member = target[key];
            merge_patch(member.is_object() ? member.get_object() : member.emplace_object(), *inner);
        } else {
            target[key] = value;
        }
    }
}

JsonObject difference(const JsonObject& from, const JsonObject& to) {
    JsonObject patch;
    for (const auto& member : from)
        if (!to.contains(member.key())) patch[member.key()] = nullptr;
    for (const auto& [key, value] : to) {
        const Json* before = from.if_contains(key);
        if (before != nullptr && *before == value) continue;
        if (before != nullptr && before->is_object() && value.is_object())
            patch[key] = difference(before->get_object(), value.get_object());
        else
            patch[key] = value;
    }
    return patch;
}

Result<> patch_section(TwinSection& section, const JsonObject& patch, SectionKind kind, const TwinLimits& limits, UtcTime now) {
    SELVAGE_CHECK(check_section(patch, limits));
    JsonObject values = section.values;
    merge_patch(values, patch);
    SELVAGE_CHECK(check_size(values, limits.section_bytes_max, name(kind)));
    section.values = std::move(values);
    ++section.version;
    patch_metadata(section.metadata, patch, Stamp(kind, section.version, now));
    return {};
}

Result<> replace_section(TwinSection& section, const JsonObject& values, SectionKind kind, const TwinLimits& limits,
                         UtcTime now) {
    SELVAGE_CHECK(check_section(values, limits));
    JsonObject plain;
    merge_patch(plain, values);
    SELVAGE_CHECK(check_size(plain, limits.section_bytes_max, name(kind)));
    section.values = std::move(plain);
    ++section.version;
    section.metadata = fresh_metadata(section.values, Stamp(kind, section.version, now));
    return {};
}

Result<> patch_tags(JsonObject& tags, const JsonObject& patch, const TwinLimits& limits) {
    SELVAGE_CHECK(check_section(patch, limits));
    JsonObject merged = tags;
    merge_patch(merged, patch);
    SELVAGE_CHECK(check_size(merged, limits.tags_bytes_max, "tags"));
    tags = std::move(merged);
    return {};
}

Result<> replace_tags(JsonObject& tags, const JsonObject& values, const TwinLimits& limits) {
    JsonObject fresh;
    SELVAGE_CHECK(patch_tags(fresh, values, limits));
    tags = std::move(fresh);
    return {};
}

JsonObject section_document(const TwinSection& section, bool with_metadata) {
    JsonObject document = section.values;
    if (with_metadata) document["$metadata"] = section.metadata;
    document["$version"] = section.version;
    return document;
}

JsonObject device_document(const Twin& twin) {
    JsonObject document;
    document["desired"] = section_document(twin.desired, false);
    document["reported"] = section_document(twin.reported, false);
    return document;
}

JsonObject to_json(const Twin& twin) {
    JsonObject stored;
    stored["tags"] = twin.tags;
    stored["desired"] = to_json(twin.desired);
    stored["reported"] = to_json(twin.reported);
    stored["version"] = twin.version;
    stored["etagCounter"] = twin.etag_counter;
    return stored;
}

Result<Twin> twin_from_json(const JsonObject& stored) {
    Twin twin;
    const JsonObject* tags = find_object(stored, "tags");
    if (tags == nullptr) return fail(Errc::corrupt, "stored twin: no 'tags'");
    twin.tags = *tags;
    SELVAGE_TRY(twin.desired, section_from_json(stored, "desired"));
    SELVAGE_TRY(twin.reported, section_from_json(stored, "reported"));
    twin.version = find_integer(stored, "version");
    const Json* etag = find(stored, "etagCounter");
    boost::json::error_code error;
    if (etag != nullptr && etag->is_number()) twin.etag_counter = etag->to_number<std::uint64_t>(error);
    if (twin.version < 1 || etag == nullptr || !etag->is_number() || error)
        return fail(Errc::corrupt, "stored twin: no version or etag counter");
    return twin;
}

}  // namespace selvage::domain
