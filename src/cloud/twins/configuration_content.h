// The content of a deployment, as far as twins are concerned: which desired properties of which module become what.
//
// Pure. Wire: docs/wire/service-rest.md#configuration-content.
#pragma once

#include <string>
#include <vector>

#include "base/json.h"
#include "base/result.h"

namespace selvage::cloud::twins {

// Sets the value at a path of the desired properties; an empty path is the whole document.
struct PathValue {
    std::vector<std::string> path;
    Json value;
};
struct TwinChange {
    std::string module;             // empty: the device's own twin
    std::vector<PathValue> values;  // shorter paths first
};

// Reads {"modulesContent":{module:{"properties.desired[.path]":value}},"deviceContent":{…}}; the older key
// `moduleContent` is taken for modulesContent. Errors: invalid_argument, naming what is wrong where.
Result<std::vector<TwinChange>> read_content(const JsonObject& content);

// The document after a change: each value replaces what is at its path, null removes it; missing parents are made.
JsonObject changed_document(const JsonObject& current, const TwinChange& change);

}  // namespace selvage::cloud::twins
