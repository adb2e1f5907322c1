// What the edge hub knows of one twin: the last state from the hub above, and the reported changes that it does not have yet.
//
// A plain value with the rules; no I/O.
#pragma once

#include <cstdint>
#include <string>

#include "base/json.h"
#include "base/result.h"

namespace selvage::edge::hub {

// Adds `patch` to `pending`, so that applying the result to `base` gives the same as applying one after the other. Nulls
// are kept. `base` is the state that `pending` will be applied to: where an object takes the place of a value that pending
// removes or replaces, the members that base still has must go.
void compose_patches(JsonObject& pending, const JsonObject& patch, const JsonObject& base);

// Desired patches may be this deep: inside the stored text they are two levels deeper, and that must still be readable.
inline constexpr std::size_t kDesiredDepthMax = 62;

struct CachedTwin {
    bool synced = false;               // the hub above has told us the twin at least once
    JsonObject desired;
    std::int64_t desired_version = 0;
    JsonObject reported_above;         // as the hub above has it
    JsonObject reported;               // the same with `pending` applied: what clients see
    std::int64_t reported_version = 0;
    JsonObject pending;                // reported changes that the hub above has not acknowledged

    // {"desired":{…,"$version"},"reported":{…,"$version"}}
    std::string document() const;

    // Takes the hub above's document; what is pending stays on top. Errors: malformed.
    Result<> take_document(std::string_view document);
    // A client's change, already checked.
    void report(const JsonObject& patch);
    // The hub above has taken `sent`; what came since is pending. `version` 0: it did not say.
    void acknowledged(const JsonObject& sent, JsonObject since, std::int64_t version);
    // The hub above refused `pending` for good.
    void give_up_pending(JsonObject since);
    // A change of the desired properties by exactly one version.
    void patch_desired(const JsonObject& patch, std::int64_t version);

    std::string to_stored_text() const;
    static Result<CachedTwin> from_stored_text(std::string_view text);
};

}  // namespace selvage::edge::hub
