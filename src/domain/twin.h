// A twin: tags, desired and reported properties with their versions and metadata, and the rules by which they change.
//
// Pure: the caller gives the time. Wire: docs/wire/twins.md.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "base/json.h"
#include "base/result.h"
#include "domain/identity.h"

namespace selvage::domain {

// One section, desired or reported. `values` holds plain members only; `$version` and `$metadata` are kept beside it.
struct TwinSection {
    JsonObject values;
    JsonObject metadata;        // mirrors `values`: {"$lastUpdated":…, "$lastUpdatedVersion":… (desired only), member: …}
    std::int64_t version = 1;
};

struct Twin {
    JsonObject tags;
    TwinSection desired;
    TwinSection reported;
    std::int64_t version = 2;   // rises with each change of tags or desired; a new twin has 2
    std::uint64_t etag_counter = 1;

    // base64 of the counter as 8 big-endian bytes; the first is AAAAAAAAAAE=.
    std::string etag() const;
    // `version` and `etag` rise: call it once for each accepted change of tags or desired, never for reported.
    void mark_changed();
};

Twin new_twin(UtcTime now);

// Limits of one section. The defaults are IoT Hub's; self-hosted hubs may raise them.
struct TwinLimits {
    std::size_t section_bytes_max = 32 * 1024;
    std::size_t tags_bytes_max = 8 * 1024;
    std::size_t string_bytes_max = 4096;
    std::size_t key_bytes_max = 1024;
    std::size_t depth_max = 10;
};

// Size of a section as IoT Hub counts it: key lengths plus value sizes (strings without control characters, numbers 8,
// booleans 4, arrays and objects the sum of what is inside), without `$` members.
std::size_t counted_bytes(const JsonObject& values);

// Checks a patch or a whole section: keys (length, no control characters, '.', '$' or space), strings, integers within
// -4503599627370496 to 4503599627370495, depth (objects and arrays; the section itself is level 0), no null inside arrays.
// Size is for the functions below, that know the result. The error names the path:
// "/a/b: string of 5000 bytes, at most 4096".
// Errors: invalid_argument.
Result<> check_section(const JsonObject& values, const TwinLimits& limits);

// Without the section's own `$version` and `$metadata`, that clients send along. check_section refuses what has them still.
JsonObject without_read_only(const JsonObject& values);

// A version that somebody else gave, held to 0 … 2^53: no hub has counted further, and there is room to count on.
std::int64_t bounded_version(std::int64_t version);
// The same of a section's `$version`; 0 when it has none.
std::int64_t version_of(const JsonObject& section);

// RFC 7396 merge of plain values: null deletes, objects merge, everything else replaces.
void merge_patch(JsonObject& target, const JsonObject& patch);

// What changed `from` → `to`, as a patch (nulls for what went): merge_patch(from, difference) == to. Empty when equal.
// Neither may hold nulls.
JsonObject difference(const JsonObject& from, const JsonObject& to);

enum class SectionKind { desired, reported };

// Merges a checked patch into a section: new version, metadata at every level that the patch touched.
// Errors: invalid_argument (limits, before anything changes), quota_exceeded never.
Result<> patch_section(TwinSection& section, const JsonObject& patch, SectionKind kind, const TwinLimits& limits, UtcTime now);
// Replaces a section whole (service PUT, applied configuration): nulls are dropped, metadata is made anew.
Result<> replace_section(TwinSection& section, const JsonObject& values, SectionKind kind, const TwinLimits& limits, UtcTime now);

// The same for tags, which have neither version nor metadata of their own. Errors: invalid_argument; then nothing changed.
Result<> patch_tags(JsonObject& tags, const JsonObject& patch, const TwinLimits& limits);
Result<> replace_tags(JsonObject& tags, const JsonObject& values, const TwinLimits& limits);

// {…values, "$version":n} and, if asked, "$metadata".
JsonObject section_document(const TwinSection& section, bool with_metadata);
// What a device gets: {"desired":{…,"$version"},"reported":{…,"$version"}}.
JsonObject device_document(const Twin& twin);

// For storage; the only form that is written to disk.
JsonObject to_json(const Twin& twin);
Result<Twin> twin_from_json(const JsonObject& stored);

}  // namespace selvage::domain
